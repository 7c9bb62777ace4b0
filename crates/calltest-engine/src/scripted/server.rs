//! A scripted server: what it shows, and how it treats whoever asks.

use std::sync::Arc;
use std::time::Duration;

use calltest_core::abilities::Abilities;
use calltest_core::verdict::Trouble;

use crate::{EndpointStatus, Host, Refused, Scrutiny, Sink, Unready};

/// A server of a [`World`](crate::scripted::World).
#[derive(Debug, Clone)]
pub struct ScriptedServer {
    pub(super) name: String,
    pub(super) abilities: Abilities,
    pub(super) product: String,
    pub(super) connects: Result<(), Unready>,
    pub(super) sight: SightScript,
    pub(super) permit_takes: Duration,
    pub(super) permit: Result<(), Refused>,
    pub(super) listen: Result<(), Refused>,
    pub(super) clean_up: Result<(), Refused>,
    /// What is told of an endpoint, each time one is asked for; the last of it goes on. Online if there is nothing.
    pub(super) endpoint: Vec<Result<EndpointStatus, Refused>>,
}

impl ScriptedServer {
    /// A server that shows everything and refuses nothing.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            abilities: Abilities::ALL,
            product: "Scripted 1.0".into(),
            connects: Ok(()),
            sight: SightScript::default(),
            permit_takes: Duration::ZERO,
            permit: Ok(()),
            listen: Ok(()),
            clean_up: Ok(()),
            endpoint: Vec::new(),
        }
    }

    /// It shows no more than this of a call.
    pub fn shows(self, abilities: Abilities) -> Self {
        Self { abilities, ..self }
    }

    /// What it says of itself.
    pub fn is_product(self, product: &str) -> Self {
        Self { product: product.into(), ..self }
    }

    /// It cannot be connected to.
    pub fn is_unready(self, why: Unready) -> Self {
        Self { connects: Err(why), ..self }
    }

    /// How it can be seen.
    pub fn is_seen(self, sight: SightScript) -> Self {
        Self { sight, ..self }
    }

    /// What it tells of an endpoint, one after the other each time one is asked for; the last goes on.
    pub fn tells_of_endpoint(self, endpoint: Vec<Result<EndpointStatus, Refused>>) -> Self {
        Self { endpoint, ..self }
    }

    /// A call has to wait so long for its turn.
    pub fn permits_after(self, permit_takes: Duration) -> Self {
        Self { permit_takes, ..self }
    }

    /// No call gets its turn.
    pub fn permits_nothing(self, why: Refused) -> Self {
        Self { permit: Err(why), ..self }
    }

    /// Nobody can listen for calls.
    pub fn lets_nobody_listen(self, why: Refused) -> Self {
        Self { listen: Err(why), ..self }
    }

    /// Nobody can clean up.
    pub fn is_not_cleaned(self, why: Refused) -> Self {
        Self { clean_up: Err(why), ..self }
    }
}

/// What a server shows whoever asks it for a sign of life.
#[derive(Debug, Clone, PartialEq)]
pub struct SightScript {
    /// How long its answer takes; it gives none if `None`.
    pub round_trip: Option<Duration>,
    /// The longest time for which it was silent.
    pub longest_silence: Duration,
    /// From which silence on it proves nothing.
    pub silence_limit: Duration,
    /// Why something may have been missed all the same.
    pub uncertainty: Option<Trouble>,
}

impl Default for SightScript {
    fn default() -> Self {
        Self {
            round_trip: Some(Duration::from_millis(2)),
            longest_silence: Duration::from_millis(400),
            silence_limit: Duration::from_secs(1),
            uncertainty: None,
        }
    }
}

impl SightScript {
    /// It gives no answer.
    pub fn lost() -> Self {
        Self { round_trip: None, longest_silence: Duration::from_secs(4), ..Self::default() }
    }

    /// It was silent for so long, and answers again.
    pub fn silent_for(longest_silence: Duration) -> Self {
        Self { longest_silence, ..Self::default() }
    }

    /// It answers, and something may have been missed.
    pub fn uncertain(why: Trouble) -> Self {
        Self { uncertainty: Some(why), ..Self::default() }
    }
}

/// What is known of a server while a story goes on.
pub(super) struct ServerState {
    pub(super) script: ScriptedServer,
    /// Where it stands now.
    pub(super) ready: Result<(), Unready>,
    /// Its connection is lost.
    pub(super) is_lost: bool,
    pub(super) host: Option<Arc<dyn Host>>,
    pub(super) listeners: Vec<Listener>,
    pub(super) looks: Vec<Scrutiny>,
    pub(super) asked_for_endpoint: usize,
    /// By how many microseconds since the epoch its clock was ahead when the world began.
    pub(super) clock: i64,
    /// There may be calls that no run knows of.
    pub(super) is_suspect: bool,
}

/// A run that listens.
pub(super) struct Listener {
    pub(super) ticket: u64,
    pub(super) link: String,
    pub(super) seen: Sink,
}
