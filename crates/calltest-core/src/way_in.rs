//! The ways in to a link: on which ways the calls that tests wait for come to us.
//!
//! `calltest asterisk-config` prints the dialplan for them, and the doctor tries them, so that both mean the same.

use std::sync::Arc;

use crate::number_rule::{Direction, RuleLists};
use crate::plan::{Ends, Link, Mode, Plan, Server};

/// A way in to a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayIn {
    /// This dial string leads there, through the server's own dialplan.
    Dialled(String),
    /// Calls come in over this SIP endpoint.
    Trunk {
        /// The endpoint's name.
        endpoint: String,
        /// The number to which they are addressed, if it is known.
        number: Option<String>,
    },
    /// Calls come in from outside, and nothing here says where.
    Outside,
}

impl Plan {
    /// The links of a server on which calls are awaited, each with its ways in. There is at least one for each.
    ///
    /// Those are the links that tests have as their destination; and links with a number that no test names, so that
    /// somebody who begins with the links hears of them too.
    pub fn ways_in(&self, server: &Server) -> Vec<(&Arc<Link>, Vec<WayIn>)> {
        let links = self.links.values().filter(|link| link.server == server.name && self.awaits_calls_on(link));
        links.map(|link| (link, self.ways_to(link, server))).collect()
    }

    fn awaits_calls_on(&self, link: &Link) -> bool {
        let is_destination = self.tests.iter().any(|test| match &test.mode {
            Mode::Dtmf { ends, .. } | Mode::Call { ends, .. } | Mode::Audio { ends, .. } => ends.dst == link.name,
            Mode::Wait { at, .. } | Mode::Answer { at, .. } | Mode::Record { at, .. } => at.dst == link.name,
            Mode::Ring { .. } | Mode::Play { .. } | Mode::Fail { .. } | Mode::Timeout { .. } => false,
        });
        let is_named = self.tests.iter().any(|test| test.links().contains(&&link.name));
        is_destination || (!is_named && link.number.is_some())
    }

    fn ways_to(&self, link: &Link, server: &Server) -> Vec<WayIn> {
        let mut ways = Vec::new();
        for dial_string in self.calls_to(link) {
            let way = WayIn::Dialled(dial_string);
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        if ways.is_empty() {
            ways.extend(own_number(link, server).map(WayIn::Dialled));
        }
        let endpoint = link.channel.as_ref().and_then(|channel| channel.endpoint());
        if let Some((_, endpoint)) = endpoint.filter(|(tech, _)| ["PJSIP", "SIP"].contains(&&*tech.to_uppercase())) {
            let number = link.number.as_ref().map(ToString::to_string);
            ways.push(WayIn::Trunk { endpoint: endpoint.to_owned(), number });
        }
        if ways.is_empty() {
            ways.push(WayIn::Outside);
        }
        ways
    }

    /// What tests dial on Local channels of the same server to call a link.
    fn calls_to(&self, link: &Link) -> impl Iterator<Item = String> {
        let ends_here = |ends: &&Ends| ends.dst == link.name;
        let ends = self.tests.iter().filter_map(|test| match &test.mode {
            Mode::Dtmf { ends, .. } | Mode::Call { ends, .. } | Mode::Audio { ends, .. } => Some(ends),
            _ => None,
        });
        ends.filter(ends_here).filter_map(|ends| {
            let src = self.link(&ends.src);
            let channel = src.channel.as_ref().filter(|channel| channel.is_local() && src.server == link.server)?;
            Some(channel.dial(ends.number.as_deref()))
        })
    }
}

/// How a link on a Local channel calls itself.
fn own_number(link: &Link, server: &Server) -> Option<String> {
    let channel = link.channel.as_ref().filter(|channel| channel.is_local() && channel.needs_number())?;
    let rules = RuleLists {
        direction: Direction::Outgoing,
        link: (&link.name, &link.outgoing),
        server: (&server.name, &server.outgoing),
    };
    let mapped = rules.apply(link.number.as_ref()?.as_str()).ok()?;
    Some(channel.dial(Some(&mapped.number)))
}
