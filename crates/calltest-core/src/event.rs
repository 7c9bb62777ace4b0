//! What the world is told while runs are under way.

use std::sync::Arc;

use crate::evidence::Fact;
use crate::plan::{ServerName, TestName};
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
