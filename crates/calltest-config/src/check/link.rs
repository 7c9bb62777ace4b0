//! Links.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use calltest_core::caller::ExpectedCaller;
use calltest_core::guard::Guard;
use calltest_core::number::PhoneNumber;
use calltest_core::number_rule::{Direction, NumberRules};
use calltest_core::plan::{Address, DialString, Link, LinkName, Server, ServerName};
use calltest_core::quiet::QuietTimes;

use super::server::Servers;
use super::{countries, guard, quiet};
use crate::caller_id;
use crate::configuration::Configuration;
use crate::diagnostic::Finding;
use crate::quoting::quoted;
use crate::readers;
use crate::report::{Report, Reported};
use crate::scalar;
use crate::table;
use crate::view::View;

/// The word under `callerid_out` for a number that is withheld.
pub(super) const WITHHELD: &str = "anonymous";

/// Every link by name, broken ones included.
pub(super) type Links = BTreeMap<LinkName, Parts>;

/// A link whose parts may be broken one by one: a call needs only some of them.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) name: LinkName,
    server: Result<ServerName, Reported>,
    pub(super) address: Result<Option<Address>, Reported>,
    pub(super) arrives_as: Result<LinkName, Reported>,
    pub(super) number: Result<Option<PhoneNumber>, Reported>,
    /// What a callee sees of it; the inner `None` is that anything will do.
    pub(super) callerid: Result<Option<Option<ExpectedCaller>>, Reported>,
    /// Whether its calls withhold their number.
    pub(super) withholds_number: Result<bool, Reported>,
    pub(super) outgoing: Result<NumberRules, Reported>,
    incoming: Result<NumberRules, Reported>,
    pub(super) guard: Result<Guard, Reported>,
    pub(super) leads_outside: Result<bool, Reported>,
    /// The guard of all links.
    pub(super) overall: Result<Arc<Guard>, Reported>,
    /// The server itself.
    pub(super) at: Result<Arc<Server>, Reported>,
    prio: Result<i64, Reported>,
    pub(super) max_calls: Result<NonZeroU32, Reported>,
    quiet: Result<QuietTimes, Reported>,
}

impl Parts {
    /// The link, if all of it is in order.
    pub(super) fn link(self) -> Result<Link, Reported> {
        Ok(Link {
            name: self.name,
            server: self.server?,
            address: self.address?,
            arrives_as: self.arrives_as?,
            number: self.number?,
            outgoing: self.outgoing?,
            incoming: self.incoming?,
            guard: self.guard?,
            leads_outside: self.leads_outside?,
            prio: self.prio?,
            max_calls: self.max_calls?,
            quiet: self.quiet?,
        })
    }
}

/// What links lie on, and what they have in common.
pub(super) struct Ground<'s> {
    pub(super) servers: &'s Servers,
    pub(super) guard: &'s Result<Arc<Guard>, Reported>,
}

pub(super) fn links(configuration: Configuration<'_>, ground: &Ground<'_>, report: &mut Report<'_>) -> Links {
    let default = configuration.default_entry("links");
    let parts = configuration.entries("links").map(|(name, node)| {
        let view = View::new(&table::LINK, Some(node), default);
        let name = LinkName::from(&*name.text);
        (name.clone(), parts(name, &view, ground, report))
    });
    parts.collect()
}

fn parts(name: LinkName, view: &View<'_>, ground: &Ground<'_>, report: &mut Report<'_>) -> Parts {
    let server = server(view, ground.servers, report);
    let guarded = view.section("guard");
    let number = view.read_optional("number", readers::phone_number, report).map(|at| at.map(|at| at.value));
    let country = number.as_ref().ok().and_then(Option::as_ref).and_then(countries::of_number);
    let guard = guard::guard(&guarded, report);
    Parts {
        arrives_as: arrives_as(&name, view, report),
        name,
        outgoing: guard::number_rules(view, Direction::Outgoing, report),
        incoming: guard::number_rules(view, Direction::Incoming, report),
        guard: guard.map(|guard| Guard { countries: country.into_iter().collect(), ..guard }),
        leads_outside: guarded.read("outside", scalar::flag, report).map(|at| at.value),
        overall: ground.guard.clone(),
        at: server.clone().and_then(|name| ground.servers[&name].clone()),
        server,
        address: address(view, report),
        number,
        callerid: view.read_optional("callerid", caller_id::expected_caller, report).map(|at| at.map(|at| at.value)),
        withholds_number: view.read("callerid_out", readers::some_text, report).map(|at| at.value == WITHHELD),
        prio: view.read("prio", readers::integer_of_any_sign, report).map(|at| at.value),
        max_calls: view.read("max_calls", readers::count, report).map(|at| at.value),
        quiet: quiet::quiet_times(view, report),
    }
}

fn server(view: &View<'_>, servers: &Servers, report: &mut Report<'_>) -> Result<ServerName, Reported> {
    let name = view.read("server", readers::some_text, report)?;
    if let Some((known, _)) = servers.get_key_value(&*name.value) {
        return Ok(known.clone());
    }
    let hint = report.did_you_mean(&name.value, servers.keys().map(ServerName::as_str));
    let hint = hint.or_else(|| Some("servers are `asterisk` and the names under `servers`".into()));
    let message = format!("server {} is not defined", quoted(&name.value));
    Err(report.add(Finding::error(name.place, message).maybe_hint(hint)))
}

/// The name under which the dialplan hands its calls over.
fn arrives_as(name: &LinkName, view: &View<'_>, report: &mut Report<'_>) -> Result<LinkName, Reported> {
    let given = view.read_optional("arrives_as", readers::some_text, report)?;
    Ok(given.map_or_else(|| name.clone(), |given| LinkName::from(&*given.value)))
}

fn address(view: &View<'_>, report: &mut Report<'_>) -> Result<Option<Address>, Reported> {
    let Some(channel) = view.read_optional("channel", readers::dial_string, report)? else { return Ok(None) };
    if let Some(other) = other_placeholder(channel.value.template()) {
        let message = format!("{} is dialled as it is: only `{}` is replaced", quoted(other), DialString::NUMBER);
        let hint = report.did_you_mean(other, [DialString::NUMBER]);
        report.add(Finding::warning(channel.place, message).maybe_hint(hint));
    }
    Ok(Some(Address::Asterisk(channel.value)))
}

/// Something in braces that is not the number.
fn other_placeholder(template: &str) -> Option<&str> {
    let mut rest = template;
    loop {
        let from = rest.find('{')?;
        let to = from + rest[from..].find('}')? + 1;
        if &rest[from..to] != DialString::NUMBER {
            return Some(&rest[from..to]);
        }
        rest = &rest[to..];
    }
}
