//! The route of a call: which parties of it are ours, and what we do there.
//!
//! Each mode stands here once, with just the parts that it needs. Whoever wants to know the parties of a call asks the
//! [`Route`], and never goes through the modes for that. A new mode is a new variant of one of the three scripts.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::caller::ExpectedCaller;
use crate::name::LinkName;
use crate::plan::post_dial::PostDial;
use crate::plan::trigger::Trigger;

/// Which parties of a call are ours, with what we do there.
#[derive(Debug, Clone, PartialEq)]
pub enum Route {
    /// Both ends are ours.
    Both {
        /// The two parties.
        parties: Parties,
        /// What they do.
        script: BothScript,
    },
    /// We only call out.
    Out {
        /// Whom to call.
        to: Destination,
        /// What we do once the call is out.
        script: OutScript,
    },
    /// We only wait for a call.
    In {
        /// Where the call comes in, and what causes it.
        at: Reception,
        /// What we do once it is there.
        script: InScript,
    },
    /// There is no call: the endpoint behind a link has to be online, and to stay so.
    Watch {
        /// The link.
        link: LinkName,
        /// For how long.
        time: Duration,
    },
}

/// What happens where both parties of the call are ours.
#[derive(Debug, Clone, PartialEq)]
pub enum BothScript {
    /// Answer, then digits from the callee and from the caller.
    Dtmf(Dtmf),
    /// The caller must see ringing; the call is never answered.
    Call {
        /// How the callee rejects the call.
        reject_with: Rejection,
    },
    /// Answer, then a sound each way, recorded by the other party.
    Audio(Audio),
}

/// What happens where we only call out.
#[derive(Debug, Clone, PartialEq)]
pub enum OutScript {
    /// Call a number that must ring.
    Ring,
    /// Call a number that must answer, play a sound, hang up.
    Play {
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
    /// Call a number that must reject the call soon.
    Fail {
        /// It must reject within this time after the call went out.
        within: Duration,
    },
    /// Call a number that must ring and then reject.
    Timeout {
        /// It must not reject earlier than this after the first ringing.
        ringtime: Duration,
    },
}

/// What happens where we only wait for a call.
#[derive(Debug, Clone, PartialEq)]
pub enum InScript {
    /// Let it ring, reject it.
    Wait {
        /// How it is rejected.
        reject_with: Rejection,
    },
    /// Answer it, play and record, hang up.
    Answer {
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
    /// Answer it, play and record until the caller hangs up or presses `#`.
    Record {
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
}

impl Route {
    /// The link that we call out on, if we do.
    pub fn src(&self) -> Option<&LinkName> {
        match self {
            Self::Both { parties, .. } => Some(&parties.src),
            Self::Out { to, .. } => Some(&to.src),
            Self::In { .. } | Self::Watch { .. } => None,
        }
    }

    /// The link that the call has to arrive on, if it has to arrive at us.
    pub fn dst(&self) -> Option<&LinkName> {
        match self {
            Self::Both { parties, .. } => Some(&parties.dst),
            Self::Out { .. } | Self::Watch { .. } => None,
            Self::In { at, .. } => Some(&at.dst),
        }
    }

    /// The link whose endpoint is watched, where there is no call.
    pub fn watched(&self) -> Option<&LinkName> {
        match self {
            Self::Watch { link, .. } => Some(link),
            Self::Both { .. } | Self::Out { .. } | Self::In { .. } => None,
        }
    }

    /// The links that are ours: those of both parties, source first, or the one that is watched.
    pub fn links(&self) -> Vec<&LinkName> {
        self.src().into_iter().chain(self.dst()).chain(self.watched()).collect()
    }

    /// What is dialled on with once the call is answered, where we call.
    pub fn post_dial(&self) -> Option<&PostDial> {
        match self {
            Self::Both { parties, .. } => Some(&parties.post_dial),
            Self::Out { to, .. } => Some(&to.post_dial),
            Self::In { .. } | Self::Watch { .. } => None,
        }
    }

    /// The number that we dial; `None` where we dial none.
    pub fn dialled(&self) -> Option<&str> {
        match self {
            Self::Both { parties, .. } => parties.number.as_deref(),
            Self::Out { to, .. } => to.number.as_deref(),
            // The number of a call that comes in is dialled by whoever causes it.
            Self::In { .. } | Self::Watch { .. } => None,
        }
    }

    /// What the callee must see of the caller, where that is checked.
    pub fn caller(&self) -> Option<&ExpectedCaller> {
        match self {
            Self::Both { parties, .. } => parties.caller.as_ref(),
            Self::Out { .. } | Self::Watch { .. } => None,
            Self::In { at, .. } => at.caller.as_ref(),
        }
    }

    /// The word for the mode in the YAML.
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Both { script, .. } => match script {
                BothScript::Dtmf(_) => "dtmf",
                BothScript::Call { .. } => "call",
                BothScript::Audio(_) => "audio",
            },
            Self::Out { script, .. } => match script {
                OutScript::Ring => "ring",
                OutScript::Play { .. } => "play",
                OutScript::Fail { .. } => "fail",
                OutScript::Timeout { .. } => "timeout",
            },
            Self::In { script, .. } => match script {
                InScript::Wait { .. } => "wait",
                InScript::Answer { .. } => "answer",
                InScript::Record { .. } => "record",
            },
            Self::Watch { .. } => "online",
        }
    }
}

/// Both parties of a call, where both are ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Parties {
    /// The link we call out on.
    pub src: LinkName,
    /// The link the call has to arrive on.
    pub dst: LinkName,
    /// The number dialled; `None` where the source's address has no place for one.
    pub number: Option<String>,
    /// What is dialled on with once the call is answered.
    pub post_dial: PostDial,
    /// What the callee must see of the caller, unless the check is switched off.
    pub caller: Option<ExpectedCaller>,
}

/// Whom an originate-only test calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The link we call out on.
    pub src: LinkName,
    /// The number dialled; `None` where the source's address has no place for one.
    pub number: Option<String>,
    /// What is dialled on with once the call is answered.
    pub post_dial: PostDial,
}

/// Where an answer-only test waits for its call.
#[derive(Debug, Clone, PartialEq)]
pub struct Reception {
    /// The link the call has to arrive on.
    pub dst: LinkName,
    /// The number to call, for the trigger.
    pub number: Option<String>,
    /// What the callee must see of the caller, where that is given or a source is configured, and the check is on.
    pub caller: Option<ExpectedCaller>,
    /// What causes the call; a person if nothing is configured.
    pub trigger: Option<Trigger>,
}

/// Which digits a `dtmf` test sends, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtmf {
    /// Which digits are sent in each direction.
    pub digits: DigitChoice,
    /// Whether a digit may be received more than once, as in-band detection is prone to.
    pub may_repeat: bool,
    /// Length of each tone.
    pub duration: Duration,
    /// Pause between two tones.
    pub between: Duration,
}

/// Which digits are sent in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DigitChoice {
    /// These, in both directions.
    Given(String),
    /// Others in each run and direction.
    Drawn {
        /// How many.
        len: NonZeroU32,
        /// Those among which they are drawn; at least one.
        alphabet: String,
    },
}

impl DigitChoice {
    /// How many they are.
    pub fn count(&self) -> usize {
        match self {
            Self::Given(digits) => digits.chars().count(),
            Self::Drawn { len, .. } => len.get().try_into().unwrap_or(usize::MAX),
        }
    }
}

impl Dtmf {
    /// The least time that the digits of one direction take to send: each takes its tone and its pause. Engines may need more.
    pub fn sending_time(&self) -> Duration {
        (self.duration + self.between) * self.digits.count().try_into().unwrap_or(u32::MAX)
    }
}

/// Sounds and recordings of an `audio` test; names without their base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audio {
    /// What the source plays.
    pub src_out: Option<String>,
    /// What the source records.
    pub src_in: Option<String>,
    /// What the destination plays.
    pub dst_out: Option<String>,
    /// What the destination records.
    pub dst_in: Option<String>,
}

/// How a call is rejected: the reasons that engines have words for, each with the SIP status that it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rejection {
    /// 486 Busy Here.
    #[default]
    Busy,
    /// 503 Service Unavailable.
    Congestion,
    /// 480 Temporarily Unavailable.
    NoAnswer,
    /// 403 Forbidden.
    Rejected,
    /// 404 Not Found.
    Unallocated,
    /// 603 Decline.
    Normal,
}

impl Rejection {
    /// All of them, with their words in the YAML, which are Asterisk's.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("busy", Self::Busy),
        ("congestion", Self::Congestion),
        ("no_answer", Self::NoAnswer),
        ("rejected", Self::Rejected),
        ("unallocated", Self::Unallocated),
        ("normal", Self::Normal),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_knows_its_links() {
        let reject_with = Rejection::Busy;
        let parties = Parties {
            src: "a".into(),
            dst: "b".into(),
            number: Some("7".into()),
            post_dial: PostDial::default(),
            caller: None,
        };
        let both = Route::Both { parties, script: BothScript::Call { reject_with } };
        assert_eq!((both.links(), both.dialled()), (vec![&"a".into(), &"b".into()], Some("7")));
        let out = Route::Out {
            to: Destination { src: "a".into(), number: None, post_dial: PostDial::default() },
            script: OutScript::Ring,
        };
        assert_eq!((out.links(), out.dialled()), (vec![&"a".into()], None));
        let at = Reception { dst: "b".into(), number: Some("7".into()), caller: None, trigger: None };
        let waits = Route::In { at, script: InScript::Wait { reject_with } };
        assert_eq!((waits.links(), waits.dialled()), (vec![&"b".into()], None));
        assert_eq!((both.mode(), out.mode(), waits.mode()), ("call", "ring", "wait"));
    }

    #[test]
    fn five_digits_take_a_second() {
        let dtmf = Dtmf {
            digits: DigitChoice::Drawn { len: NonZeroU32::new(5).unwrap(), alphabet: "0123456789".into() },
            may_repeat: false,
            duration: Duration::from_millis(100),
            between: Duration::from_millis(100),
        };
        assert_eq!(dtmf.sending_time(), Duration::from_secs(1));
    }
}
