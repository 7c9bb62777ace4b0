//! Reloading the configuration: loaded beside the loop, checked whole, and taken over only if it is in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::plan::{CallTest, Plan, Retention, TestName};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::daemon::Board;
use crate::dispatcher::InternalEvent;

/// Loads the configuration from where it was loaded first.
pub type Load = Arc<dyn Fn() -> Result<Plan, Rejection> + Send + Sync>;

/// Why a configuration cannot be used, as it is shown to people: all that is wrong with it, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejection(pub String);

/// What came of a reload.
pub(crate) type Reloaded = Result<Changes, Rejection>;

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<String>,
    /// What is as before until the daemon is started anew, a sentence each.
    pub(crate) needs_restart: Vec<String>,
}

/// The reload under way, and the last one.
pub(crate) struct Reloading {
    load: Load,
    loading: Option<JoinHandle<Result<Plan, Rejection>>>,
    /// Who waits for the one under way.
    waiting: Vec<oneshot::Sender<Reloaded>>,
    /// Who came too late for it: the file may have changed since it was read.
    next: Vec<oneshot::Sender<Reloaded>>,
    pub(crate) last: Option<(SystemTime, Result<(), String>)>,
}

impl Reloading {
    pub(crate) fn new(load: Load) -> Self {
        Self { load, loading: None, waiting: Vec::new(), next: Vec::new(), last: None }
    }

    /// Begins a reload, or lets one follow on that which is under way.
    pub(crate) fn begin(board: &mut Board) -> oneshot::Receiver<Reloaded> {
        let (reply, answer) = oneshot::channel();
        let this = &mut board.reloading;
        if this.loading.is_some() {
            this.next.push(reply);
        } else {
            this.waiting.push(reply);
            this.start();
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

    /// Takes a configuration over if it is in order, and tells everybody who waits.
    pub(crate) fn finish(board: &mut Board, loaded: Result<Plan, Rejection>) {
        let reloaded = loaded.map(|plan| {
            let plan = Arc::new(plan);
            let changes = Changes::between(board.dispatcher.plan(), &plan);
            board.runner = Arc::new(board.runner.reload(Arc::clone(&plan)));
            board.handle(InternalEvent::Reload(plan));
            changes
        });
        match &reloaded {
            Ok(changes) => {
                let Changes { added, removed, changed, .. } = changes;
                let (added, removed, changed) = (added.len(), removed.len(), changed.len());
                tracing::warn!("reloaded: {added} tests are new, {removed} are gone, {changed} have changed");
                changes.needs_restart.iter().for_each(|sentence| tracing::warn!("after a restart only: {sentence}"));
            }
            Err(rejection) => tracing::error!("not reloaded, the old configuration stays in force:\n{rejection}"),
        }
        let this = &mut board.reloading;
        let outcome = reloaded.as_ref().map(drop).map_err(ToString::to_string);
        this.last = Some((SystemTime::now(), outcome));
        for reply in this.waiting.drain(..) {
            // Whoever asked may have gone.
            let _ = reply.send(reloaded.clone());
        }
        if !this.next.is_empty() {
            std::mem::swap(&mut this.waiting, &mut this.next);
            this.start();
        }
    }

    /// What is wrong, if the last reload failed.
    pub(crate) fn condition(&self) -> Option<String> {
        let (_, outcome) = self.last.as_ref()?;
        let why = outcome.as_ref().err()?;
        let first = why.lines().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
        Some(format!("the last reload failed, and the configuration from before stays in force: {first}"))
    }
}

impl Changes {
    fn between<'p>(old: &'p Plan, new: &'p Plan) -> Self {
        let tests = |plan: &'p Plan| -> BTreeMap<&'p TestName, &'p CallTest> {
            plan.tests.iter().map(|test| (&test.name, &**test)).collect()
        };
        let (before, now) = (tests(old), tests(new));
        let is_other = |(name, test): &(&&TestName, &&CallTest)| {
            before.get(**name).is_some_and(|known| {
                known != *test
                    || test
                        .links()
                        .iter()
                        .any(|link| old.link(link) != new.link(link) || old.server_of(link) != new.server_of(link))
            })
        };
        Self {
            added: now.keys().filter(|name| !before.contains_key(**name)).map(ToString::to_string).collect(),
            removed: before.keys().filter(|name| !now.contains_key(**name)).map(ToString::to_string).collect(),
            changed: now.iter().filter(is_other).map(|(name, _)| name.to_string()).collect(),
            needs_restart: needs_restart(old, new),
        }
    }
}

/// What only a restart changes, in words.
fn needs_restart(old: &Plan, new: &Plan) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut differ = |key: &str, before: String, now: String| {
        if before != now {
            sentences.push(format!("{key} is {now} in the configuration, and {before} in the daemon that runs"));
        }
    };
    differ("server.host", old.listen.host.clone(), new.listen.host.clone());
    differ("server.port", old.listen.port.to_string(), new.listen.port.to_string());
    let place = |plan: &Plan| plan.state_dir.as_ref().map_or("not set".into(), |path| path.display().to_string());
    differ("state_dir", place(old), place(new));
    let kept = |plan: &Plan| match &plan.history {
        None => "off".to_owned(),
        Some(Retention { age, failure_age, runs, bytes }) => {
            let days = |age: &Duration| age.as_secs() / (24 * 60 * 60);
            let (days, failure_days, megabytes) = (days(age), days(failure_age), bytes >> 20);
            format!("{{days: {days}, failure_days: {failure_days}, runs: {runs}, megabytes: {megabytes}}}")
        }
    };
    differ("server.history", kept(old), kept(new));
    let levels = |plan: &Plan| {
        let levels = plan.log_levels.iter().map(|(target, level)| format!("{target}={level}"));
        let levels: Vec<String> = levels.collect();
        if levels.is_empty() { "not set".to_owned() } else { levels.join(",") }
    };
    differ("logging", levels(old), levels(new));
    sentences
}
