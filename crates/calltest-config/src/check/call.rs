//! Calls: each becomes a test with just the parts that its mode needs.

use calltest_core::plan::{CallTest, Destination, LinkName, Parties, Reception, Route, TestName};

use super::link::{Links, Parts};
use super::quiet;
use crate::diagnostic::Finding;
use crate::keys::{Kind, Section};
use crate::mode::{ModeName, RouteMode, in_words};
use crate::quoting::{one_of, quoted};
use crate::readers;
use crate::report::{Report, Reported};
use crate::scalar::BadValue;
use crate::tree::{Key, Map, Node, Place};
use crate::view::{At, View};

/// Reads the word for a mode.
pub(super) fn mode_name(text: &str) -> Result<ModeName, BadValue> {
    ModeName::parse(text).ok_or_else(|| BadValue::Expected(one_of(ModeName::WORDS)))
}

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
    let requirements = call.requirements();
    let arrival = call.arrival();
    let withholds_number = match &src {
        Ok(Some(src)) => call.withholds_number(src),
        Ok(None) => Ok(false),
        Err(reported) => Err(*reported),
    };
    let delay = call.delay();
    let route = call.route(src, dst);
    let timeout = call.seconds("timeout", readers::some_seconds);
    if let (Ok(Some(src)), Ok(requirements)) = (&src, &requirements) {
        call.check_abilities(src, requirements);
    }
    if let (Ok(route), Ok(delay), Ok(timeout)) = (&route, &delay, &timeout) {
        call.check_time(route, delay, *timeout)?;
    }
    Ok(CallTest {
        name: TestName::from(&*name.text),
        info: call.view.read("info", readers::text, call.report)?.value,
        route: route?,
        timeout: timeout?.value,
        delay: delay?,
        requirements: requirements?,
        arrival: arrival?,
        withholds_number: withholds_number?,
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

    pub(super) fn quoted_name(&self) -> String {
        quoted(&self.name.text)
    }

    /// The link under `src` or `dst`.
    fn link(&mut self, key: &str) -> Result<Option<Named<'c>>, Reported> {
        let Some(At { value: name, place, is_own }) = self.view.read_optional(key, readers::some_text, self.report)?
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

    fn route(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Route, Reported> {
        match self.mode.route() {
            RouteMode::Both(mode) => {
                let parties = self.parties(src, dst);
                let script = self.script_of_both(mode);
                Ok(Route::Both { parties: parties?, script: script? })
            }
            RouteMode::Out(mode) => {
                let to = self.destination(src, dst);
                let script = self.script_out(mode);
                Ok(Route::Out { to: to?, script: script? })
            }
            RouteMode::In(mode) => {
                let at = self.reception(src, dst);
                let script = self.script_in(mode);
                Ok(Route::In { at: at?, script: script? })
            }
            RouteMode::Watch => {
                let link = self.needed("src", src)?;
                self.address(&link)?;
                let time = self.seconds("seconds", readers::seconds)?.value;
                Ok(Route::Watch { link: link.value.name.clone(), time })
            }
        }
    }

    fn parties(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Parties, Reported> {
        let src = self.needed("src", src);
        let dst = self.needed("dst", dst);
        let caller = src.and_then(|src| self.caller(Some(&src)));
        let post_dial = self.post_dial();
        let address = src.and_then(|src| self.address(&src));
        let (src, dst) = (src?, dst?);
        let number = address.and_then(|address| {
            let number = self.number_to_dial(&src, &address, Some(&dst))?;
            self.number_on_its_way(&src, &address, number)
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
        Ok(Parties {
            src: src.value.name.clone(),
            dst: dst.value.name.clone(),
            number: number?,
            post_dial: post_dial?,
            caller: caller?,
        })
    }

    fn destination(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Destination, Reported> {
        let src = self.needed("src", src)?;
        let address = self.address(&src);
        let dst = dst?;
        let address = address?;
        let number = self.number_to_dial(&src, &address, dst.as_ref())?;
        let number = self.number_on_its_way(&src, &address, number)?;
        Ok(Destination { src: src.value.name.clone(), number, post_dial: self.post_dial()? })
    }

    fn reception(
        &mut self,
        src: Result<Option<Named<'c>>, Reported>,
        dst: Result<Option<Named<'c>>, Reported>,
    ) -> Result<Reception, Reported> {
        let dst = self.needed("dst", dst);
        let caller = match src {
            Ok(src) => self.caller(src.as_ref()),
            Err(reported) => Err(reported),
        };
        let dst = dst?;
        // Whoever makes the call may have a use for what stands behind a comma.
        let given = self.view.read_optional("number", readers::number_to_dial, self.report)?;
        let number = match given.map(|given| given.value) {
            Some((number, post_dial)) => Some(format!("{number}{post_dial}")),
            None => dst.value.number.clone()?.map(|number| number.to_string()),
        };
        let trigger = self.trigger(number.as_deref(), &dst)?;
        Ok(Reception { dst: dst.value.name.clone(), number, caller: caller?, trigger })
    }

    /// Warns of keys of the call itself that its mode has no use for; `:default:` and merged maps serve many modes.
    fn warn_of_keys_without_effect(&mut self, map: &Map, section: &'static Section, prefix: &str) {
        for entry in map.entries.iter().filter(|entry| !entry.is_merged && !entry.value.is_null()) {
            let Some(key) = section.key(&entry.key.text) else { continue };
            if !key.counts_in(Some(self.mode)) {
                let message = format!("`{prefix}{}` has no effect in mode {}", key.name, quoted(self.mode.word()));
                let hint = format!("it counts in {}", in_words(key.modes));
                self.report.add(Finding::warning(entry.key.place, message).hint(hint));
            } else if let (Kind::Section(inner), Some(map)) = (key.kind, entry.value.map()) {
                self.warn_of_keys_without_effect(map, inner, &format!("{prefix}{}.", key.name));
            }
        }
    }
}
