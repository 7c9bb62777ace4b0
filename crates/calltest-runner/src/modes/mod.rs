//! The modes: one short file each, which reads like the call.

use std::time::Duration;

use calltest_core::evidence::Stop;
use calltest_core::plan::{BothScript, InScript, OutScript, Route};

use crate::call::Call;

mod answer;
mod audio;
mod call;
mod dtmf;
mod fail;
mod online;
mod play;
mod record;
mod ring;
mod timeout;
mod wait;

/// How often an endpoint is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a call goes on after the last thing was sent, for what is still on its way and for what nobody sent.
const TAIL: Duration = Duration::from_millis(500);

/// Goes through the script of the test's mode.
pub(crate) async fn go_through(call: &mut Call<'_>) -> Result<(), Stop> {
    match &call.test.route {
        Route::Both { parties, script } => match script {
            BothScript::Dtmf(dtmf) => dtmf::go_through(call, parties, dtmf).await,
            BothScript::Call { reject_with } => self::call::go_through(call, parties, *reject_with).await,
            BothScript::Audio(audio) => audio::go_through(call, parties, audio).await,
        },
        Route::Out { to, script } => match script {
            OutScript::Ring => ring::go_through(call, to).await,
            OutScript::Play { sound, record } => play::go_through(call, to, sound.as_deref(), record.as_deref()).await,
            OutScript::Fail { within } => fail::go_through(call, to, *within).await,
            OutScript::Timeout { .. } => timeout::go_through(call, to).await,
        },
        Route::In { at, script } => match script {
            InScript::Wait { reject_with } => wait::go_through(call, at, *reject_with).await,
            InScript::Answer { sound, record } => {
                answer::go_through(call, at, sound.as_deref(), record.as_deref()).await
            }
            InScript::Record { sound, record } => {
                record::go_through(call, at, sound.as_deref(), record.as_deref()).await
            }
        },
        Route::Watch { time, .. } => online::go_through(call, *time).await,
    }
}
