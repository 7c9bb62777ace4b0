//! `ring`: calls a number, which has to ring.

use calltest_core::evidence::Stop;
use calltest_core::plan::Destination;

use crate::call::Call;

pub(super) async fn go_through(call: &mut Call<'_>, to: &Destination) -> Result<(), Stop> {
    call.dial(to.number.as_deref()).await?;
    call.see_ringing().await?;
    call.see_early_media().await?;
    call.pause(call.test.delay.ring).await
}
