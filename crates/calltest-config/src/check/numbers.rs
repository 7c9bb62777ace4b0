//! The numbers of a call: which one is dialled, what its source's rules and guards make of it, and which caller is expected.

use calltest_core::caller::ExpectedCaller;
use calltest_core::guard::Guards;
use calltest_core::number::PhoneNumber;
use calltest_core::number_rule::{Direction, RuleLists};
use calltest_core::outbound_route::OutboundRoute;
use calltest_core::plan::{Address, DialString, PostDial};

use super::call::{Call, Named};
use super::link::WITHHELD;
use crate::caller_id;
use crate::diagnostic::Finding;
use crate::mode::ModeName;
use crate::quoting::quoted;
use crate::readers;
use crate::report::Reported;
use crate::scalar;
use crate::view::At;

impl<'c> Call<'c, '_, '_> {
    /// How the source dials out.
    pub(super) fn address(&mut self, src: &Named<'c>) -> Result<Address, Reported> {
        if let Some(address) = src.value.address.clone()? {
            return Ok(address);
        }
        let link = quoted(src.value.name.as_str());
        let message = format!("link {link} cannot call out: it has no `channel`");
        Err(self
            .report
            .add(Finding::error(self.place_of(src), message).hint(format!("give link {link} a dial string"))))
    }

    /// What the callee has to see of the caller: what the call says, or its source, or else the source's number.
    pub(super) fn caller(&mut self, src: Option<&Named<'c>>) -> Result<Option<ExpectedCaller>, Reported> {
        let is_checked = self.view.read("check_callerid", scalar::flag, self.report)?;
        let given = self.view.read_optional("callerid", caller_id::expected_caller, self.report)?;
        if !is_checked.value {
            if let Some(given) = given.filter(|given| given.is_own && is_checked.is_own) {
                let message = "`callerid` has no effect with `check_callerid: no`";
                self.report.add(Finding::warning(given.place, message));
            }
            return Ok(None);
        }
        if let Some(given) = given {
            return Ok(given.value);
        }
        let Some(src) = src else { return Ok(None) };
        if self.withholds_number(src)? {
            return Ok(Some(ExpectedCaller::Withheld));
        }
        if let Some(shown) = src.value.callerid.clone()? {
            return Ok(shown);
        }
        if let Some(number) = src.value.number.clone()? {
            return Ok(Some(ExpectedCaller::Number(number)));
        }
        let link = quoted(src.value.name.as_str());
        let message = format!("the caller's number cannot be checked: link {link} has no `number`");
        let hint = format!("give link {link} its number, or this call a `callerid`, or `check_callerid: no`");
        Err(self.report.add(Finding::error(self.place_of(src), message).hint(hint)))
    }

    /// Whether the call withholds its caller's number.
    pub(super) fn withholds_number(&self, src: &Named<'c>) -> Result<bool, Reported> {
        match self.view.read_optional("callerid_out", readers::some_text, self.report)? {
            Some(given) => Ok(given.value == WITHHELD),
            None => src.value.withholds_number,
        }
    }

    /// The number that the call itself gives.
    pub(super) fn number(&self) -> Result<Option<At<PhoneNumber>>, Reported> {
        let given = self.view.read_optional("number", readers::number_to_dial, self.report)?;
        Ok(given.map(|At { value: (number, _), place, is_own }| At { value: number, place, is_own }))
    }

    /// What is dialled on with once the call is answered.
    pub(super) fn post_dial(&mut self) -> Result<PostDial, Reported> {
        let given = self.view.read_optional("number", readers::number_to_dial, self.report)?;
        let Some(given) = given.filter(|given| !given.value.1.is_empty()) else { return Ok(PostDial::default()) };
        if matches!(self.mode, ModeName::Dtmf | ModeName::Audio | ModeName::Play) {
            return Ok(given.value.1);
        }
        let message = format!("mode {} ends before the digits behind the `,` are sent", quoted(self.mode.word()));
        let hint = "they are sent once the call is answered, in modes `dtmf`, `audio` and `play`";
        Err(self.report.add(Finding::error(self.place_of(&given), message).hint(hint)))
    }

    /// What goes into the address's place for a number, if it has one.
    pub(super) fn number_to_dial(
        &mut self,
        src: &Named<'c>,
        address: &Address,
        dst: Option<&Named<'c>>,
    ) -> Result<Option<String>, Reported> {
        let number = self.number()?;
        let link = quoted(src.value.name.as_str());
        if !address.needs_number() {
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

    /// The number as the source's rules have it dialled, if its guards let the call out.
    pub(super) fn number_on_its_way(
        &mut self,
        src: &Named<'c>,
        address: &Address,
        number: Option<String>,
    ) -> Result<Option<String>, Reported> {
        let link = src.value;
        let server = link.at.as_ref().map_err(|reported| *reported)?;
        let overall = link.overall.as_ref().map_err(|reported| *reported)?;
        let outbound_route = OutboundRoute {
            rules: RuleLists {
                direction: Direction::Outgoing,
                link: (&link.name, link.outgoing.as_ref().map_err(|reported| *reported)?),
                server: (&server.name, &server.outgoing),
            },
            guards: Guards {
                overall,
                link: &link.name,
                of_link: link.guard.as_ref().map_err(|reported| *reported)?,
                leads_outside: link.leads_outside?,
                dialplan: &server.dialplan,
            },
            address,
        };
        let name = quoted(&self.name.text);
        let place = match self.number()? {
            Some(number) if address.needs_number() => self.place_of(&number),
            _ => self.name.place,
        };
        let mapped = number.as_deref().map(|number| outbound_route.map(number)).transpose().map_err(|rejected| {
            let finding = Finding::error(place, format!("{name} is refused: {rejected}"));
            self.report.add(finding.hint("dial another number, or change the rule or one before it"))
        })?;
        let mapped = mapped.flatten();
        outbound_route.permit(number.as_deref().zip(mapped.as_ref())).map_err(|forbidden| {
            let finding = Finding::error(place, format!("{name} is refused: {forbidden}"));
            self.report.add(finding.hint(forbidden.hint()))
        })?;
        Ok(mapped.map(|mapped| mapped.number))
    }
}
