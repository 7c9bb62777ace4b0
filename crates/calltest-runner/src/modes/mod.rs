//! The modes: one short file each, which reads like the call.

use calltest_core::evidence::Stop;
use calltest_core::plan::Mode;
use calltest_core::verdict::Trouble;

use crate::call::Call;

mod call;
mod dtmf;
mod play;
mod ring;

/// Goes through the script of the test's mode.
pub(crate) async fn go_through(call: &mut Call<'_>) -> Result<(), Stop> {
    match &call.test.mode {
        Mode::Dtmf { ends, dtmf } => dtmf::go_through(call, ends, dtmf).await,
        Mode::Call { ends } => self::call::go_through(call, ends).await,
        Mode::Ring { to } => ring::go_through(call, to).await,
        Mode::Play { to, sound, record: None } => play::go_through(call, to, sound.as_deref()).await,
        mode @ (Mode::Play { record: Some(_), .. }
        | Mode::Audio { .. }
        | Mode::Fail { .. }
        | Mode::Timeout { .. }
        | Mode::Wait { .. }
        | Mode::Answer { .. }
        | Mode::Record { .. }) => Err(Stop::Trouble(Trouble::ModeUnavailable { mode: mode.name() })),
    }
}
