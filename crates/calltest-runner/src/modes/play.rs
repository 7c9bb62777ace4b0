//! `play`: calls a number, which has to answer; plays it a sound if there is one, and records what comes back meanwhile.

use calltest_core::evidence::{Side, Stop};
use calltest_core::plan::Destination;

use crate::call::Call;

pub(super) async fn go_through(
    call: &mut Call<'_>,
    to: &Destination,
    sound: Option<&str>,
    record: Option<&str>,
) -> Result<(), Stop> {
    call.dial(to.number.as_deref()).await?;
    call.see_answer(Side::Src).await?;
    call.dial_on().await?;
    call.record(Side::Src, record).await?;
    call.pause(call.test.delay.answer).await?;
    call.play(Side::Src, sound).await
}
