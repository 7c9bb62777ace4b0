//! `fail`: calls a number, which has to reject the call soon.

use std::time::Duration;

use calltest_core::evidence::Stop;
use calltest_core::plan::Destination;

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, to: &Destination, within: Duration) -> Result<(), Stop> {
    call.dial(to.number.as_deref()).await?;
    let limit = call.since_dialled(within);
    call.see_rejection(Some(limit)).await
}
