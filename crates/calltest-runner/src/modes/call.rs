//! `call`: both ends are ours. The callee rings and rejects; the caller has to see the ringing.

use calltest_core::evidence::Stop;
use calltest_core::plan::{Parties, Rejection};

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, parties: &Parties, reject_with: Rejection) -> Result<(), Stop> {
    call.listen(parties).await?;
    call.dial(parties.number.as_deref()).await?;
    call.accept_and_ring().await?;
    call.see_ringing().await?;
    call.hear_early_media_out().await?;
    call.see_early_media().await?;
    call.reject(reject_with).await?;
    // What becomes of the rejection on its way is of interest only to those who ask.
    if call.expectation.causes.is_empty() { Ok(()) } else { call.see_rejection(None).await }
}
