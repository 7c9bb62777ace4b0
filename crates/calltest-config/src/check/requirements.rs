//! What a call has to look like to its caller, and how our own party rejects it.

use calltest_core::cause::ExpectedCause;
use calltest_core::plan::{Arrival, Forwarding, Presence, Rejection, Requirements, Ringing};
use calltest_core::verdict::seconds;

use super::call::Call;
use super::guard::patterns;
use crate::diagnostic::Finding;
use crate::mode::ModeName;
use crate::quoting::{one_of, quoted};
use crate::readers;
use crate::report::Reported;
use crate::scalar::{self, BadValue};
use crate::tree::Value;

impl Call<'_, '_, '_> {
    pub(super) fn requirements(&mut self) -> Result<Requirements, Reported> {
        let ringing = self.ringing();
        let early_media = self.early_media();
        let answer_within = self.answer_within();
        let causes = self.causes();
        let forwarding = self.forwarding();
        Ok(Requirements {
            ringing: ringing?,
            early_media: early_media?,
            answer_within: answer_within?,
            causes: causes?,
            forwarding: forwarding?,
        })
    }

    fn ringing(&mut self) -> Result<Ringing, Reported> {
        let given = self.view.node("ringing");
        let early_media = self.view.read("early_media_is_ringing", scalar::flag, self.report);
        let presence = self.view.read("ringing", presence, self.report)?.value;
        if !fitting_ringing(self.mode).contains(&presence)
            && let Some(given) = given
        {
            let message =
                format!("`ringing` contradicts mode {}, in which the call has to ring", quoted(self.mode.word()));
            let place = self.place_of(&given);
            return Err(self.error(place, message));
        }
        Ok(Ringing { presence, early_media_counts: early_media?.value })
    }

    fn early_media(&mut self) -> Result<Presence, Reported> {
        let early_media = self.view.read("early_media", presence, self.report)?;
        let counts_as_ringing = self.view.read("early_media_is_ringing", scalar::flag, self.report)?;
        if early_media.value == Presence::Forbidden && counts_as_ringing.value {
            let message = "`early_media_is_ringing` has no effect where `early_media` is forbidden";
            let place = self.place_of(&counts_as_ringing);
            self.report.add(Finding::warning(place, message));
        }
        Ok(early_media.value)
    }

    fn answer_within(&mut self) -> Result<Option<std::time::Duration>, Reported> {
        let Some(within) = self.view.read_optional("answer_within", readers::some_seconds, self.report)? else {
            return Ok(None);
        };
        let timeout = self.view.read("timeout", readers::some_seconds, self.report)?;
        if within.value >= timeout.value {
            let message =
                format!("`answer_within` has no effect: `timeout` ends the call after {}", seconds(timeout.value));
            let place = self.place_of(&within);
            self.report.add(Finding::warning(place, message));
        }
        Ok(Some(within.value))
    }

    fn causes(&mut self) -> Result<Vec<ExpectedCause>, Reported> {
        let Some(given) = self.view.node("causes") else { return Ok(Vec::new()) };
        let texts: Vec<&str> = match &given.value.value {
            Value::Text(text) => vec![text],
            Value::List(list) => list.iter().filter_map(|cause| cause.text()).collect(),
            Value::Null | Value::Map(_) => Vec::new(),
        };
        if texts.is_empty()
            && let Value::List(list) = &given.value.value
            && list.is_empty()
        {
            let message = "`causes` names no cause, so that nothing would be right";
            let finding = Finding::error(self.place_of(&given), message).hint("leave it out to allow any cause");
            return Err(self.report.add(finding));
        }
        let causes: Option<Vec<ExpectedCause>> = texts.into_iter().map(ExpectedCause::parse).collect();
        let known = causes.filter(|causes| !causes.is_empty());
        known.ok_or_else(|| self.report.errors().expect("the check of types came first"))
    }

    fn forwarding(&mut self) -> Result<Forwarding, Reported> {
        let to = patterns(&self.view, "forwarded_to", self.report)?;
        let given = self.view.node("forwarding");
        let presence = self.view.read("forwarding", presence, self.report)?;
        match (to, given) {
            (None, _) => Ok(Forwarding { presence: presence.value, to: Vec::new() }),
            (Some(to), None) => Ok(Forwarding { presence: Presence::Required, to }),
            (Some(_), Some(given)) if presence.value == Presence::Forbidden => {
                let message = "`forwarded_to` contradicts `forwarding: forbidden`".to_owned();
                let place = self.place_of(&given);
                Err(self.error(place, message))
            }
            (Some(to), Some(_)) => Ok(Forwarding { presence: presence.value, to }),
        }
    }

    /// How the call has to arrive at our own end.
    pub(super) fn arrival(&mut self) -> Result<Arrival, Reported> {
        let within = self.view.read_optional("arrive_within", readers::some_seconds, self.report)?;
        let timeout = self.view.read("timeout", readers::some_seconds, self.report)?;
        if let Some(within) = within.filter(|within| within.value >= timeout.value) {
            let message =
                format!("`arrive_within` has no effect: `timeout` ends the call after {}", seconds(timeout.value));
            let place = self.place_of(&within);
            self.report.add(Finding::warning(place, message));
        }
        Ok(Arrival {
            within: within.map(|within| within.value),
            is_single: self.view.node("duplicates").and_then(|given| given.value.text()) == Some("forbidden"),
            diverted_from: patterns(&self.view, "diverted_from", self.report)?.unwrap_or_default(),
        })
    }

    pub(super) fn rejection(&mut self) -> Result<Rejection, Reported> {
        self.view.read("reject_with", rejection, self.report).map(|at| at.value)
    }
}

/// What may be demanded of ringing in a mode.
fn fitting_ringing(mode: ModeName) -> &'static [Presence] {
    match mode {
        ModeName::Timeout => &[Presence::Required],
        ModeName::Call | ModeName::Ring => &[Presence::Required, Presence::Allowed],
        ModeName::Dtmf
        | ModeName::Audio
        | ModeName::Play
        | ModeName::Fail
        | ModeName::Wait
        | ModeName::Answer
        | ModeName::Record
        | ModeName::Online => &[Presence::Required, Presence::Allowed, Presence::Forbidden],
    }
}

fn rejection(text: &str) -> Result<Rejection, BadValue> {
    let known = Rejection::WORDS.iter().find(|(word, _)| *word == text);
    known
        .map(|(_, rejection)| *rejection)
        .ok_or_else(|| BadValue::Expected(one_of(&Rejection::WORDS.map(|(word, _)| word))))
}

fn presence(text: &str) -> Result<Presence, BadValue> {
    let words = [
        ("allowed", Presence::Allowed),
        ("required", Presence::Required),
        ("forbidden", Presence::Forbidden),
        ("prohibited", Presence::Forbidden),
    ];
    let known = words.iter().find(|(word, _)| *word == text);
    known.map(|(_, presence)| *presence).ok_or_else(|| BadValue::Expected(one_of(&words.map(|(word, _)| word))))
}
