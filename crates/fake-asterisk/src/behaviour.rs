//! What the far end of a dialled call does, as a test describes it. Carrying it out is left to `calls`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::events::Party;
use crate::hangup::bye_code;

/// What happens when a dial string is dialled.
///
/// The functions that make one read as a sentence: `FarEnd::rings_for(one_second).then_rejects(17, Some(486))`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FarEnd {
    /// The call comes back to this server as an inbound leg in the dialplan's application.
    Arrives(Arrival),
    /// Somebody elsewhere handles the call, without an inbound leg in any application.
    Script(Script),
    /// A `Local` channel to an extension that the dialplan does not have: destroyed at once, cause 0, without a `Dial`.
    NoSuchExtension,
    /// The endpoint exists but has no reachable contact: originate gives 500, the endpoint's state is `offline`.
    EndpointOffline,
    /// There is no such endpoint: originate gives 500, asking for the endpoint 404.
    EndpointUnknown,
}

impl FarEnd {
    /// The call arrives in the dialplan's application, at once and unaltered.
    pub fn arrives() -> Arrival {
        Arrival::default()
    }

    /// Rings at once; what comes `then` comes after `time`, and nothing more if nothing is added.
    pub fn rings_for(time: Duration) -> Script {
        Script::default().then(Step::Ring).wait(time)
    }

    /// Answers after `time`, without ringing before.
    pub fn answers_after(time: Duration) -> Script {
        Script::default().wait(time).then(Step::Answer)
    }

    /// Answers at once and hangs up with cause 16 after `time`.
    pub fn answers_then_hangs_up_after(time: Duration) -> Script {
        Script::default().then_answers().then_hangs_up_after(time, 16)
    }

    /// Rejects at once. `sip_code` is shown as `tech_cause` of PJSIP channels only, as with the real one.
    pub fn rejects(cause: u16, sip_code: Option<u16>) -> Script {
        Script::default().then_rejects(cause, sip_code)
    }

    /// Rings for ever.
    pub fn never_answers() -> Script {
        Script::default().then(Step::Ring)
    }

    /// Gives no sign of life, for ever.
    pub fn is_silent() -> Script {
        Script::default()
    }

    /// The dialplan's `Busy()`: `Dial` with `BUSY`, destroyed with cause 0, no hangup request on the outbound channel.
    /// On a PJSIP channel it is a 486.
    pub fn is_busy() -> Script {
        Script::default().then_is_busy()
    }

    /// See [`FarEnd::NoSuchExtension`].
    pub fn no_such_extension() -> Self {
        Self::NoSuchExtension
    }

    /// See [`FarEnd::EndpointOffline`].
    pub fn endpoint_offline() -> Self {
        Self::EndpointOffline
    }
}

impl From<Arrival> for FarEnd {
    fn from(arrival: Arrival) -> Self {
        Self::Arrives(arrival)
    }
}

impl From<Script> for FarEnd {
    fn from(script: Script) -> Self {
        Self::Script(script)
    }
}

/// How a call arrives at the inbound leg. See [`FarEnd::arrives`].
#[derive(Debug, Clone, Default)]
pub struct Arrival {
    pub(crate) after: Duration,
    pub(crate) caller: Option<Party>,
    pub(crate) shows_called_number: bool,
    pub(crate) to_inbound: Vec<Digits>,
    pub(crate) to_outbound: Vec<Digits>,
}

impl Arrival {
    /// The inbound leg enters its application only after `time`.
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }

    /// The inbound leg sees this caller ID, whatever originate said.
    pub fn shows_caller(mut self, name: &str, number: &str) -> Self {
        self.caller = Some(Party::from((name, number)));
        self
    }

    /// The network tells the caller which number it has reached: once the call has arrived, the outbound channel shows the
    /// dialled number as its `caller`, as it does over some trunks.
    pub fn shows_called_number(mut self) -> Self {
        self.shows_called_number = true;
        self
    }

    /// Digits that go `way` are altered. Several alterations of one way are applied one after the other.
    pub fn alters_digits(mut self, way: Way, digits: Digits) -> Self {
        match way {
            Way::ToInbound => self.to_inbound.push(digits),
            Way::ToOutbound => self.to_outbound.push(digits),
        }
        self
    }
}

/// Which leg hears the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Sent by the outbound leg, heard by the inbound one.
    ToInbound,
    /// Sent by the inbound leg, heard by the outbound one.
    ToOutbound,
}

/// What the network does to digits. Digits are counted from 1, over the whole call, for each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Digits {
    /// The nth digit is lost.
    Drop(usize),
    /// The nth digit is heard twice.
    Double(usize),
    /// Another digit is heard instead of the nth.
    Replace(usize, char),
    /// This digit follows the last one of each DTMF command.
    Append(char),
    /// The nth digit is held back until its sender sends silence, as Asterisk does with one that it has to lengthen while no
    /// sound comes. Later digits do not wait for it here, so it should be the last one.
    HoldBack(usize),
}

/// Digits as one leg hears them: counts what was sent and applies the alterations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hearing {
    alterations: Vec<Digits>,
    sent: usize,
    held_back: Vec<char>,
}

impl Hearing {
    pub(crate) fn altered_by(alterations: &[Digits]) -> Self {
        Self { alterations: alterations.to_vec(), sent: 0, held_back: Vec::new() }
    }

    /// What is heard of `digits`: for each one sent, in order, the digits heard in its place; what is appended comes last.
    pub(crate) fn hear(&mut self, digits: &[char]) -> Vec<Vec<char>> {
        let mut heard: Vec<Vec<char>> = digits.iter().map(|digit| self.hear_one(*digit)).collect();
        heard.extend(self.alterations.iter().filter_map(|alteration| match alteration {
            Digits::Append(extra) => Some(vec![*extra]),
            _ => None,
        }));
        heard
    }

    /// Sound comes: what was held back is heard.
    pub(crate) fn let_go(&mut self) -> Vec<char> {
        std::mem::take(&mut self.held_back)
    }

    fn hear_one(&mut self, digit: char) -> Vec<char> {
        self.sent += 1;
        let mut heard = vec![digit];
        for alteration in &self.alterations {
            match alteration {
                Digits::Drop(n) if *n == self.sent => heard.clear(),
                Digits::HoldBack(n) if *n == self.sent => self.held_back.append(&mut heard),
                Digits::Double(n) if *n == self.sent => heard.extend(heard.last().copied()),
                Digits::Replace(n, other) if *n == self.sent => heard.iter_mut().for_each(|digit| *digit = *other),
                _ => {}
            }
        }
        heard
    }
}

/// What a far end without an inbound leg does, step by step. See [`FarEnd::rings_for`] and its neighbours.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(crate) steps: VecDeque<(Duration, Step)>,
    /// How long to wait before the step that is added next.
    pause: Duration,
}

/// One thing that a far end does.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Ring,
    Answer,
    Busy,
    /// Rejects before, or hangs up after the answer.
    End {
        cause: u16,
        sip_code: Option<u16>,
    },
}

impl Step {
    /// The dialplan application that does this on a `Local` channel.
    pub(crate) fn dialplan_app(&self) -> &'static str {
        match self {
            Self::Ring => "Ringing",
            Self::Answer => "Answer",
            Self::Busy => "Busy",
            Self::End { .. } => "Hangup",
        }
    }
}

impl Script {
    /// Waits before the next step, in addition to any wait so far.
    pub fn wait(mut self, time: Duration) -> Self {
        self.pause += time;
        self
    }

    /// Answers.
    pub fn then_answers(self) -> Self {
        self.then(Step::Answer)
    }

    /// Rejects with a Q.850 cause; `sip_code` is shown as `tech_cause` of PJSIP channels.
    pub fn then_rejects(self, cause: u16, sip_code: Option<u16>) -> Self {
        self.then(Step::End { cause, sip_code })
    }

    /// See [`FarEnd::is_busy`].
    pub fn then_is_busy(self) -> Self {
        self.then(Step::Busy)
    }

    /// Hangs up with a Q.850 cause after `time`.
    pub fn then_hangs_up_after(self, time: Duration, cause: u16) -> Self {
        self.wait(time).then(Step::End { cause, sip_code: bye_code(cause) })
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push_back((std::mem::take(&mut self.pause), step));
        self
    }
}

/// Which far end each dial string has.
#[derive(Debug, Default)]
pub(crate) struct FarEnds {
    rules: Vec<(String, FarEnd)>,
}

/// An endpoint's state, as far as ARI shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointState {
    Online,
    Offline,
}

impl FarEnds {
    pub(crate) fn set(&mut self, pattern: &str, far_end: FarEnd) {
        self.rules.push((pattern.to_owned(), far_end));
    }

    /// The latest rule that matches. Without one, `Local` channels arrive in the application and others are unknown.
    pub(crate) fn of(&self, dial_string: &str) -> FarEnd {
        let rule = self.rules.iter().rev().find(|(pattern, _)| matches(pattern, dial_string));
        match rule {
            Some((_, far_end)) => far_end.clone(),
            None if dial_string.starts_with("Local/") => FarEnd::arrives().into(),
            None => FarEnd::EndpointUnknown,
        }
    }

    /// The endpoints `TECH/resource` that the rules speak of, each with its state by the latest rule; `Local` has none.
    pub(crate) fn endpoints(&self) -> Vec<(String, String, EndpointState)> {
        let mut endpoints: Vec<(String, String, EndpointState)> = Vec::new();
        for (pattern, far_end) in &self.rules {
            let Some((technology, rest)) = pattern.split_once('/') else { continue };
            if technology == "Local" {
                continue;
            }
            let resource = rest.rsplit_once('@').map_or(rest, |(_, resource)| resource);
            endpoints.retain(|(tech, res, _)| (tech.as_str(), res.as_str()) != (technology, resource));
            let state = match far_end {
                FarEnd::EndpointUnknown => continue,
                FarEnd::EndpointOffline => EndpointState::Offline,
                FarEnd::Arrives(_) | FarEnd::Script(_) | FarEnd::NoSuchExtension => EndpointState::Online,
            };
            endpoints.push((technology.to_owned(), resource.to_owned(), state));
        }
        endpoints
    }
}

/// Whether `text` fits `pattern`, in which each `*` stands for any characters or none.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_with_any_number_of_stars() {
        for (pattern, text, is_match) in [
            ("Local/a@b", "Local/a@b", true),
            ("Local/a@b", "Local/a@bc", false),
            ("Local/*@direct", "Local/fone1@direct", true),
            ("Local/*@direct", "Local/fone1@other", false),
            ("/channels/*/dtmf", "/channels/ct-1;2/dtmf", true),
            ("/channels/*/dtmf", "/channels/ct-1;2/play", false),
            ("*", "", true),
            ("*a*b*", "xaybz", true),
            ("*a*b*", "xbya", false),
        ] {
            assert_eq!(matches(pattern, text), is_match, "{pattern} {text}");
        }
    }

    #[test]
    fn digits_are_altered_by_their_place_in_the_whole_call() {
        let heard = |alterations: &[Digits]| {
            let mut hearing = Hearing::altered_by(alterations);
            let commands: Vec<String> = ["123", "45"]
                .iter()
                .map(|sent| hearing.hear(&sent.chars().collect::<Vec<_>>()).concat().into_iter().collect())
                .collect();
            commands.join(" ")
        };
        assert_eq!(heard(&[]), "123 45");
        assert_eq!(heard(&[Digits::Drop(2)]), "13 45");
        assert_eq!(heard(&[Digits::Double(4)]), "123 445");
        assert_eq!(heard(&[Digits::Replace(5, '#')]), "123 4#");
        assert_eq!(heard(&[Digits::Append('9')]), "1239 459");
        assert_eq!(heard(&[Digits::Drop(1), Digits::Double(3)]), "233 45");
        assert_eq!(heard(&[Digits::HoldBack(5)]), "123 4");
        let mut hearing = Hearing::altered_by(&[Digits::HoldBack(1)]);
        assert_eq!(hearing.hear(&['7', '8']).concat(), ['8']);
        assert_eq!(hearing.let_go(), ['7']);
        assert!(hearing.let_go().is_empty());
    }

    #[test]
    fn the_latest_rule_of_an_endpoint_decides() {
        let mut far_ends = FarEnds::default();
        far_ends.set("PJSIP/*@trunk", FarEnd::arrives().into());
        far_ends.set("PJSIP/phone", FarEnd::never_answers().into());
        far_ends.set("PJSIP/*@trunk", FarEnd::endpoint_offline());
        far_ends.set("Local/*@direct", FarEnd::no_such_extension());
        assert_eq!(
            far_ends.endpoints(),
            [
                ("PJSIP".to_owned(), "phone".to_owned(), EndpointState::Online),
                ("PJSIP".to_owned(), "trunk".to_owned(), EndpointState::Offline)
            ]
        );
        assert!(matches!(far_ends.of("PJSIP/1@trunk"), FarEnd::EndpointOffline));
        assert!(matches!(far_ends.of("PJSIP/1@other"), FarEnd::EndpointUnknown));
        assert!(matches!(far_ends.of("Local/x@other"), FarEnd::Arrives(_)));
    }
}
