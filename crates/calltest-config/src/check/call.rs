//! Calls: each becomes a test with just the parts that its mode needs.

use std::time::Duration;

use calltest_core::number::PhoneNumber;
use calltest_core::plan::{
    Audio, CallTest, Delay, Destination, DialString, Dtmf, Ends, LinkName, Mode, Reception, Schedule, TestName,
};
use calltest_core::verdict::seconds;

use super::link::{Links, Parts};
use super::{modes, quiet};
use crate::diagnostic::{Finding, quoted};
use crate::keys::{Kind, ModeName, Section, Side, one_of};
use crate::report::{Report, Reported};
use crate::scalar::{self, Misfit};
use crate::tree::{Key, Map, Node, Place};
use crate::view::{At, View};

/// Reads the word for a mode.
pub(super) fn mode_name(text: &str) -> Result<ModeName, Misfit> {
    ModeName::parse(text).ok_or_else(|| Misfit::Expected(one_of(ModeName::WORDS)))
}

/// Asterisk makes tones at least this long.
const SHORTEST_TONE: Duration = Duration::from_millis(100);

/// Checks a call and makes a test of it.
pub(super) fn check(
    name: &Key,
    node: &Node,
    view: View<'_>,
    links: &Links,
    report: &mut Report<'_>,
) -> Result<CallTest, Reported> {
    if node.map().is_none()
        && let Some(reported) = report.errors().filter(|_| !node.is_null())
    {
        return Err(reported);
    }
    let mode = view.read("mode", mode_name, report);
    let mut call = Call { name, links, view, mode: ModeName::Dtmf, report };
    let src = call.link("src");
    let dst = call.link("dst");
    let schedule = call.schedule();
    let quiet = quiet::quiet_times(&call.view, call.report);
    // The rest depends on the mode.
    call.mode = mode?.value;
    call.view = call.view.in_mode(call.mode);
    if let Some(map) = node.map() {
        call.warn_of_keys_without_effect(map, call.view.definition(), "");
    }
    let demands = call.demands();
    let delay = call.delay();
    let mode = call.mode(src, dst);
    let timeout = call.seconds("timeout", scalar::some_seconds);
    if let (Ok(mode), Ok(delay), Ok(timeout)) = (&mode, &delay, &timeout) {
        call.check_time(mode, delay, *timeout)?;
    }
    Ok(CallTest {
        name: TestName::from(&*name.text),
        info: call.view.read("info", scalar::text, call.report)?.value,
        mode: mode?,
        timeout: timeout?.value,
        delay: delay?,
        demands: demands?,
        schedule: schedule?,
        quiet: quiet?,
    })
}

/// A link that a call names, and where.
pub(super) type Named<'c> = At<&'c Parts>;

/// A call that is being checked.
pub(super) struct Call<'c, 'r, 'sources> {
    pub(super) name: &'c Key,
    links: &'c Links,
    pub(super) view: View<'c>,
    pub(super) mode: ModeName,
    pub(super) report: &'r mut Report<'sources>,
}

impl<'c> Call<'c, '_, '_> {
    pub(super) fn error(&mut self, place: Place, message: String) -> Reported {
        self.report.add(Finding::error(place, message))
    }

    /// Where to show a fault in a value: in the call itself, not in what it shares with others.
    pub(super) fn place_of<T>(&self, value: &At<T>) -> Place {
        if value.is_own { value.place } else { self.name.place }
    }

    fn quoted_name(&self) -> String {
        quoted(&self.name.text)
    }

    /// The link under `src` or `dst`.
    fn link(&mut self, key: &str) -> Result<Option<Named<'c>>, Reported> {
        let Some(At { value: name, place, is_own }) = self.view.read_optional(key, scalar::some_text, self.report)?
        else {
            return Ok(None);
        };
        match self.links.get(&*name) {
            Some(value) => Ok(Some(At { value, place, is_own })),
            None => {
                let hint = self.report.did_you_mean(&name, self.links.keys().map(LinkName::as_str));
                let message = format!("link {} is not defined", quoted(&name));
                Err(self.report.add(Finding::error(place, message).maybe_hint(hint)))
            }
        }
    }

    /// A link that the mode cannot do without.
    fn needed(&mut self, key: &str, link: Result<Option<Named<'c>>, Reported>) -> Result<Named<'c>, Reported> {
        match link? {
            Some(link) => Ok(link),
            None => {
                let message =
                    format!("{} has no `{key}`, which mode {} needs", self.quoted_name(), quoted(self.mode.word()));
                Err(self.error(self.name.place, message))
            }
        }
    }

    fn mode(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Mode, Reported> {
        match self.mode.side() {
            Side::Both => self.mode_of_both(src, dst),
            Side::Originating => self.originating_mode(src, dst),
            Side::Answering => self.answering_mode(src, dst),
        }
    }

    fn mode_of_both(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Mode, Reported> {
        let ends = self.ends(src, dst);
        match self.mode {
            ModeName::Dtmf => {
                let dtmf = self.dtmf();
                Ok(Mode::Dtmf { ends: ends?, dtmf: dtmf? })
            }
            ModeName::Audio => {
                let audio = self.audio()?;
                if audio.src_in.is_none() && audio.dst_in.is_none() {
                    let message = format!("{} records nothing, so that no sound is proven", self.quoted_name());
                    let hint = "give `audio.src_in` and `audio.dst_in` names";
                    self.report.add(Finding::warning(self.name.place, message).hint(hint));
                }
                Ok(Mode::Audio { ends: ends?, audio })
            }
            _ => {
                let reject_with = self.rejection();
                Ok(Mode::Call { ends: ends?, reject_with: reject_with? })
            }
        }
    }

    fn originating_mode(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Mode, Reported> {
        let to = self.destination(src, dst);
        match self.mode {
            ModeName::Play => {
                let audio = self.audio()?;
                let record = self.one_recording(&audio);
                Ok(Mode::Play { to: to?, sound: audio.src_out, record: record? })
            }
            ModeName::Fail => {
                let within = self.seconds("ringtime", scalar::some_seconds);
                Ok(Mode::Fail { to: to?, within: within?.value })
            }
            ModeName::Timeout => {
                let ringtime = self.seconds("ringtime", scalar::seconds);
                Ok(Mode::Timeout { to: to?, ringtime: ringtime?.value })
            }
            _ => Ok(Mode::Ring { to: to? }),
        }
    }

    fn answering_mode(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Mode, Reported> {
        let at = self.reception(src, dst);
        let audio = self.audio();
        let (at, audio) = (at?, audio?);
        Ok(match self.mode {
            ModeName::Answer => Mode::Answer { at, sound: audio.dst_out, record: audio.dst_in },
            ModeName::Record => Mode::Record { at, sound: audio.dst_out, record: audio.dst_in },
            _ => Mode::Wait { at, reject_with: self.rejection()? },
        })
    }

    fn ends(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Ends, Reported> {
        let src = self.needed("src", src);
        let dst = self.needed("dst", dst);
        let caller = src.and_then(|src| self.caller(&src));
        let channel = src.and_then(|src| self.channel(&src));
        let (src, dst) = (src?, dst?);
        let number = channel.and_then(|channel| {
            let number = self.number_to_dial(&src, &channel, Some(&dst))?;
            self.number_on_its_way(&src, &channel, number)
        });
        let is_alone = src.value.max_calls.is_ok_and(|max_calls| max_calls.get() < 2);
        if src.value.name == dst.value.name && is_alone {
            let message = format!(
                "`src` and `dst` are both {}, which carries one call at a time",
                quoted(src.value.name.as_str())
            );
            let place = self.place_of(&dst);
            let hint = "name two links, or give this one `max_calls: 2`";
            return Err(self.report.add(Finding::error(place, message).hint(hint)));
        }
        Ok(Ends { src: src.value.name.clone(), dst: dst.value.name.clone(), number: number?, caller: caller? })
    }

    fn destination(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Destination, Reported> {
        let src = self.needed("src", src)?;
        let channel = self.channel(&src);
        let dst = dst?;
        let channel = channel?;
        let number = self.number_to_dial(&src, &channel, dst.as_ref())?;
        let number = self.number_on_its_way(&src, &channel, number)?;
        Ok(Destination { src: src.value.name.clone(), number })
    }

    fn reception(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Reception, Reported> {
        let dst = self.needed("dst", dst);
        let caller = match src {
            Ok(Some(src)) => self.caller(&src),
            Ok(None) => Ok(None),
            Err(reported) => Err(reported),
        };
        let dst = dst?;
        let number = match self.number()? {
            Some(number) => Some(number.value),
            None => dst.value.number.clone()?,
        };
        let number = number.map(|number| number.as_str().to_owned());
        let trigger = self.trigger(number.as_deref(), &dst)?;
        Ok(Reception { dst: dst.value.name.clone(), number, caller: caller?, trigger })
    }

    /// How the source dials out.
    fn channel(&mut self, src: &Named<'c>) -> Result<DialString, Reported> {
        if let Some(channel) = src.value.channel.clone()? {
            return Ok(channel);
        }
        let link = quoted(src.value.name.as_str());
        let message = format!("link {link} cannot call out: it has no `channel`");
        Err(self
            .report
            .add(Finding::error(self.place_of(src), message).hint(format!("give link {link} a dial string"))))
    }

    /// The number that the callee has to see.
    fn caller(&mut self, src: &Named<'c>) -> Result<Option<PhoneNumber>, Reported> {
        let is_checked = self.view.read("check_callerid", scalar::flag, self.report)?;
        if !is_checked.value {
            return Ok(None);
        }
        if let Some(number) = src.value.number.clone()? {
            return Ok(Some(number));
        }
        let link = quoted(src.value.name.as_str());
        let message = format!("the caller's number cannot be checked: link {link} has no `number`");
        let hint = format!("give link {link} its number, or this call `check_callerid: no`");
        Err(self.report.add(Finding::error(self.place_of(src), message).hint(hint)))
    }

    pub(super) fn number(&self) -> Result<Option<At<PhoneNumber>>, Reported> {
        self.view.read_optional("number", scalar::phone_number, self.report)
    }

    /// What goes into the dial string's place for a number, if it has one.
    fn number_to_dial(
        &mut self,
        src: &Named<'c>,
        channel: &DialString,
        dst: Option<&Named<'c>>,
    ) -> Result<Option<String>, Reported> {
        let number = self.number()?;
        let link = quoted(src.value.name.as_str());
        if !channel.needs_number() {
            if let Some(number) = number.filter(|number| number.is_own) {
                let message =
                    format!("`number` has no effect: the channel of link {link} has no `{}`", DialString::NUMBER);
                self.report.add(Finding::warning(number.place, message));
            }
            return Ok(None);
        }
        let number = match (number, dst) {
            (Some(number), _) => Some(number.value),
            (None, Some(dst)) => dst.value.number.clone()?,
            (None, None) => None,
        };
        if let Some(number) = number {
            return Ok(Some(number.as_str().to_owned()));
        }
        let message = format!("{} has no number to dial, which the channel of link {link} needs", self.quoted_name());
        let hint = match dst {
            Some(dst) => format!("give link {} its number, or this call a `number`", quoted(dst.value.name.as_str())),
            None => "give it a `number`, or a `dst` that has one".into(),
        };
        Err(self.report.add(Finding::error(self.name.place, message).hint(hint)))
    }

    fn delay(&mut self) -> Result<Delay, Reported> {
        let section = self.view.section("delay");
        let read = |key| section.read(key, scalar::seconds, self.report).map(|at| at.value);
        Ok(Delay { pre: read("pre")?, ring: read("ring")?, answer: read("answer")? })
    }

    fn dtmf(&mut self) -> Result<Dtmf, Reported> {
        let section = self.view.section("dtmf");
        let duration = section.read("duration", scalar::milliseconds, self.report)?;
        if duration.value < SHORTEST_TONE {
            let message = format!("Asterisk makes tones of 100 ms out of {} ms", duration.value.as_millis());
            self.report.add(Finding::warning(duration.place, message));
        }
        Ok(Dtmf {
            len: section.read("len", scalar::digit_count, self.report)?.value,
            may_repeat: section.read("may_repeat", scalar::flag, self.report)?.value,
            duration: duration.value.max(SHORTEST_TONE),
            between: section.read("between", scalar::milliseconds, self.report)?.value,
        })
    }

    fn audio(&self) -> Result<Audio, Reported> {
        let section = self.view.section("audio");
        let read = |key| section.read_optional(key, scalar::some_text, self.report).map(|at| at.map(|at| at.value));
        Ok(Audio {
            src_out: read("src_out")?,
            src_in: read("src_in")?,
            dst_out: read("dst_out")?,
            dst_in: read("dst_in")?,
        })
    }

    /// What mode `play` records: the manual's key for it and the old program's are not the same.
    fn one_recording(&mut self, audio: &Audio) -> Result<Option<String>, Reported> {
        match (&audio.src_in, &audio.dst_in) {
            (Some(_), Some(_)) => {
                let message = "`audio.src_in` and `audio.dst_in` mean the same in mode `play`";
                let place = self.view.section("audio").node("dst_in").map(|given| self.place_of(&given));
                Err(self.report.add(Finding::error(place.unwrap_or(self.name.place), message).hint("give one of them")))
            }
            (src_in, dst_in) => Ok(src_in.clone().or_else(|| dst_in.clone())),
        }
    }

    fn schedule(&mut self) -> Result<Schedule, Reported> {
        let section = self.view.section("test");
        for key in ["retry", "repeat"] {
            let Ok(pause) = section.read(key, scalar::seconds, self.report) else { continue };
            if pause.value.is_zero() {
                let message = format!("`test.{key}` is 0: the next call goes out at once");
                self.report.add(Finding::warning(pause.place, message).hint("give some seconds"));
            }
        }
        let warn = section.read("warn", scalar::count, self.report)?;
        let fail = section.read("fail", scalar::count, self.report)?;
        if warn.value > fail.value {
            let message = format!(
                "`test.warn` is {} and `test.fail` is {}: warning would come after failing",
                warn.value, fail.value
            );
            let place = if fail.is_own && !warn.is_own { fail.place } else { warn.place };
            return Err(self.report.add(Finding::error(place, message).hint("`warn` must not be above `fail`")));
        }
        Ok(Schedule {
            retry: section.read("retry", scalar::seconds, self.report)?.value,
            repeat: section.read("repeat", scalar::seconds, self.report)?.value,
            warn: warn.value,
            fail: fail.value,
            is_manual: section.read("skip", scalar::flag, self.report)?.value,
        })
    }

    /// A duration of the call itself.
    fn seconds(&mut self, key: &str, read: fn(&str) -> Result<Duration, Misfit>) -> Result<At<Duration>, Reported> {
        self.view.read(key, read, self.report)
    }

    /// A test whose time is up before it can be through would fail for ever, and not by the phone network's fault.
    fn check_time(&mut self, mode: &Mode, delay: &Delay, timeout: At<Duration>) -> Result<(), Reported> {
        let place = self.place_of(&timeout);
        if let Mode::Fail { within, .. } = mode
            && *within >= timeout.value
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
        let needed = shortest_time(mode, delay);
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

    /// Warns of keys of the call itself that its mode has no use for; `:default:` and merged maps serve many modes.
    fn warn_of_keys_without_effect(&mut self, map: &Map, section: &'static Section, prefix: &str) {
        for entry in map.entries.iter().filter(|entry| !entry.is_merged && !entry.value.is_null()) {
            let Some(key) = section.key(&entry.key.text) else { continue };
            if !key.counts_in(Some(self.mode)) {
                let message = format!("`{prefix}{}` has no effect in mode {}", key.name, quoted(self.mode.word()));
                let hint = format!("it counts in {}", modes(key.modes));
                self.report.add(Finding::warning(entry.key.place, message).hint(hint));
            } else if let (Kind::Section(inner), Some(map)) = (key.kind, entry.value.map()) {
                self.warn_of_keys_without_effect(map, inner, &format!("{prefix}{}.", key.name));
            }
        }
    }
}

/// The least time that a passing run takes once its links are held, set-up not counted.
fn shortest_time(mode: &Mode, delay: &Delay) -> Duration {
    match mode {
        Mode::Dtmf { dtmf, .. } => {
            let digits = dtmf.len.get().try_into().unwrap_or(usize::MAX);
            delay.pre + delay.ring + delay.answer + 2 * dtmf.time_to_send(digits)
        }
        Mode::Audio { .. } | Mode::Answer { .. } | Mode::Record { .. } => delay.pre + delay.ring + delay.answer,
        Mode::Call { .. } | Mode::Wait { .. } => delay.pre + delay.ring,
        Mode::Ring { .. } => delay.ring,
        Mode::Play { .. } => delay.answer,
        Mode::Fail { .. } => Duration::ZERO,
        Mode::Timeout { ringtime, .. } => *ringtime,
    }
}
