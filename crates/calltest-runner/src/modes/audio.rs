//! `audio`: both ends are ours. The callee rings and answers, then plays its sound, then the caller does; each side records
//! what comes in.

use calltest_core::evidence::{Side, Stop};
use calltest_core::plan::{Audio, Parties};

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, parties: &Parties, audio: &Audio) -> Result<(), Stop> {
    call.listen(parties).await?;
    call.dial(parties.number.as_deref()).await?;
    call.accept_and_ring().await?;
    call.answer().await?;
    call.see_answer(Side::Dst).await?;
    call.see_answer(Side::Src).await?;
    call.record(Side::Src, audio.src_in.as_deref()).await?;
    call.record(Side::Dst, audio.dst_in.as_deref()).await?;
    call.pause(call.test.delay.answer).await?;
    call.play(Side::Dst, audio.dst_out.as_deref()).await?;
    call.play(Side::Src, audio.src_out.as_deref()).await?;
    // What was played last is still on its way.
    call.pause(super::TAIL).await
}
