//! `answer`: waits for a call and answers it; plays a sound if there is one, and records what comes in meanwhile.

use calltest_core::evidence::{Side, Stop};
use calltest_core::plan::Reception;

use crate::call::Call;

pub(super) async fn go_through(
    call: &mut Call<'_>,
    at: &Reception,
    sound: Option<&str>,
    record: Option<&str>,
) -> Result<(), Stop> {
    call.invite(at).await?;
    call.accept_and_ring().await?;
    call.answer().await?;
    call.see_answer(Side::Dst).await?;
    call.record(Side::Dst, record).await?;
    call.pause(call.test.delay.answer).await?;
    call.play(Side::Dst, sound).await
}
