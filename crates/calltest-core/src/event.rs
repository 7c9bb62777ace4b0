//! What the world is told while runs are under way.

use std::sync::Arc;

use crate::evidence::Fact;
use crate::plan::{LinkName, ServerName, TestName};
use crate::run::{FinishedRun, RunId};

/// Something happened to a run.
#[derive(Debug, Clone)]
pub struct RunEvent {
    /// Which run.
    pub run: RunId,
    /// Of which test.
    pub test: TestName,
    /// What happened.
    pub what: RunProgress,
}

/// The steps of a run's life.
#[derive(Debug, Clone)]
pub enum RunProgress {
    /// It waits for its links.
    Waiting,
    /// It holds its links and begins.
    Started,
    /// A fact came in.
    Observed(Fact),
    /// It is over and its channels are gone.
    Finished(Arc<FinishedRun>),
}

/// Something happened to the connection to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEvent {
    /// Which server.
    pub server: ServerName,
    /// What happened.
    pub what: ServerProgress,
}

/// The steps of a connection's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerProgress {
    /// Connected, the app is ours, and nothing of an earlier run is left.
    Up {
        /// Channels that an earlier process had left, hung up just now.
        cleaned: usize,
    },
    /// The connection is gone; it is tried again.
    Down {
        /// A whole sentence.
        why: String,
    },
    /// Another process owns the app.
    OwnedByOther {
        /// That process, as it names itself.
        owner: String,
    },
    /// A call came in on a link where no run waits for one. It was rejected.
    Stray {
        /// The link that the dialplan named.
        link: String,
        /// The caller's number as shown, perhaps empty.
        caller: String,
        /// The number it dialled, perhaps empty.
        dialled: String,
    },
}

/// What a look at one thing of a server's set-up showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which server.
    pub server: ServerName,
    /// Which link, where only that is concerned.
    pub link: Option<LinkName>,
    /// What was looked at.
    pub check: Check,
    /// How that came out.
    pub outcome: Outcome,
    /// What was seen, and where that differs, what was expected.
    pub what: String,
    /// What to do about it, unless all is well.
    pub fix: Option<String>,
}

/// The things of a set-up that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Whether the server answers, and with ARI.
    Reach,
    /// Whether it takes our user and password.
    Credentials,
    /// Whether that user may act.
    Rights,
    /// Whether the server's version is new enough.
    Version,
    /// Whether it has loaded what we need.
    Modules,
    /// Whether our app is free, and its events come.
    App,
    /// Whether the server speaks the technology of a link's dial string.
    Technology,
    /// Whether the endpoint that a link dials exists and is online.
    Endpoint,
    /// Whether the dialplan hands the calls of a link to our app.
    Dialplan,
    /// Whether the server plays sounds.
    Playing,
    /// Whether it records, and hands recordings out.
    Recording,
}

impl Check {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Credentials => "credentials",
            Self::Rights => "rights",
            Self::Version => "version",
            Self::Modules => "modules",
            Self::App => "app",
            Self::Technology => "technology",
            Self::Endpoint => "endpoint",
            Self::Dialplan => "dialplan",
            Self::Playing => "playing",
            Self::Recording => "recording",
        }
    }
}

/// How a look came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, but not as well as it might.
    Warning,
    /// It could not be found out.
    Unknown,
    /// Calls fail on it.
    Problem,
}

impl Outcome {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Problem => "problem",
        }
    }
}
