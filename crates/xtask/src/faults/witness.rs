//! Follows a run: lets something happen at a given stage of it, and remembers when that was.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use calltest_core::event::{RunEvent, RunProgress, ServerEvent};
use calltest_runner::Observer;

use super::stage::Stage;

/// How long after a run has begun its wait for a call a fault strikes that is to strike in it.
const INTO_THE_WAIT: Duration = Duration::from_millis(100);

/// Something to be done at a moment of a run.
pub(crate) struct Injection {
    pub(crate) when: When,
    /// Does it, and returns at once: it is called in the midst of the run.
    pub(crate) inject: Box<dyn FnOnce() + Send + Sync>,
    /// What it is, for people.
    pub(crate) what: String,
}

/// When something is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// As soon as the run gets there, before its next step.
    At(Stage),
    /// So long after the run has begun.
    After(Duration),
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(stage) => write!(f, "at {}", stage.word()),
            Self::After(time) => write!(f, "after {:.3} s", time.as_secs_f64()),
        }
    }
}

/// Remembers what it is told, and injects what is due.
#[derive(Default)]
pub(crate) struct Witness {
    state: std::sync::Arc<Mutex<State>>,
    begun: tokio::sync::watch::Sender<bool>,
    answered: tokio::sync::watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    injections: Vec<Injection>,
    /// Counts the runs, so that nothing happens in one that was meant for another.
    run: u64,
    begun: Option<Instant>,
    /// What was done when, from the run's beginning.
    injected: Vec<(Duration, String)>,
    /// What was told of the server, since the witness was made.
    servers: Vec<ServerEvent>,
}

impl Witness {
    /// Prepares what is to be done in the run that begins next.
    pub(crate) fn arm(&self, injections: Vec<Injection>) {
        let mut state = self.lock();
        (state.injections, state.begun) = (injections, None);
        state.run += 1;
        state.injected.clear();
        self.begun.send_replace(false);
        self.answered.send_replace(false);
    }

    /// What was done when; what was not done is still armed, and taken away now.
    pub(crate) fn disarm(&self) -> (Vec<(Duration, String)>, Vec<String>) {
        let mut state = self.lock();
        state.run += 1;
        let missed = std::mem::take(&mut state.injections).into_iter().map(|injection| injection.what).collect();
        (std::mem::take(&mut state.injected), missed)
    }

    /// Completes once the run holds its links.
    pub(crate) async fn until_begun(&self) {
        // The sender lives as long as this.
        let _ = self.begun.subscribe().wait_for(|is_it| *is_it).await;
    }

    /// Completes once the first end is answered.
    pub(crate) async fn until_answered(&self) {
        let _ = self.answered.subscribe().wait_for(|is_it| *is_it).await;
    }

    /// What was told of the server, in words.
    pub(crate) fn server_story(&self) -> String {
        let events: Vec<String> = self.lock().servers.iter().map(|event| format!("{:?}", event.what)).collect();
        events.join("; ")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn later(&self, after: Duration, injection: Injection) {
        let state = std::sync::Arc::clone(&self.state);
        let run = self.lock().run;
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let is_over = state.lock().unwrap_or_else(PoisonError::into_inner).run != run;
            if !is_over {
                inject(&state, injection);
            }
        });
    }
}

/// Does it, without holding the lock meanwhile: what happens may be told of at once.
fn inject(state: &Mutex<State>, injection: Injection) {
    {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        state.injected.push((at, injection.what));
    }
    (injection.inject)();
}

impl Observer for Witness {
    fn run_event(&self, event: RunEvent) {
        let due: Vec<Injection> = {
            let mut state = self.lock();
            if let RunProgress::Started = event.what {
                state.begun = Some(Instant::now());
            }
            let is_due = |injection: &Injection| match injection.when {
                When::At(stage) => stage.begins_with(&event.what),
                When::After(_) => matches!(event.what, RunProgress::Started),
            };
            let (due, rest) = std::mem::take(&mut state.injections).into_iter().partition(is_due);
            state.injections = rest;
            due
        };
        for injection in due {
            match injection.when {
                When::At(Stage::Waiting) => self.later(INTO_THE_WAIT, injection),
                When::After(time) => self.later(time, injection),
                When::At(_) => inject(&self.state, injection),
            }
        }
        if matches!(event.what, RunProgress::Started) {
            self.begun.send_replace(true);
        }
        if Stage::Answered.begins_with(&event.what) {
            self.answered.send_replace(true);
        }
    }

    fn server_event(&self, event: ServerEvent) {
        self.lock().servers.push(event);
    }
}
