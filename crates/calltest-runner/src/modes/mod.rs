//! The modes: one short file each, which reads like the call.

use std::time::Duration;

use calltest_core::evidence::Stop;
use calltest_core::plan::Mode;

use crate::call::Call;

mod answer;
mod audio;
mod call;
mod dtmf;
mod fail;
mod play;
mod record;
mod ring;
mod timeout;
mod wait;

/// How long a call goes on after the last thing was sent, for what is still on its way and for what nobody sent.
const TAIL: Duration = Duration::from_millis(500);

/// Goes through the script of the test's mode.
pub(crate) async fn go_through(call: &mut Call<'_>) -> Result<(), Stop> {
    match &call.test.mode {
        Mode::Dtmf { ends, dtmf } => dtmf::go_through(call, ends, dtmf).await,
        Mode::Call { ends, reject_with } => self::call::go_through(call, ends, *reject_with).await,
        Mode::Audio { ends, audio } => audio::go_through(call, ends, audio).await,
        Mode::Ring { to } => ring::go_through(call, to).await,
        Mode::Play { to, sound, record } => play::go_through(call, to, sound.as_deref(), record.as_deref()).await,
        Mode::Fail { to, within } => fail::go_through(call, to, *within).await,
        Mode::Timeout { to, .. } => timeout::go_through(call, to).await,
        Mode::Wait { at, reject_with } => wait::go_through(call, at, *reject_with).await,
        Mode::Answer { at, sound, record } => answer::go_through(call, at, sound.as_deref(), record.as_deref()).await,
        Mode::Record { at, sound, record } => record::go_through(call, at, sound.as_deref(), record.as_deref()).await,
    }
}
