//! `call`: both ends are ours. The callee rings and rejects; the caller has to see the ringing.

use calltest_core::evidence::Stop;
use calltest_core::plan::{Ends, Rejection};

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, ends: &Ends, reject_with: Rejection) -> Result<(), Stop> {
    call.listen(ends)?;
    call.dial(ends.number.as_deref()).await?;
    call.let_ring().await?;
    call.see_ringing().await?;
    call.see_early_media().await?;
    call.reject(reject_with).await?;
    // What becomes of the rejection on its way is of interest only to those who ask.
    if call.expectation.causes.is_empty() { Ok(()) } else { call.see_rejection(None).await }
}
