//! What a story can have happen.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use calltest_core::cause::{Hangup, HangupCause, TechCause};
use calltest_core::evidence::{Observation, Side};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;

use crate::Unready;
use crate::scripted::SightScript;

/// Something that happens by a rule of a story.
#[derive(Clone)]
pub enum Act {
    /// Something happens to a leg of the call, and is told unless the story keeps it back.
    Tell(Side, Observation),
    /// The leg is told to be that often on its way: more than any queue holds.
    Flood(Side, usize),
    /// The far end, or the network, ends a leg for this reason; the other leg follows with the same.
    End(Side, Hangup),
    /// A call comes in.
    Arrive(Incoming),
    /// The connection to a server is lost, and runs are told why.
    Lose {
        /// Which server.
        server: String,
        /// What the queues of its runs end with.
        why: Trouble,
        /// When it is back; never if `None`.
        back_after: Option<Duration>,
    },
    /// A server can be seen like this from now on.
    Sight(String, SightScript),
    /// Runs can use a server from now on, or cannot.
    Ready(String, Result<(), Unready>),
    /// Something of the test's own.
    Do(Arc<dyn Fn() + Send + Sync>),
}

impl Act {
    /// The far end rejects the call with this cause and, if given, this SIP status; or hangs up, once it is answered.
    pub fn reject(cause: u16, sip: Option<u16>) -> Self {
        Self::End(Side::Src, end(cause, sip))
    }

    /// Something of the test's own.
    pub fn run(what: impl Fn() + Send + Sync + 'static) -> Self {
        Self::Do(Arc::new(what))
    }

    /// The connection to a server is lost, and back a second later.
    pub fn lose(server: &str) -> Self {
        let why = Trouble::ConnectionLost { server: server.into(), why: "the story says so".into() };
        Self::Lose { server: server.into(), why, back_after: Some(Duration::from_secs(1)) }
    }

    /// A leg receives a digit.
    pub fn digit(to: Side, digit: char) -> Self {
        Self::Tell(to, Observation::DigitReceived { digit, duration: Duration::from_millis(100) })
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tell(side, what) => f.debug_tuple("Tell").field(side).field(what).finish(),
            Self::Flood(side, times) => f.debug_tuple("Flood").field(side).field(times).finish(),
            Self::End(side, end) => f.debug_tuple("End").field(side).field(end).finish(),
            Self::Arrive(incoming) => f.debug_tuple("Arrive").field(incoming).finish(),
            Self::Lose { server, why, .. } => f.debug_tuple("Lose").field(server).field(why).finish(),
            Self::Sight(server, sight) => f.debug_tuple("Sight").field(server).field(sight).finish(),
            Self::Ready(server, ready) => f.debug_tuple("Ready").field(server).field(ready).finish(),
            Self::Do(_) => f.write_str("Do"),
        }
    }
}

/// The end of a call with this cause and, if given, this SIP status.
pub(super) fn end(cause: u16, sip: Option<u16>) -> Hangup {
    Hangup { cause: HangupCause(cause), tech_cause: sip.map(TechCause::Sip) }
}

/// A call that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub(super) server: Option<String>,
    pub(super) link: String,
    pub(super) caller: String,
    pub(super) dialled: String,
    pub(super) whose: Whose,
    pub(super) may_be_tail: bool,
}

/// Whose call it is, as far as the engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The engine does not know.
    Unknown,
    /// The run's that made the call of which the story tells.
    TheRuns,
    /// That run's.
    Of(RunId),
}

impl Incoming {
    /// A call on a link, of which the engine knows nothing else; it dialled the link's name.
    pub fn on(link: &str) -> Self {
        Self {
            server: None,
            link: link.into(),
            caller: String::new(),
            dialled: link.into(),
            whose: Whose::Unknown,
            may_be_tail: false,
        }
    }

    /// On this server, rather than on that of the call of which the story tells.
    pub fn at(self, server: &str) -> Self {
        Self { server: Some(server.into()), ..self }
    }

    /// From this number.
    pub fn from(self, caller: &str) -> Self {
        Self { caller: caller.into(), ..self }
    }

    /// To this number.
    pub fn to(self, dialled: &str) -> Self {
        Self { dialled: dialled.into(), ..self }
    }

    /// The engine knows whose it is.
    pub fn of(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    /// It may be the tail of a call that is over.
    pub fn that_may_be_a_tail(self) -> Self {
        Self { may_be_tail: true, ..self }
    }
}
