//! `calltest run` beside a daemon of the same configuration: the tests are handed to the daemon, which owns the app and the
//! links, and their results are shown as if they had been run here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use anyhow::anyhow;
use calltest_core::plan::CallTest;
use calltest_report::text::Tally;
use tokio_util::sync::CancellationToken;

use super::results::{BatchError, Results};
use crate::daemon_client::{DaemonClient, State};
use crate::display::Display;
use crate::output;

/// Has the daemon run these tests, and shows what comes of them.
pub(super) async fn carry_out(
    daemon: &DaemonClient,
    tests: &[Arc<CallTest>],
    interrupted: &CancellationToken,
    display: &Display,
) -> Results {
    let mut handed = Handed {
        daemon,
        display,
        to_start: tests.iter().map(|test| test.name.to_string()).collect(),
        under_way: HashMap::new(),
        states: HashMap::new(),
        tally: Tally::default(),
    };
    let error = handed.carry_out(interrupted).await.err();
    if let Some(BatchError::Unprinted(_)) = error {
        // Calls whose results nobody gets are not worth their money.
        handed.stop_all().await;
    }
    Results { tally: handed.tally, error }
}

/// Tests in the hands of a daemon.
struct Handed<'a> {
    daemon: &'a DaemonClient,
    display: &'a Display,
    to_start: VecDeque<String>,
    /// The run of each test that was started.
    under_way: HashMap<String, String>,
    /// What the daemon has told of each test.
    states: HashMap<String, State>,
    tally: Tally,
}

impl Handed<'_> {
    async fn carry_out(&mut self, interrupted: &CancellationToken) -> Result<(), BatchError> {
        // Listen first: nothing that happens from now on is missed.
        let mut updates = self.daemon.follow().await?;
        let mut is_stopping = false;
        self.start_what_can().await?;
        while !(self.under_way.is_empty() && self.to_start.is_empty()) {
            let update = tokio::select! {
                biased;
                () = interrupted.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    self.to_start.clear();
                    self.stop_all().await;
                    continue;
                }
                update = updates.next() => update?,
            };
            let gone = || anyhow!("{} any more, with tests under way", self.daemon.silent());
            let update = update.ok_or_else(gone)?;
            let name = update.name;
            match update.state {
                Some(state) => drop(self.states.insert(name.clone(), state)),
                None => drop(self.states.remove(&name)),
            }
            self.finish_if_over(&name).await?;
            self.start_what_can().await?;
        }
        Ok(())
    }

    /// Starts every test that is not under way for somebody else.
    async fn start_what_can(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.to_start.len() {
            let Some(name) = self.to_start.pop_front() else { break };
            if self.states.get(&name).is_some_and(State::is_active) {
                self.to_start.push_back(name);
                continue;
            }
            let started = self.daemon.start(&name).await?;
            match started.run.filter(|_| started.success) {
                Some(run) => drop(self.under_way.insert(name, run)),
                // It has begun by itself just now; a message about that is on its way.
                None => {
                    self.states.insert(name.clone(), State::waiting());
                    self.to_start.push_back(name);
                }
            }
        }
        Ok(())
    }

    /// Shows the run of a test if it is over.
    async fn finish_if_over(&mut self, name: &str) -> Result<(), BatchError> {
        let Some(run) = self.under_way.get(name) else { return Ok(()) };
        let is_under_way = |state: &State| state.is_active() && state.run.as_ref() == Some(run);
        // What was told before it was started says nothing about it.
        let is_earlier = |state: &State| !state.is_active() && state.run.as_ref() != Some(run);
        if self.states.get(name).is_some_and(|state| is_under_way(state) || is_earlier(state)) {
            return Ok(());
        }
        let Some(report) = self.daemon.report(name, run).await? else { return Ok(()) };
        self.under_way.remove(name);
        if let Some(verdict) = report.verdict_kind() {
            self.tally.add(verdict);
        }
        self.display.finished(&[report]).map_err(BatchError::Unprinted)
    }

    /// Has all runs that were started for us called off. What cannot be stopped ends by itself.
    async fn stop_all(&self) {
        for name in self.under_way.keys() {
            if let Err(error) = self.daemon.stop(name).await {
                output::complain(&format!("could not stop {name}: {error:#}"));
            }
        }
    }
}
