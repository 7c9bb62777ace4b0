//! The way out over a link: what becomes of a number before it is dialled, and whether it may be.
//!
//! The configuration check sends every test's number this way, and `calltest number` any number that somebody asks about,
//! so that both say the same.

use crate::guard::{Forbidden, Forms, Guards};
use crate::number_rule::{Mapped, Rejected, RuleLists};
use crate::plan::{Address, Link, Plan};

/// All that a number meets on its way out over a link.
#[derive(Debug, Clone, Copy)]
pub struct OutboundRoute<'p> {
    /// The rules for outgoing numbers.
    pub rules: RuleLists<'p>,
    /// The guards.
    pub guards: Guards<'p>,
    /// How the link dials.
    pub address: &'p Address,
}

impl<'p> OutboundRoute<'p> {
    /// The way out over a link of a plan; `None` where the link can only be called.
    pub fn of(plan: &'p Plan, link: &'p Link) -> Option<Self> {
        let server = plan.server_of(&link.name);
        let guards = Guards {
            overall: &plan.guard,
            link: &link.name,
            of_link: &link.guard,
            leads_outside: link.leads_outside,
            dialplan: &server.dialplan,
        };
        Some(Self { rules: link.outgoing_rules(server), guards, address: link.address.as_ref()? })
    }

    /// The number as it is dialled; `None` where the address has no place for one, and so asks for none.
    ///
    /// # Errors
    /// If a rule rejects it.
    pub fn map(&self, number: &str) -> Result<Option<Mapped>, Rejected> {
        if self.address.needs_number() { self.rules.apply(number).map(Some) } else { Ok(None) }
    }

    /// Whether the call may go out: the number as it was given and as it was mapped, and every number that the address
    /// makes of it.
    ///
    /// # Errors
    /// Names the rule that forbids it.
    pub fn permit(&self, number: Option<(&str, &Mapped)>) -> Result<(), Forbidden> {
        let mapped = number.map(|(_, mapped)| mapped.number.as_str());
        let mut dialled = self.address.numbers(mapped);
        if dialled.is_empty() {
            // It is an endpoint that is dialled, and the number is a part of its name.
            dialled.extend(mapped.map(String::from));
        }
        let between = mapped.map(String::from).into_iter().chain(self.address.texts(mapped)).collect();
        let given = number.map(|(given, _)| given.to_owned());
        self.guards.permit(&Forms { given, between, dialled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Guard;
    use crate::number::Dialplan;
    use crate::number_rule::{Action, NumberRule, NumberRules, Pattern, Replacement};
    use crate::plan::DialString;

    /// The rule that forbids a number on a link that maps `+49…` to `0…`.
    fn forbidden(channel: &str, deny: &str, number: &str) -> Option<String> {
        let replacement = Action::Replace(Replacement::parse("0{number:3}").unwrap());
        let rule = NumberRule { pattern: Pattern::parse("_+49!").unwrap(), action: replacement };
        let (rules, none) = (NumberRules(vec![rule]), NumberRules::default());
        let (overall, of_link) =
            (Guard::default(), Guard { deny: vec![Pattern::parse(deny).unwrap()], ..Guard::default() });
        let dialplan = Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() };
        let (link, server) = ("trunk".into(), "pbx".into());
        let address = Address::Asterisk(DialString::new(channel).unwrap());
        let outbound_route = OutboundRoute {
            rules: RuleLists {
                direction: crate::number_rule::Direction::Outgoing,
                link: (&link, &rules),
                server: (&server, &none),
            },
            guards: Guards {
                overall: &overall,
                link: &link,
                of_link: &of_link,
                leads_outside: true,
                dialplan: &dialplan,
            },
            address: &address,
        };
        let mapped = outbound_route.map(number).unwrap();
        outbound_route.permit(mapped.as_ref().map(|mapped| (number, mapped))).err().map(|forbidden| forbidden.rule())
    }

    #[test]
    fn every_form_of_the_number_is_looked_at() {
        let denied = |pattern: &str| Some(format!("guard.deny of link trunk: {pattern}"));
        let emergency = || Some(String::from("guard: emergency number 112 (in many countries)"));
        let channel = "PJSIP/{number}@trunk";
        assert_eq!(forbidden(channel, "_+49900!", "+499001"), denied("_+49900!"));
        assert_eq!(forbidden(channel, "_0900!", "+499001"), denied("_0900!"));
        assert_eq!(forbidden(channel, "_0900!", "+499111"), None);
        assert_eq!(forbidden("PJSIP/0{number}@trunk", "_00900!", "+499001"), denied("_00900!"));
        assert_eq!(forbidden("DAHDI/g1/11{number}", "9", "2"), emergency());
        assert_eq!(forbidden("PJSIP/112@trunk", "9", "whatever"), emergency());
        assert_eq!(forbidden("PJSIP/trunk/sip:0900123@example.org", "_0900!", "1"), denied("_0900!"));
        assert_eq!(forbidden("PJSIP/{number}", "_0900!", "+499001"), denied("_0900!"));
        assert_eq!(forbidden("PJSIP/alice", "_.", "1"), None);
    }
}
