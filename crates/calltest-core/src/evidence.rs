//! What a run observed: a set of facts, each with its time, and how well we could see.
//!
//! Asterisk promises no order between related events, so nothing in here depends on one: questions are asked of the set.
//! Facts say what happened and never whether that was right; that is left to the judge.

use std::time::Duration;

use crate::abilities::Abilities;
pub use crate::awaiting::Awaiting;
use crate::cause::{Hangup, HangupCause};
use crate::media::MediaFigures;
use crate::name::{LinkName, ServerName};
pub use crate::observation::Observation;
pub use crate::side::Side;
use crate::trouble::Trouble;

/// A moment by the clock of an engine. Two of them tell a span only if they are of one clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Whose clock: that of this server.
    pub clock: ServerName,
    /// Microseconds since the Unix epoch.
    pub micros: i64,
}

/// One thing that was observed or done.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When we saw or did it, on our monotonic clock, since the run held its links.
    pub at: Duration,
    /// When the engine says it happened; `None` for what we did ourselves.
    pub stamp: Option<Stamp>,
    /// Which leg it is about, if one.
    pub side: Option<Side>,
    /// What it was.
    pub what: Observation,
}

/// A time between two facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// By the engine's clock, where both facts are of one leg and stamped by one clock. That leaves out our own delays.
    pub by_server: Option<Duration>,
    /// By our own clock, which never steps.
    pub ours: Duration,
}

impl Span {
    /// Up to this difference, our own delays may explain that the two clocks do not agree.
    const AGREEMENT: Duration = Duration::from_secs(1);
    const AGREEMENT_MICROS: i128 = Self::AGREEMENT.as_micros() as i128;

    /// Whether the clocks disagree.
    pub fn is_contradicted(self) -> bool {
        self.by_server.is_some_and(|by_server| by_server.abs_diff(self.ours) > Self::AGREEMENT)
    }

    /// The better of the two: the engine's, unless its clock has stepped.
    pub fn told(self) -> Duration {
        self.by_server.filter(|_| !self.is_contradicted()).unwrap_or(self.ours)
    }
}

/// How the script ended.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptEnd {
    /// It went through all of its steps.
    Completed,
    /// It was cut short.
    Stopped(Stop),
}

/// What cut a script short.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// A leg ended while the script still needed it.
    LegEnded {
        /// Which leg.
        side: Side,
        /// What the script was waiting for.
        awaiting: Awaiting,
    },
    /// The run's own time was up.
    Deadline {
        /// What the script was waiting for.
        awaiting: Awaiting,
    },
    /// A limit of the step's own was over.
    Overdue {
        /// What the script was waiting for.
        awaiting: Awaiting,
        /// The limit, from where the test counts it.
        within: Duration,
    },
    /// The last digit was due long ago.
    DigitsOverdue {
        /// The side that should have received them.
        to: Side,
        /// How long ago the last one was due.
        overdue: Duration,
        /// When they were given up, since the run held its links. The script goes on with the other direction.
        given_up_at: Duration,
    },
    /// Digits are wrong already.
    DigitsWrong {
        /// The side that received them.
        to: Side,
    },
    /// The dial string came back to us.
    CameBack,
    /// Asterisk refused to originate since the endpoint is offline.
    Offline,
    /// We could not go on.
    Trouble(Trouble),
    /// Whoever started the run called it off.
    Cancelled,
    /// An operator called it off and had it counted as a failure.
    FailedByOperator,
}

/// How well we saw one server during the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Which server.
    pub server: ServerName,
    /// The longest time in which nothing was heard from it.
    pub longest_silence: Duration,
    /// From this silence on, what is late, corrupted or missing proves nothing: the engine knows how often it hears from a
    /// server that goes on working.
    pub silence_limit: Duration,
    /// How long a message of our own took to come back to us after the script had ended; `None` if it did not.
    pub round_trip: Option<Duration>,
}

/// All that a run observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The link called out on.
    pub src: Option<LinkName>,
    /// The link on which the call should arrive.
    pub dst: Option<LinkName>,
    /// The server that the source lies on.
    pub src_server: Option<ServerName>,
    /// The server that the destination lies on.
    pub dst_server: Option<ServerName>,
    /// What the engine that the source lies on, or the destination where there is no source, was seen to show.
    pub abilities: Abilities,
    /// What happened, in the order in which we learnt of it.
    pub facts: Vec<Fact>,
    /// How the script ended.
    pub script_end: ScriptEnd,
    /// When it ended, since the run held its links. What came in later tells nothing against the network, since by then we
    /// were ending the call ourselves; but it may show that something was late.
    pub script_ended_at: Duration,
    /// How well each server involved could be seen.
    pub sight: Vec<Sight>,
    /// The longest delay of our own event loop while the run lasted.
    pub loop_delay: Duration,
}

impl Evidence {
    /// The facts about one side.
    pub fn of(&self, side: Side) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.side == Some(side))
    }

    /// The first fact about a side that is of the given kind.
    pub fn first(&self, side: Side, is_it: impl Fn(&Observation) -> bool) -> Option<&Fact> {
        self.of(side).find(|fact| is_it(&fact.what))
    }

    /// When the source first saw ringing.
    pub fn ringing(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| *what == Observation::Ringing)
    }

    /// When the source first saw early media.
    pub fn early_media(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| *what == Observation::EarlyMedia)
    }

    /// When the source saw the answer.
    pub fn answered(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| *what == Observation::Answered)
    }

    /// When the call went out.
    pub fn dialled(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| matches!(what, Observation::Dialled { .. }))
    }

    /// When our call arrived at the destination.
    pub fn arrived(&self) -> Option<&Fact> {
        self.first(Side::Dst, |what| matches!(what, Observation::Arrived { .. }))
    }

    /// When a leg ended: the first request to hang it up that is not soft, or its end.
    pub fn ended(&self, side: Side) -> Option<&Fact> {
        self.first(side, |what| {
            matches!(what, Observation::HangupRequest { is_soft: false, .. } | Observation::Gone { .. })
        })
    }

    /// Why a leg ended: the first hangup request that is not soft; else the status of the dial where that is
    /// unambiguous (Asterisk calls most rejections NOANSWER there, so that one says nothing); else what the end of the
    /// channel says.
    ///
    /// Asterisk's cause 0 is none. It comes with the end of an answered call when the far end sends a BYE without a
    /// Reason (RFC 3326), as most telephones do: that is normal clearing (RFC 3398).
    pub fn hangup_of(&self, side: Side) -> Option<Hangup> {
        let is_told = |end: &Hangup| end.cause != HangupCause::NOT_TOLD;
        let request = self.of(side).find_map(|fact| match fact.what {
            Observation::HangupRequest { end, is_soft: false } => Some(end),
            _ => None,
        });
        let gone = || {
            self.of(side).find_map(|fact| match fact.what {
                Observation::Gone { end } => end.filter(is_told),
                _ => None,
            })
        };
        let bye = || {
            let was_answered = self.first(side, |what| *what == Observation::Answered).is_some();
            (request.is_some() && was_answered).then(|| HangupCause::NORMAL_CLEARING.into())
        };
        let dial = || {
            self.of(side).find_map(|fact| match &fact.what {
                Observation::DialEnded { status } if status == "BUSY" => Some(HangupCause::USER_BUSY.into()),
                Observation::DialEnded { status } if status == "CONGESTION" => Some(HangupCause::CONGESTION.into()),
                _ => None,
            })
        };
        request.filter(is_told).or_else(dial).or_else(gone).or_else(bye)
    }

    /// What was counted of a side's media, if it was.
    pub fn media(&self, side: Side) -> Option<&MediaFigures> {
        self.of(side).find_map(|fact| match &fact.what {
            Observation::MediaCounted(figures) => Some(figures),
            _ => None,
        })
    }

    /// How long a side played its sound; `None` if it did not come to the end of it.
    pub fn played(&self, side: Side) -> Option<Duration> {
        let started = self.first(side, |what| matches!(what, Observation::PlaybackStarted { .. }))?;
        let finished = self.first(side, |what| matches!(what, Observation::PlaybackFinished { .. }))?;
        Some(Self::span(started, finished))
    }

    /// The digits that a side received, in order of arrival.
    pub fn digits_received(&self, side: Side) -> impl Iterator<Item = char> {
        self.of(side).filter_map(|fact| match fact.what {
            Observation::DigitReceived { digit, .. } => Some(digit),
            _ => None,
        })
    }

    /// Whether a fact happened before the script ended, as far as can be told. A leg that was over by then does nothing new,
    /// so what is told of it afterwards has happened before, too: the order of events means nothing. What was only told late
    /// shows it by its stamp.
    pub fn is_in_time(&self, fact: &Fact) -> bool {
        let was_over = |side| self.ended(side).is_some_and(|end| end.at <= self.script_ended_at);
        fact.at <= self.script_ended_at
            || fact.side.is_some_and(was_over)
            || self.happened_by(fact).is_some_and(|by| by <= self.script_ended_at)
    }

    /// By when something had happened at the latest, on our clock, as its stamp tells: no event is heard of sooner after its
    /// stamp than the quickest one was. `None` if there is no such event, or the stamp is older than that of an event in time,
    /// as after a step of the server's clock.
    fn happened_by(&self, fact: &Fact) -> Option<Duration> {
        let stamp = fact.stamp.as_ref()?;
        let in_time = self.facts.iter().filter(|other| other.at <= self.script_ended_at);
        let mut by: Option<Duration> = None;
        for (at, known) in in_time.filter_map(|other| Some((other.at, other.stamp.as_ref()?))) {
            if known.clock == stamp.clock {
                let later = u64::try_from(stamp.micros.checked_sub(known.micros)?).ok()?;
                let heard = at.saturating_add(Duration::from_micros(later));
                by = Some(by.map_or(heard, |by| by.min(heard)));
            }
        }
        by
    }

    /// Whether the clock of a leg's server stepped in the call: whose, and what time from first to last it tells and we do. A
    /// step moves all that follows. A single event that is merely late does not.
    pub fn clock_step(&self, side: Side) -> Option<(ServerName, Duration, Duration)> {
        // A call is dialled before the server has it.
        let seen = self.of(side).filter(|fact| !matches!(fact.what, Observation::Dialled { .. }));
        let seen: Vec<(&Fact, &Stamp)> = seen.filter_map(|fact| Some((fact, fact.stamp.as_ref()?))).collect();
        let (first, last) = (seen.first()?, seen.last()?);
        // How far our clock is ahead; never less than it takes an event to come.
        let ahead = |part: &[(&Fact, &Stamp)]| {
            let micros = |fact: &Fact| i128::try_from(fact.at.as_micros()).unwrap_or(i128::MAX);
            part.iter().map(|(fact, stamp)| micros(fact) - i128::from(stamp.micros)).min()
        };
        let has_stepped = (1..seen.len()).any(|split| {
            let (before, after) = seen.split_at(split);
            let by = ahead(after).zip(ahead(before)).map_or(0, |(after, before)| after - before);
            by < -Span::AGREEMENT_MICROS || (by > Span::AGREEMENT_MICROS && after.len() > 1)
        });
        let span = Self::spans(first.0, last.0);
        has_stepped.then(|| (last.1.clock.clone(), span.by_server.unwrap_or_default(), span.ours))
    }

    /// How much sound a side recorded; `None` if nothing was fetched.
    pub fn recorded(&self, side: Side) -> Option<Duration> {
        self.of(side).find_map(|fact| match fact.what {
            Observation::RecordingFetched { duration, .. } => Some(duration),
            _ => None,
        })
    }

    /// The time from one fact to another, as it is told to people.
    pub fn span(from: &Fact, to: &Fact) -> Duration {
        Self::spans(from, to).told()
    }

    /// The time from one fact to another by each clock that knows of it.
    pub fn spans(from: &Fact, to: &Fact) -> Span {
        let by_server = match (&from.stamp, &to.stamp) {
            // A clock that was put back tells no time.
            (Some(start), Some(end)) if from.side == to.side && start.clock == end.clock => end
                .micros
                .checked_sub(start.micros)
                .and_then(|micros| micros.try_into().ok())
                .map(Duration::from_micros),
            (Some(_) | None, Some(_) | None) => None,
        };
        Span { by_server, ours: to.at.saturating_sub(from.at) }
    }
}
