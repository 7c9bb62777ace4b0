//! One trial: a run in which something happens, and what has to hold afterwards.
//!
//! - The verdict is of the right class.
//! - The connection is back within its bound, once the fault is over.
//! - No channel of ours is left, on either side, and no bystander's call was touched.
//! - The leases are free.
//! - The next run passes, and closing the connection comes to an end.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use calltest_asterisk::{AsteriskConnector, Identity};
use calltest_core::plan::{CallTest, Plan, Route};
use calltest_core::run::FinishedRun;
use calltest_core::verdict::{Trouble, Verdict};
use calltest_runner::{Control, LeaseRequest, Leases as _, LocalLeases, Runner, Setup};
use tokio::time::timeout;

use super::allowed::Allowed;
use super::fault::SOON;
use super::plan;
use super::test_bed::{CALLER_LISTENS, TestBed};
use super::witness::{Injection, Witness};

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

/// What is tried.
pub(crate) struct Trial {
    pub(crate) bed: Arc<dyn TestBed>,
    /// Which test is run.
    pub(crate) test: String,
    /// What the configuration says besides.
    pub(crate) overrides: Vec<String>,
    /// Where calltest connects to, if not to the bed itself.
    pub(crate) by_way_of: Option<u16>,
    pub(crate) injections: Vec<Injection>,
    /// Whether what did not happen makes the trial void: a stage that was never reached has not been tried.
    pub(crate) needs_all_injections: bool,
    /// Ends all faults.
    pub(crate) heal: Box<dyn FnOnce() + Send + Sync>,
    pub(crate) allowed: Allowed,
    /// What the reason has to contain.
    pub(crate) reason: &'static str,
    /// How long after the healing the connection may take to be back.
    pub(crate) back_within: Duration,
    /// Whether the connection may still look well after the run, though it is not: until its silence is noticed, runs are
    /// errors.
    pub(crate) goes_unnoticed: bool,
    /// Whether the bystander's call outlives the fault.
    pub(crate) spares_bystander: bool,
    /// Whether the same test passes once the faults are over; otherwise it comes out as before.
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
    /// A run of this test, with nothing injected, that has to come out so.
    pub(crate) fn new(bed: Arc<dyn TestBed>, test: &str, allowed: Allowed) -> Self {
        Self {
            bed,
            test: test.to_owned(),
            overrides: Vec::new(),
            by_way_of: None,
            injections: Vec::new(),
            needs_all_injections: true,
            heal: Box::new(|| {}),
            allowed,
            reason: "",
            back_within: SOON,
            goes_unnoticed: false,
            spares_bystander: true,
            passes_afterwards: true,
            state: None,
        }
    }

    /// The network is broken, which is what the reason has to say, and stays so.
    pub(crate) fn of_broken_network(self, reason: &'static str) -> Self {
        Self { reason, passes_afterwards: false, ..self }
    }

    pub(crate) async fn run(self) -> anyhow::Result<Finding> {
        let state = tempfile::tempdir().context("no directory for the state")?;
        let scene = self.scene(state.path()).await?;
        if let Some((_, why)) = scene.runner.servers().unavailable().pop() {
            // Nothing was tried yet, so it is the machine that has too much to do.
            return Ok(Finding { is_void: true, account: format!("  {why}\n"), ..Finding::default() });
        }
        let mut wrong = Vec::new();
        scene.witness.arm(self.injections);
        let Some(first) = scene.run_once().await else {
            let (injected, _) = scene.witness.disarm();
            anyhow::bail!("the run did not end within {} s; {injected:?}", RUN_LIMIT.as_secs());
        };
        let (injected, missed) = scene.witness.disarm();
        let mut finding = Finding { verdict: first.verdict.word().into(), ..Finding::default() };
        finding.is_void = is_held_up(&first) && !self.allowed.admits("error");
        finding.account = account(&first, &injected);
        wrong.extend(wrong_verdict(&first, self.allowed, self.reason));
        if self.needs_all_injections && !missed.is_empty() {
            wrong.push(format!("the run never came to where {} was to happen", missed.join(" and ")));
        }
        (self.heal)();
        scene.look_after(self.back_within, self.spares_bystander, &mut wrong).await?;
        let next = scene.run_again(self.goes_unnoticed.then_some(self.back_within)).await?;
        finding.is_void |= is_held_up(&next);
        let is_as_it_should = if self.passes_afterwards {
            next.verdict == Verdict::Pass
        } else {
            self.allowed.admits(next.verdict.word())
        };
        if !is_as_it_should {
            wrong.push(format!("the next run came out as {}", next.verdict.word()));
            finding.account += &format!("  -- the next run --\n{}", account(&next, &[]));
        }
        scene.look_after(Duration::from_secs(1), self.spares_bystander, &mut wrong).await?;
        if timeout(CLOSED_WITHIN, scene.runner.close()).await.is_err() {
            wrong.push(format!("closing took more than {} s", CLOSED_WITHIN.as_secs()));
        }
        if !wrong.is_empty() {
            finding.account += &format!("  of the server: {}\n", scene.witness.server_story());
        }
        finding.wrong = wrong;
        Ok(finding)
    }

    /// A runner on the test, with a witness.
    async fn scene(&self, state: &Path) -> anyhow::Result<Scene> {
        let mut ari = self.bed.ari();
        if let Some(port) = self.by_way_of {
            (ari.host, ari.port) = (Ipv4Addr::LOCALHOST, port);
        }
        let plan = plan::plan(&ari, &self.overrides)?;
        let test = plan::test(&plan, &self.test)?;
        let (witness, leases) = (Arc::new(Witness::default()), LocalLeases::default());
        let identity = Identity { instance: format!("matrix-{:016x}", rand::random::<u64>()), take_over: false };
        let setup = Setup {
            plan: Arc::clone(&plan),
            connector: Arc::new(AsteriskConnector::new(identity)),
            leases: Arc::new(leases.clone()),
            observer: witness.clone(),
            state_directory: self.state.clone().unwrap_or_else(|| state.to_owned()),
        };
        let runner = Arc::new(Runner::open(setup, std::slice::from_ref(&test)).await);
        Ok(Scene { bed: Arc::clone(&self.bed), plan, test, witness, leases, runner })
    }
}

/// What is wrong with a run's verdict, if anything is.
fn wrong_verdict(run: &FinishedRun, allowed: Allowed, reason: &str) -> Option<String> {
    let word = run.verdict.word();
    if !allowed.admits(word) {
        return Some(format!("the verdict is {word}, which should be {}", allowed.words()));
    }
    let is_said = run.verdict.reason().unwrap_or_default().contains(reason);
    (!is_said).then(|| format!("the reason does not say \"{reason}\""))
}

/// What a trial works with.
struct Scene {
    bed: Arc<dyn TestBed>,
    plan: Arc<Plan>,
    test: Arc<CallTest>,
    witness: Arc<Witness>,
    leases: LocalLeases,
    runner: Arc<Runner>,
}

impl Scene {
    /// Runs the test, with a caller where it waits for one; `None` if it does not come to its end.
    async fn run_once(&self) -> Option<FinishedRun> {
        let is_called = match &self.test.route {
            Route::In { .. } => true,
            Route::Watch { .. } => false,
            Route::Both { .. } | Route::Out { .. } => false,
        };
        let caller = (is_called && self.test.name.as_str() != "nobody-calls").then(|| {
            let (bed, witness) = (Arc::clone(&self.bed), Arc::clone(&self.witness));
            tokio::spawn(async move {
                witness.until_begun().await;
                tokio::time::sleep(CALL_AFTER).await;
                let Some(channel) = bed.call_in().await else { return };
                witness.until_answered().await;
                tokio::time::sleep(CALLER_LISTENS).await;
                bed.end_call(&channel);
            })
        });
        let run = timeout(RUN_LIMIT, self.runner.run(&self.test, &Control::default())).await.ok();
        if let Some(caller) = caller {
            caller.abort();
        }
        run
    }

    /// Runs the test once more. Where the loss of the connection may go unnoticed for a while, errors do not count until then.
    async fn run_again(&self, unnoticed_for: Option<Duration>) -> anyhow::Result<FinishedRun> {
        let give_up = Instant::now() + unnoticed_for.unwrap_or_default();
        loop {
            self.witness.arm(Vec::new());
            let Some(next) = self.run_once().await else {
                anyhow::bail!("the next run did not end within {} s", RUN_LIMIT.as_secs());
            };
            if next.verdict.word() != "error" || Instant::now() >= give_up {
                return Ok(next);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What has to hold between two runs.
    async fn look_after(
        &self,
        back_within: Duration,
        spares_bystander: bool,
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
            let left = match self.bed.channels_left().await {
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
        if spares_bystander && !self.bed.has_bystander().await? {
            wrong.push("the bystander's call was hung up".into());
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
fn account(run: &FinishedRun, injected: &[(Duration, String)]) -> String {
    let facts = run.evidence.facts.iter().map(|fact| {
        let side = fact.side.map(|side| format!("{side:?} ")).unwrap_or_default();
        (fact.at, format!("{side}{:?}", fact.what))
    });
    let mut lines: Vec<(Duration, String)> = facts.collect();
    lines.extend(injected.iter().map(|(at, what)| (*at, format!("*** {what} ***"))));
    lines.sort_by_key(|(at, _)| *at);
    let mut text = format!("  {}: {}\n", run.verdict.word(), run.verdict.reason().unwrap_or_default());
    for (at, what) in lines {
        text += &format!("  {:>8.3} s  {what}\n", at.as_secs_f64());
    }
    text + &format!(
        "  {:>8.3} s  over; {:?}; {:?}\n",
        run.duration.as_secs_f64(),
        run.evidence.script_end,
        run.evidence.sight
    )
}
