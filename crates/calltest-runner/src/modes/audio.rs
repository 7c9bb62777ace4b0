//! `audio`: both ends are ours. The callee rings and answers, then plays its sound, then the caller does; each side records
//! what comes in.

use calltest_core::evidence::{Side, Stop};
use calltest_core::plan::{Audio, Ends};

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, ends: &Ends, audio: &Audio) -> Result<(), Stop> {
    call.listen(ends)?;
    call.dial(ends.number.as_deref()).await?;
    call.let_ring().await?;
    call.answer().await?;
    call.be_up(Side::Dst).await?;
    call.be_up(Side::Src).await?;
    call.record(Side::Src, audio.src_in.as_deref()).await?;
    call.record(Side::Dst, audio.dst_in.as_deref()).await?;
    call.pause(call.test.delay.answer).await?;
    call.play(Side::Dst, audio.dst_out.as_deref()).await?;
    call.play(Side::Src, audio.src_out.as_deref()).await?;
    // What was played last is still on its way.
    call.pause(super::TAIL).await
}
