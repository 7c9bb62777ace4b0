//! One trial: a run in which something happens, and what has to hold afterwards.
//!
//! - The verdict is of the right class.
//! - The connection is back within its bound, once the fault is over.
//! - No channel of ours is left, on either side, and no stranger's call was touched.
//! - The leases are free.
//! - The next run passes, and closing the connection comes to an end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use calltest_core::plan::{CallTest, Mode, Plan};
use calltest_core::run::FinishedRun;
use calltest_core::verdict::{Trouble, Verdict};
use calltest_runner::{Control, Identity, LeaseRequest, Leases as _, LocalLeases, Runner, Setup};
use tokio::time::timeout;

use super::field::{CALLER_LISTENS, Field};
use super::plan;
use super::witness::{Blow, Witness};

/// How long after a run has begun somebody calls, where that is awaited.
const CALL_AFTER: Duration = Duration::from_millis(300);
/// How long a run may take in all: its own limit, then the looks and hang-ups of its end, each with a limit of its own.
const RUN_LIMIT: Duration = Duration::from_secs(60);
/// How long channels may take to be gone once the connection is back.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How long closing may take.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often a trial is made that says nothing, since this process was held up meanwhile.
const ATTEMPTS: usize = 4;

/// Which verdicts are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// The fault does no harm.
    Pass,
    /// The call cannot have been seen to its end.
    Error,
    /// It depends on how far the call was; but it is no fault of the network.
    PassOrError,
    /// To the server, what happened came from the network.
    Fail,
    /// The server tells it in one way or the other; but it is no good call.
    FailOrError,
    /// Nobody can tell it from what the test wants, nor from the network's doing; only what is left counts.
    Any,
}

impl Right {
    pub(crate) fn admits(self, word: &str) -> bool {
        match self {
            Self::Pass => word == "pass",
            Self::Error => word == "error",
            Self::PassOrError => matches!(word, "pass" | "error"),
            Self::Fail => word == "fail",
            Self::FailOrError => matches!(word, "fail" | "error"),
            Self::Any => matches!(word, "pass" | "fail" | "error"),
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Pass => "`pass`",
            Self::Error => "`error`",
            Self::PassOrError => "`pass` or `error`",
            Self::Fail => "`fail`",
            Self::FailOrError => "`fail` or `error`",
            Self::Any => "any",
        }
    }
}

/// What is tried.
pub(crate) struct Trial {
    pub(crate) field: Arc<dyn Field>,
    /// Which test is run.
    pub(crate) test: String,
    /// What the configuration says besides.
    pub(crate) overrides: Vec<String>,
    /// Where calltest connects to, if not to the field itself.
    pub(crate) by_way_of: Option<u16>,
    pub(crate) blows: Vec<Blow>,
    /// Whether what did not happen makes the trial void: a stage that was never reached has not been tried.
    pub(crate) needs_all_blows: bool,
    /// Ends all faults.
    pub(crate) heal: Box<dyn FnOnce() + Send>,
    pub(crate) right: Right,
    /// What the reason has to contain.
    pub(crate) reason: &'static str,
    /// How long after the healing the connection may take to be back.
    pub(crate) back_within: Duration,
    /// Whether the connection may still look well after the run, though it is not: until its silence is noticed, runs are
    /// errors.
    pub(crate) goes_unnoticed: bool,
    /// Whether the stranger's call outlives the fault.
    pub(crate) spares_stranger: bool,
    /// Whether the same test passes once the faults are over; else it comes out as before.
    pub(crate) passes_afterwards: bool,
    /// The directory for what outlives a run, if not an empty one.
    pub(crate) state: Option<PathBuf>,
}

/// How a trial came out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finding {
    /// What was not as it should be; nothing, if all is well.
    pub(crate) wrong: Vec<String>,
    /// The verdict's word.
    pub(crate) verdict: String,
    /// All that happened, for people.
    pub(crate) account: String,
    /// Whether this process was held up, so that the trial says nothing.
    pub(crate) is_void: bool,
}

/// Makes a trial, again if this process was held up meanwhile.
pub(crate) async fn attempt<F, T>(make: F) -> Finding
where
    F: Fn() -> T,
    T: Future<Output = anyhow::Result<Finding>>,
{
    let mut last = Finding::default();
    for _ in 0..ATTEMPTS {
        last = match make().await {
            Ok(finding) => finding,
            Err(error) => Finding { wrong: vec![format!("could not be tried: {error:#}")], ..Finding::default() },
        };
        if !last.is_void {
            break;
        }
    }
    if last.is_void {
        last.wrong.push(format!("this process was held up in each of {ATTEMPTS} attempts"));
    }
    last
}

impl Trial {
    pub(crate) async fn run(self) -> anyhow::Result<Finding> {
        let mut address = self.field.address();
        if let Some(port) = self.by_way_of {
            (address.host, address.port) = ("127.0.0.1".into(), port);
        }
        let plan = plan::plan(&address, &self.overrides)?;
        let test = plan::test(&plan, &self.test)?;
        let witness = Arc::new(Witness::default());
        let leases = LocalLeases::default();
        let state = tempfile::tempdir().context("no directory for the state")?;
        let setup = Setup {
            plan: Arc::clone(&plan),
            identity: Identity { instance: format!("matrix-{:016x}", rand::random::<u64>()), take_over: false },
            leases: Arc::new(leases.clone()),
            observer: witness.clone(),
            state_directory: self.state.unwrap_or_else(|| state.path().to_owned()),
        };
        let runner = Arc::new(Runner::open(setup, std::slice::from_ref(&test)).await);
        if let Some((_, why)) = runner.servers().unavailable().pop() {
            // Nothing was tried yet, so it is the machine that has too much to do.
            return Ok(Finding { is_void: true, account: format!("  {why}\n"), ..Finding::default() });
        }
        let scene = Scene { field: self.field, plan, test, witness, leases, runner };
        let mut wrong = Vec::new();
        scene.witness.arm(self.blows);
        let Some(first) = scene.run_once().await else {
            let (struck, _) = scene.witness.disarm();
            anyhow::bail!("the run did not end within {} s; {struck:?}", RUN_LIMIT.as_secs());
        };
        let (struck, missed) = scene.witness.disarm();
        let mut finding = Finding { verdict: first.verdict.word().into(), ..Finding::default() };
        finding.is_void = is_held_up(&first) && !self.right.admits("error");
        finding.account = account(&first, &struck);
        let reason = first.verdict.reason().unwrap_or_default();
        if !self.right.admits(first.verdict.word()) {
            wrong.push(format!("the verdict is {}, which should be {}", first.verdict.word(), self.right.words()));
        } else if !reason.contains(self.reason) {
            wrong.push(format!("the reason does not say \"{}\"", self.reason));
        }
        if self.needs_all_blows && !missed.is_empty() {
            wrong.push(format!("the run never came to where {} was to happen", missed.join(" and ")));
        }
        (self.heal)();
        scene.look_after(self.back_within, self.spares_stranger, &mut wrong).await?;
        let give_up = Instant::now() + self.back_within;
        let next = loop {
            scene.witness.arm(Vec::new());
            let Some(next) = scene.run_once().await else {
                anyhow::bail!("the next run did not end within {} s", RUN_LIMIT.as_secs());
            };
            let is_too_soon = self.goes_unnoticed && next.verdict.word() == "error" && Instant::now() < give_up;
            if !is_too_soon {
                break next;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        finding.is_void |= is_held_up(&next);
        let is_as_it_should =
            if self.passes_afterwards { next.verdict == Verdict::Pass } else { self.right.admits(next.verdict.word()) };
        if !is_as_it_should {
            wrong.push(format!("the next run came out as {}", next.verdict.word()));
            finding.account += &format!("  -- the next run --\n{}", account(&next, &[]));
        }
        scene.look_after(Duration::from_secs(1), self.spares_stranger, &mut wrong).await?;
        if timeout(CLOSED_WITHIN, scene.runner.close()).await.is_err() {
            wrong.push(format!("closing took more than {} s", CLOSED_WITHIN.as_secs()));
        }
        if !wrong.is_empty() {
            finding.account += &format!("  of the server: {}\n", scene.witness.server_story());
        }
        finding.wrong = wrong;
        Ok(finding)
    }
}

/// What a trial works with.
struct Scene {
    field: Arc<dyn Field>,
    plan: Arc<Plan>,
    test: Arc<CallTest>,
    witness: Arc<Witness>,
    leases: LocalLeases,
    runner: Arc<Runner>,
}

impl Scene {
    /// Runs the test, with a caller where it waits for one; `None` if it does not come to its end.
    async fn run_once(&self) -> Option<FinishedRun> {
        let is_called = matches!(self.test.mode, Mode::Wait { .. } | Mode::Answer { .. } | Mode::Record { .. });
        let caller = (is_called && self.test.name.as_str() != "nobody-calls").then(|| {
            let (field, witness) = (Arc::clone(&self.field), Arc::clone(&self.witness));
            tokio::spawn(async move {
                witness.until_begun().await;
                tokio::time::sleep(CALL_AFTER).await;
                let Some(channel) = field.call_in().await else { return };
                witness.until_answered().await;
                tokio::time::sleep(CALLER_LISTENS).await;
                field.end_call(&channel);
            })
        });
        let run = timeout(RUN_LIMIT, self.runner.run(&self.test, &Control::default())).await.ok();
        if let Some(caller) = caller {
            caller.abort();
        }
        run
    }

    /// What has to hold between two runs.
    async fn look_after(
        &self,
        back_within: Duration,
        spares_stranger: bool,
        wrong: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let since = Instant::now();
        loop {
            let missing: Vec<String> =
                self.runner.servers().readiness().into_iter().filter_map(|(_, why)| why).collect();
            if missing.is_empty() {
                break;
            }
            if since.elapsed() > back_within {
                wrong.push(format!("after {:.1} s still: {}", since.elapsed().as_secs_f64(), missing.join("; ")));
                // Without a connection, nothing else can be told.
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let since = Instant::now();
        loop {
            let left = match self.field.channels_left().await {
                Ok(left) => left,
                // The server may be on its way back still.
                Err(_) if since.elapsed() < back_within + GONE_WITHIN => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if left.is_empty() {
                break;
            }
            if since.elapsed() > GONE_WITHIN {
                wrong.push(format!("channels are left: {}", left.join(", ")));
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if spares_stranger && !self.field.has_stranger().await? {
            wrong.push("the stranger's call was hung up".into());
        }
        let request = LeaseRequest::for_test(&self.plan, &self.test);
        match timeout(Duration::from_millis(500), self.leases.acquire(request)).await {
            Ok(leases) => leases.release().await,
            Err(_) => wrong.push("the leases are not free".into()),
        }
        Ok(())
    }
}

/// Whether the run has no finding since this process was held up.
fn is_held_up(run: &FinishedRun) -> bool {
    matches!(run.verdict, Verdict::Error(Trouble::LoopDelayed { .. }))
}

/// What a run saw and what was done to it, in the order of time.
fn account(run: &FinishedRun, struck: &[(Duration, String)]) -> String {
    let facts = run.evidence.facts.iter().map(|fact| {
        let side = fact.side.map(|side| format!("{side:?} ")).unwrap_or_default();
        (fact.at, format!("{side}{:?}", fact.what))
    });
    let mut lines: Vec<(Duration, String)> = facts.collect();
    lines.extend(struck.iter().map(|(at, what)| (*at, format!("*** {what} ***"))));
    lines.sort_by_key(|(at, _)| *at);
    let mut text = format!("  {}: {}\n", run.verdict.word(), run.verdict.reason().unwrap_or_default());
    for (at, what) in lines {
        text += &format!("  {:>8.3} s  {what}\n", at.as_secs_f64());
    }
    text + &format!(
        "  {:>8.3} s  over; {:?}; {:?}\n",
        run.duration.as_secs_f64(),
        run.evidence.ending,
        run.evidence.sight
    )
}
