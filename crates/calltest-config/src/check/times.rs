//! The times of a call: pauses, when it is tested, and whether its timeout leaves it time enough.

use std::time::Duration;

use calltest_core::plan::{BothScript, Delay, InScript, OutScript, Route, Schedule};
use calltest_core::verdict::seconds;

use super::call::Call;
use crate::diagnostic::Finding;
use crate::readers;
use crate::report::Reported;
use crate::scalar::{self, BadValue};
use crate::view::At;

impl Call<'_, '_, '_> {
    pub(super) fn delay(&mut self) -> Result<Delay, Reported> {
        let section = self.view.section("delay");
        let read = |key| section.read(key, readers::seconds, self.report).map(|at| at.value);
        Ok(Delay { pre: read("pre")?, ring: read("ring")?, answer: read("answer")? })
    }

    pub(super) fn schedule(&mut self) -> Result<Schedule, Reported> {
        let section = self.view.section("test");
        for key in ["retry", "repeat"] {
            let Ok(pause) = section.read(key, readers::seconds, self.report) else { continue };
            if pause.value.is_zero() {
                let message = format!("`test.{key}` is 0: the next call goes out at once");
                self.report.add(Finding::warning(pause.place, message).hint("give some seconds"));
            }
        }
        let warn = section.read("warn", readers::count, self.report)?;
        let fail = section.read("fail", readers::count, self.report)?;
        if warn.value > fail.value {
            let message = format!(
                "`test.warn` is {} and `test.fail` is {}: warning would come after failing",
                warn.value, fail.value
            );
            let place = if fail.is_own && !warn.is_own { fail.place } else { warn.place };
            return Err(self.report.add(Finding::error(place, message).hint("`warn` must not be above `fail`")));
        }
        Ok(Schedule {
            retry: section.read("retry", readers::seconds, self.report)?.value,
            repeat: section.read("repeat", readers::seconds, self.report)?.value,
            warn: warn.value,
            fail: fail.value,
            is_manual: section.read("skip", scalar::flag, self.report)?.value,
        })
    }

    /// A duration of the call itself.
    pub(super) fn seconds(
        &mut self,
        key: &str,
        read: fn(&str) -> Result<Duration, BadValue>,
    ) -> Result<At<Duration>, Reported> {
        self.view.read(key, read, self.report)
    }

    /// A test whose time is up before it can be through would fail for ever, and not by the phone network's fault.
    pub(super) fn check_time(&mut self, route: &Route, delay: &Delay, timeout: At<Duration>) -> Result<(), Reported> {
        let place = self.place_of(&timeout);
        if time_to_reject(route).is_some_and(|within| within >= timeout.value)
            && self.view.node("ringtime").is_some_and(|ringtime| ringtime.is_own)
        {
            let message = format!(
                "`ringtime` has no effect: `timeout` ends {} before, after {}",
                self.quoted_name(),
                seconds(timeout.value)
            );
            let place = self.view.node("ringtime").map_or(place, |ringtime| self.place_of(&ringtime));
            self.report.add(Finding::warning(place, message));
        }
        let needed = shortest_time(route, delay);
        if timeout.value > needed {
            return Ok(());
        }
        let message = format!(
            "{} can never pass: it takes {} at least, its timeout is {}",
            self.quoted_name(),
            seconds(needed),
            seconds(timeout.value)
        );
        Err(self.report.add(Finding::error(place, message).hint("raise `timeout`, or shorten delays and digits")))
    }
}

/// Within which time the far end has to reject the call, where it has to do so soon.
fn time_to_reject(route: &Route) -> Option<Duration> {
    match route {
        Route::Out { script, .. } => match script {
            OutScript::Fail { within } => Some(*within),
            OutScript::Ring | OutScript::Play { .. } | OutScript::Timeout { .. } => None,
        },
        Route::Both { .. } | Route::In { .. } | Route::Watch { .. } => None,
    }
}

/// The least time that a passing run takes once its links are held, set-up not counted.
fn shortest_time(route: &Route, delay: &Delay) -> Duration {
    match route {
        Route::Both { script, .. } => match script {
            BothScript::Dtmf(dtmf) => delay.pre + delay.ring + delay.answer + 2 * dtmf.sending_time(),
            BothScript::Call { .. } => delay.pre + delay.ring,
            BothScript::Audio(_) => delay.pre + delay.ring + delay.answer,
        },
        Route::Out { script, .. } => match script {
            OutScript::Ring => delay.ring,
            OutScript::Play { .. } => delay.answer,
            OutScript::Fail { .. } => Duration::ZERO,
            OutScript::Timeout { ringtime } => *ringtime,
        },
        Route::In { script, .. } => match script {
            InScript::Wait { .. } => delay.pre + delay.ring,
            InScript::Answer { .. } | InScript::Record { .. } => delay.pre + delay.ring + delay.answer,
        },
        Route::Watch { time, .. } => *time,
    }
}
