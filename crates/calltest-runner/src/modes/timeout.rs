//! `timeout`: calls a number, which has to ring, and later to reject the call by itself.

use calltest_core::evidence::Stop;
use calltest_core::expectation::TIME_TO_RING;
use calltest_core::plan::Destination;

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, to: &Destination) -> Result<(), Stop> {
    call.dial(to.number.as_deref()).await?;
    let limit = call.since_dialled(TIME_TO_RING);
    call.see_ringing_within(limit).await?;
    let limit = call.since_ringing(call.test.timeout);
    call.see_rejection(Some(limit)).await
}
