//! Reloading the configuration: it is loaded beside the loop, and whoever asked is told what came of it. Whoever owns the
//! board takes the plan over.

use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::plan::Plan;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::plan_changes::Changes;

/// Loads the configuration from where it was loaded first.
pub type Load = Arc<dyn Fn() -> Result<Plan, Rejection> + Send + Sync>;

/// Why a configuration cannot be used, as it is shown to people: all that is wrong with it, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejection(pub String);

/// What came of a reload.
pub(crate) type ReloadResult = Result<Changes, Rejection>;

/// The reload under way, and the last one.
pub(crate) struct Reloading {
    load: Load,
    loading: Option<JoinHandle<Result<Plan, Rejection>>>,
    /// Who waits for the one under way.
    waiting: Vec<oneshot::Sender<ReloadResult>>,
    /// Who came too late for it: the file may have changed since it was read.
    next: Vec<oneshot::Sender<ReloadResult>>,
    pub(crate) last: Option<(SystemTime, Result<(), String>)>,
}

impl Reloading {
    pub(crate) fn new(load: Load) -> Self {
        Self { load, loading: None, waiting: Vec::new(), next: Vec::new(), last: None }
    }

    /// Begins a reload, or lets one follow on that which is under way.
    pub(crate) fn begin(&mut self) -> oneshot::Receiver<ReloadResult> {
        let (reply, answer) = oneshot::channel();
        if self.loading.is_some() {
            self.next.push(reply);
        } else {
            self.waiting.push(reply);
            self.start();
        }
        answer
    }

    fn start(&mut self) {
        let load = Arc::clone(&self.load);
        self.loading = Some(spawn_blocking(move || load()));
    }

    /// The configuration that is being loaded, once it is. Never if none is.
    pub(crate) async fn loaded(&mut self) -> Result<Plan, Rejection> {
        match &mut self.loading {
            Some(loading) => {
                let loaded = loading.await;
                self.loading = None;
                loaded.unwrap_or_else(|error| Err(Rejection(format!("the configuration could not be loaded: {error}"))))
            }
            None => std::future::pending().await,
        }
    }

    /// The reload under way came out so: tells everybody who waits.
    pub(crate) fn finish(&mut self, reloaded: &ReloadResult) {
        match reloaded {
            Ok(changes) => {
                let Changes { added, removed, changed, .. } = changes;
                let (added, removed, changed) = (added.len(), removed.len(), changed.len());
                tracing::warn!("reloaded: {added} tests are new, {removed} are gone, {changed} have changed");
                changes.needs_restart.iter().for_each(|sentence| tracing::warn!("after a restart only: {sentence}"));
            }
            Err(rejection) => {
                tracing::error!("not reloaded, the old configuration stays in force:");
                // A log line is one line, so each of these is one.
                rejection.to_string().lines().for_each(|line| tracing::error!("{line}"));
            }
        }
        let result = reloaded.as_ref().map(drop).map_err(ToString::to_string);
        self.last = Some((SystemTime::now(), result));
        for reply in self.waiting.drain(..) {
            // Whoever asked may have gone.
            let _ = reply.send(reloaded.clone());
        }
        if !self.next.is_empty() {
            std::mem::swap(&mut self.waiting, &mut self.next);
            self.start();
        }
    }

    /// What is wrong, if the last reload failed.
    pub(crate) fn condition(&self) -> Option<String> {
        let (_, result) = self.last.as_ref()?;
        let why = result.as_ref().err()?;
        let first = why.lines().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
        Some(format!("the last reload failed, and the configuration from before stays in force: {first}"))
    }
}
