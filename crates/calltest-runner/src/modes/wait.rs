//! `wait`: waits for a call, lets it ring, rejects it.

use calltest_core::evidence::Stop;
use calltest_core::plan::{Reception, Rejection};

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, at: &Reception, reject_with: Rejection) -> Result<(), Stop> {
    let delay = &call.test.delay;
    call.invite(at)?;
    call.arrive().await?;
    call.pause(delay.pre).await?;
    call.ring().await?;
    call.pause(delay.ring).await?;
    call.reject(reject_with).await
}
