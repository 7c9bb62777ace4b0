//! Links.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use calltest_core::number::PhoneNumber;
use calltest_core::plan::{DialString, Link, LinkName, ServerName};

use super::Configuration;
use super::server::Servers;
use crate::diagnostic::{Finding, quoted};
use crate::report::{Report, Reported};
use crate::scalar;
use crate::table;
use crate::view::View;

/// Every link by name, broken ones included.
pub(super) type Links = BTreeMap<LinkName, Parts>;

/// A link whose parts may be broken one by one: a call needs only some of them.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) name: LinkName,
    server: Result<ServerName, Reported>,
    pub(super) channel: Result<Option<DialString>, Reported>,
    pub(super) number: Result<Option<PhoneNumber>, Reported>,
    prio: Result<i64, Reported>,
    pub(super) max_calls: Result<NonZeroU32, Reported>,
}

impl Parts {
    /// The link, if all of it is in order.
    pub(super) fn link(self) -> Result<Link, Reported> {
        Ok(Link {
            name: self.name,
            server: self.server?,
            channel: self.channel?,
            number: self.number?,
            prio: self.prio?,
            max_calls: self.max_calls?,
        })
    }
}

pub(super) fn links(configuration: Configuration<'_>, servers: &Servers, report: &mut Report<'_>) -> Links {
    let default = configuration.default_entry("links");
    let parts = configuration.entries("links").map(|(name, node)| {
        let view = View::new(&table::LINK, Some(node), default);
        let name = LinkName::from(&*name.text);
        (name.clone(), parts(name, &view, servers, report))
    });
    parts.collect()
}

fn parts(name: LinkName, view: &View<'_>, servers: &Servers, report: &mut Report<'_>) -> Parts {
    Parts {
        name,
        server: server(view, servers, report),
        channel: channel(view, report),
        number: view.read_optional("number", scalar::phone_number, report).map(|at| at.map(|at| at.value)),
        prio: view.read("prio", scalar::integer_of_any_sign, report).map(|at| at.value),
        max_calls: view.read("max_calls", scalar::count, report).map(|at| at.value),
    }
}

fn server(view: &View<'_>, servers: &Servers, report: &mut Report<'_>) -> Result<ServerName, Reported> {
    let name = view.read("server", scalar::some_text, report)?;
    if let Some((known, _)) = servers.get_key_value(&*name.value) {
        return Ok(known.clone());
    }
    let hint = report.did_you_mean(&name.value, servers.keys().map(ServerName::as_str));
    let hint = hint.or_else(|| Some("servers are `asterisk` and the names under `servers`".into()));
    let message = format!("server {} is not defined", quoted(&name.value));
    Err(report.add(Finding::error(name.place, message).maybe_hint(hint)))
}

fn channel(view: &View<'_>, report: &mut Report<'_>) -> Result<Option<DialString>, Reported> {
    let Some(channel) = view.read_optional("channel", scalar::dial_string, report)? else { return Ok(None) };
    if let Some(other) = other_placeholder(channel.value.template()) {
        let message = format!("{} is dialled as it is: only `{}` is replaced", quoted(other), DialString::NUMBER);
        let hint = report.did_you_mean(other, [DialString::NUMBER]);
        report.add(Finding::warning(channel.place, message).maybe_hint(hint));
    }
    Ok(Some(channel.value))
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
