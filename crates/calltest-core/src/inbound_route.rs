//! The ways in to a link: on which ways the calls that tests wait for come to us.
//!
//! `calltest asterisk-config` prints the dialplan for them, and the doctor tries them, so that both mean the same.

use std::sync::Arc;

use crate::plan::{Address, Link, LinkName, Parties, Plan, Route, Server};

/// A way in to a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboundRoute {
    /// It is called from the same server, through that server's own dialplan.
    Dialled {
        /// What is dialled.
        dial_string: String,
        /// The link that it is dialled on.
        over: LinkName,
    },
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
    pub fn inbound_routes(&self, server: &Server) -> Vec<(&Arc<Link>, Vec<InboundRoute>)> {
        let links = self.links.values().filter(|link| link.server == server.name && self.awaits_calls_on(link));
        links.map(|link| (link, self.routes_to(link, server))).collect()
    }

    fn awaits_calls_on(&self, link: &Link) -> bool {
        let is_destination = self.tests.iter().any(|test| test.route.dst() == Some(&link.name));
        let is_named = self.tests.iter().any(|test| test.links().contains(&&link.name));
        is_destination || (!is_named && link.number.is_some())
    }

    fn routes_to(&self, link: &Link, server: &Server) -> Vec<InboundRoute> {
        let mut ways: Vec<InboundRoute> = Vec::new();
        for (over, dialled) in self.calls_to(link) {
            let is_known = |way: &InboundRoute| matches!(way, InboundRoute::Dialled { dial_string, .. } if *dial_string == dialled);
            if !ways.iter().any(is_known) {
                ways.push(InboundRoute::Dialled { dial_string: dialled, over });
            }
        }
        if ways.is_empty() {
            let over = link.name.clone();
            ways.extend(own_number(link, server).map(|dial_string| InboundRoute::Dialled { dial_string, over }));
        }
        let endpoint = link.address.as_ref().and_then(|address| address.dial_string().endpoint());
        if let Some((_, endpoint)) = endpoint.filter(|(tech, _)| ["PJSIP", "SIP"].contains(&&*tech.to_uppercase())) {
            let number = link.number.as_ref().map(ToString::to_string);
            ways.push(InboundRoute::Trunk { endpoint: endpoint.to_owned(), number });
        }
        if ways.is_empty() {
            ways.push(InboundRoute::Outside);
        }
        ways
    }

    /// What tests dial on Local channels of the same server to call a link, and over which link.
    fn calls_to(&self, link: &Link) -> impl Iterator<Item = (LinkName, String)> {
        let ends_here = |parties: &&Parties| parties.dst == link.name;
        let parties = self.tests.iter().filter_map(|test| match &test.route {
            Route::Both { parties, .. } => Some(parties),
            Route::Out { .. } | Route::In { .. } | Route::Watch { .. } => None,
        });
        parties.filter(ends_here).filter_map(|parties| {
            let src = self.link(&parties.src);
            let address = src.address.as_ref();
            let is_near = |address: &&Address| address.dial_string().is_local() && src.server == link.server;
            Some((src.name.clone(), address.filter(is_near)?.dial(parties.number.as_deref())))
        })
    }
}

/// How a link on a Local channel calls itself.
fn own_number(link: &Link, server: &Server) -> Option<String> {
    let address = link.address.as_ref();
    let address = address.filter(|address| address.dial_string().is_local() && address.needs_number())?;
    let mapped = link.outgoing_rules(server).apply(link.number.as_ref()?.as_str()).ok()?;
    Some(address.dial(Some(&mapped.number)))
}
