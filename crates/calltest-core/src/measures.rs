//! The times of a call, as telephony names them.

use std::time::Duration;

use crate::evidence::{Evidence, Fact, Observation, Side};

/// What can be measured from a run's evidence; each is `None` where the call did not get that far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measures {
    /// Post-dial delay: originate to the first ringing or early media, as ARI reports it (near RFC 6076's SRD).
    pub post_dial_delay: Option<Duration>,
    /// Set-up time: originate to answer.
    pub setup_time: Option<Duration>,
    /// Ring time: first ringing to answer, or to the end of the call if there was none.
    pub ring_time: Option<Duration>,
    /// Talk time: answer to hangup.
    pub talk_time: Option<Duration>,
}

impl Measures {
    /// Takes the measures of a call from its evidence.
    pub fn of(evidence: &Evidence) -> Self {
        let Some(dialled) = evidence.dialled() else { return Self::of_reception(evidence) };
        let ringing = evidence.ringing();
        let answered = evidence.answered();
        let ended = evidence.ended(Side::Src);
        let first_sign = [ringing, evidence.early_media()].into_iter().flatten().min_by_key(|fact| fact.at);
        let dialled = Some(dialled);
        Self {
            post_dial_delay: span(dialled, first_sign),
            setup_time: span(dialled, answered),
            ring_time: span(ringing, answered.or(ended)),
            talk_time: span(answered, ended),
        }
    }

    /// The times of a call that somebody else made: our own ringing, and the talk after our answer.
    fn of_reception(evidence: &Evidence) -> Self {
        let rung = evidence.first(Side::Dst, |what| *what == Observation::RingingSent);
        let answered = evidence.first(Side::Dst, |what| *what == Observation::Answered);
        let ended = evidence.ended(Side::Dst);
        Self { ring_time: span(rung, answered.or(ended)), talk_time: span(answered, ended), ..Self::default() }
    }
}

/// The time from one fact to another, where there are both.
fn span(from: Option<&Fact>, to: Option<&Fact>) -> Option<Duration> {
    Some(Evidence::span(from?, to?))
}
