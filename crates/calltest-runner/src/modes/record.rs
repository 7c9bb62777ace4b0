//! `record`: waits for a call and answers it; plays a sound if there is one, and records what comes in until the caller hangs
//! up or presses `#`.

use calltest_core::evidence::{Side, Stop};
use calltest_core::plan::Reception;

use crate::call::{Call, Waited};
use crate::waits::Limit;

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
    // The caller may end the call at any time from here on.
    if call.see_caller_end(Some(Limit::from_now(call.test.delay.answer))).await? == Waited::Elapsed {
        match call.start_to_play(Side::Dst, sound).await {
            Err(Stop::LegEnded { side: Side::Dst, .. }) => return Ok(()),
            started => started?,
        }
        call.see_caller_end(None).await?;
    }
    Ok(())
}
