//! The judge: compares what a run saw with what its test expects.
//!
//! A pure function, the only place where verdicts are made. It is a table of questions, asked in their order of weight. What
//! looks like a fault of the network counts only if nobody has spoilt the look at it (`visibility.rs`, `spoilt_by`): a server
//! that stood still or is out of sight, lost events, or this process.

mod absence;
mod arrival;
mod clock;
mod completeness;
mod digits;
mod forwarding;
mod interference;
mod network;
mod no_route;
mod notes;
mod one_call;
mod visibility;

use std::time::Duration;

use crate::evidence::{Awaiting, Evidence, Fact, Observation, ScriptEnd, Side, Stop};
use crate::expectation::{Expectation, Milestone};
use crate::name::LinkName;
use crate::verdict::{Failure, Note, Trouble, Verdict};

pub use visibility::MAX_LOOP_DELAY;

/// A verdict with its remarks.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// How the run came out.
    pub verdict: Verdict,
    /// Remarks on it.
    pub notes: Vec<Note>,
}

/// Compares evidence with expectation.
pub fn judge(expectation: &Expectation, evidence: &Evidence) -> Judgement {
    let case = Case { expectation, evidence };
    Judgement { verdict: case.verdict(RULES), notes: case.notes() }
}

/// Whether it passes whatever went unseen: all that counts was seen, and nothing rests on what was not.
pub fn passes_whatever_was_lost(expectation: &Expectation, evidence: &mut Evidence) -> bool {
    let server = evidence.src_server.clone().or_else(|| evidence.dst_server.clone()).unwrap_or_else(|| "server".into());
    let what = Observation::Troubled(Trouble::Unreadable { server });
    evidence.facts.push(Fact { at: Duration::MAX, stamp: None, side: None, what });
    let verdict = Case { expectation, evidence }.verdict(RULES);
    evidence.facts.pop();
    verdict == Verdict::Pass
}

/// One question of the judge.
struct Rule {
    question: &'static str,
    ask: fn(&Case<'_>) -> Option<Answer>,
}

/// What a question found.
enum Answer {
    /// That settles it.
    Verdict(Verdict),
    /// A fault of the network, if nobody has spoilt the look at it.
    Failure(Failure),
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl From<Trouble> for Answer {
    fn from(trouble: Trouble) -> Self {
        Self::Verdict(Verdict::Error(trouble))
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Makes a row of the table: the question, and the method of `Case` that looks for an answer.
macro_rules! rules {
    ($($question:literal: $ask:ident,)*) => {
        &[$(Rule { question: $question, ask: |case| case.$ask().map(Answer::from) }),*]
    };
}

/// All questions. The first that is answered settles the case.
const RULES: &[Rule] = rules! {
    "Did something keep us from finding out?": trouble,
    "Was the run called off?": called_off,
    "Did somebody do something to our channels at our own server?": interference,
    "Does the dial string lead nowhere?": no_extension,
    "Did a server's clock step, so that times say one thing by it and another by ours?": clock_stepped,
    "Is the endpoint offline?": offline,
    "Does the dial string lead back to us?": came_back,
    "Does the far end want a login that our server does not give?": login_wanted,
    "Was the call forwarded to where it must not go?": forwarded,
    "Did we reject ourselves what may be this call?": rejected_here,
    "Were digits changed or added?": digits_corrupted,
    "Did another call come in place of ours?": wrong_call_in_place,
    "Was the caller's number withheld, or shown, against what is expected?": caller_shown_otherwise,
    "Was the call delivered more than once, where it must not be?": delivered_twice,
    "Was the call not diverted on its way, though it has to be?": not_diverted,
    "Was there ringing where there must be none?": forbidden_ringing,
    "Was there early media where there must be none?": forbidden_early_media,
    "Was there an answer where there must be none?": forbidden_answer,
    "Was the call answered too late?": answered_late,
    "Did the call end before its time?": leg_ended,
    "Was ringing or early media skipped?": skipped,
    "Was the call not forwarded, though it has to be?": not_forwarded,
    "Was the call rejected at another time than it has to be?": rejected_out_of_time,
    "Was something recorded although no packet came in?": recorded_nothing,
    "Was a sound lost?": sound_lost,
    "Is something missing for which the script waited?": absence,
    "Did a server drop out of sight, so that its channels look as if somebody had hung up?": end_unseen,
    "Is the cause of the end another one?": wrong_cause,
    "Does the test ask for something that cannot be shown?": unshown,
    "Is a recording lost?": recording_lost,
    "Does a pass rest on something that we could not have seen?": absence_unseen,
    "Did the call not get as far as it should?": milestone_missed,
    "Did the call not arrive?": arrival_missed,
    "Was a sound not heard?": sound_unheard,
    "Are digits missing?": digits_missed,
    "Is the call that came in another one than went out?": other_call,
};

/// All questions of the judge, in the order in which they are asked.
pub fn questions() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.question)
}

/// One case before the judge.
struct Case<'a> {
    expectation: &'a Expectation,
    evidence: &'a Evidence,
}

impl Case<'_> {
    /// Asks the questions one after the other. A fault that somebody may have spoilt does not count, but what is found after it
    /// may: if nothing is, nobody can tell.
    fn verdict(&self, rules: &[Rule]) -> Verdict {
        let mut spoilt = None;
        for answer in rules.iter().filter_map(|rule| (rule.ask)(self)) {
            match answer {
                Answer::Failure(failure) => match self.spoiler(&failure) {
                    None => return Verdict::Fail(failure),
                    Some(trouble) => spoilt = spoilt.or(Some(trouble)),
                },
                Answer::Verdict(Verdict::Error(trouble)) => return Verdict::Error(spoilt.unwrap_or(trouble)),
                Answer::Verdict(verdict) => return verdict,
            }
        }
        spoilt.map_or(Verdict::Pass, Verdict::Error)
    }

    /// Whatever kept us from finding out.
    fn trouble(&self) -> Option<Trouble> {
        let stop = match &self.evidence.script_end {
            ScriptEnd::Stopped(Stop::Trouble(trouble)) => Some(trouble),
            _ => None,
        };
        let met = self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Troubled(trouble) if !trouble.is_uncertainty() => Some(trouble),
            _ => None,
        });
        stop.or(met).cloned()
    }

    fn called_off(&self) -> Option<Verdict> {
        match &self.evidence.script_end {
            ScriptEnd::Stopped(Stop::Cancelled) => Some(Verdict::Cancelled),
            ScriptEnd::Stopped(Stop::FailedByOperator) => Some(Verdict::Fail(Failure::ByOperator)),
            _ => None,
        }
    }

    /// Whether a leg ended by itself rather than because we hung it up.
    fn has_ended(&self, side: Side) -> bool {
        let Some(ended) = self.evidence.ended(side) else { return false };
        // Hanging up the outbound leg ends the inbound one as well. The other way round it is a rejection, whose effect on the
        // outbound leg is the network's.
        let is_ours =
            |fact: &&Fact| fact.what == Observation::HangupSent && (side == Side::Dst || fact.side == Some(Side::Src));
        let hung_up = self.evidence.facts.iter().find(is_ours);
        hung_up.is_none_or(|hung_up| ended.at < hung_up.at)
    }

    fn has_reached_milestone(&self) -> bool {
        let answered = self.evidence.answered().is_some();
        match self.expectation.milestone {
            Milestone::Arrival => self.evidence.arrived().is_some(),
            Milestone::EarlyMedia => self.evidence.early_media().is_some(),
            Milestone::Rejection => self.has_ended(Side::Src),
            Milestone::Answer => answered,
            Milestone::Online => self.is_online(),
            Milestone::Ringing if self.expectation.needs_ringing() => self.ringing().is_some(),
            Milestone::Ringing => answered || self.ringing().is_some(),
        }
    }

    /// Whether the endpoint that is watched was seen to be online.
    fn is_online(&self) -> bool {
        let is_it = |what: &Observation| matches!(what, Observation::EndpointOnline { .. });
        self.evidence.first(Side::Src, is_it).is_some()
    }

    /// The first thing that counts as ringing.
    fn ringing(&self) -> Option<&Fact> {
        self.expectation.ringing.first_sign(self.evidence.of(Side::Src))
    }

    fn since_dialled(&self, fact: &Fact) -> Duration {
        self.evidence.dialled().map_or(Duration::ZERO, |dialled| Evidence::span(dialled, fact))
    }

    fn dial_string(&self) -> String {
        let dialled = self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Dialled { dial_string } => Some(dial_string.clone()),
            _ => None,
        });
        dialled.unwrap_or_default()
    }

    fn unexplained(&self, awaiting: Awaiting) -> Trouble {
        Trouble::Unexplained { link: self.link(Side::Src), awaiting: awaiting.words() }
    }

    /// The link of a side, or the other one where the call has only that.
    fn link(&self, side: Side) -> LinkName {
        let (src, dst) = (self.evidence.src.as_ref(), self.evidence.dst.as_ref());
        let link = match side {
            Side::Src => src.or(dst),
            Side::Dst => dst.or(src),
        };
        link.cloned().unwrap_or_else(|| "call".into())
    }
}

#[cfg(test)]
mod tests;
