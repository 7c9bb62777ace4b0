//! `dtmf`: both ends are ours. The callee rings and answers, then sends random digits, then the caller does; each side has
//! to hear exactly the other's.

use calltest_core::evidence::{Side, Stop};
use calltest_core::plan::{Dtmf, Parties};

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, parties: &Parties, dtmf: &Dtmf) -> Result<(), Stop> {
    let expectation = call.expectation;
    call.listen(parties).await?;
    call.dial(parties.number.as_deref()).await?;
    call.accept_and_ring().await?;
    call.answer().await?;
    call.see_answer(Side::Dst).await?;
    call.see_answer(Side::Src).await?;
    call.pause(call.test.delay.answer).await?;
    // One direction at a time: RFC 4733 digits sent both ways at once get lost or doubled in Asterisk.
    call.exchange_digits(&expectation.digits, dtmf).await?;
    // Digits that nobody sent may follow.
    call.pause(super::TAIL).await
}
