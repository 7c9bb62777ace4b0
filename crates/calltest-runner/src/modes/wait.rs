//! `wait`: waits for a call, lets it ring, rejects it.

use calltest_core::evidence::Stop;
use calltest_core::plan::{Reception, Rejection};

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, at: &Reception, reject_with: Rejection) -> Result<(), Stop> {
    call.invite(at).await?;
    call.accept_and_ring().await?;
    call.reject(reject_with).await
}
