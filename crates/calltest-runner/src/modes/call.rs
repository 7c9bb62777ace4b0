//! `call`: both ends are ours. The callee rings and rejects; the caller has to see the ringing.

use calltest_core::evidence::Stop;
use calltest_core::plan::Ends;

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, ends: &Ends) -> Result<(), Stop> {
    let delay = &call.test.delay;
    call.listen(ends)?;
    call.dial(ends.number.as_deref()).await?;
    call.arrive().await?;
    call.pause(delay.pre).await?;
    call.ring().await?;
    call.pause(delay.ring).await?;
    call.see_ringing().await?;
    call.reject().await
}
