//! Mode `online`: no call. The endpoint behind the link has to be online, and to stay so for a while.

use std::time::Duration;

use calltest_core::evidence::Stop;

use crate::call::Call;
use crate::waits::Limit;

pub(super) async fn go_through(call: &mut Call<'_>, time: Duration) -> Result<(), Stop> {
    let limit = Limit::from_now(time);
    call.see_endpoint_online().await?;
    while call.pause_within(super::LOOK_AGAIN, limit).await? {
        call.see_endpoint_online().await?;
    }
    Ok(())
}
