//! The runner: carries out one run from the wait for its links to the verdict.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::abilities::Abilities;
use calltest_core::dtmf::draw_digits;
use calltest_core::event::{RunEvent, RunProgress};
use calltest_core::evidence::{Evidence, ScriptEnd, Stop};
use calltest_core::expectation::Expectation;
use calltest_core::judge::judge;
use calltest_core::measures::Measures;
use calltest_core::plan::{CallTest, LinkName, Plan, ServerName};
use calltest_core::run::{FinishedRun, RunId};
use calltest_core::verdict::Trouble;
use calltest_engine::Connector;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Observer;
use crate::archive::Archive;
use crate::call::{Call, Parties, Party};
use crate::connection::Context;
use crate::control::Control;
use crate::guard::Budgets;
use crate::lease::{LeaseRequest, Leases};
use crate::loop_watch::LoopWatch;
use crate::modes;
use crate::recorder::Recorder;
use crate::servers::Servers;

/// Where recordings are kept in the state directory.
pub const RECORDINGS: &str = "recordings";

/// What a runner works with.
pub struct Setup {
    /// The plan whose tests it runs.
    pub plan: Arc<Plan>,
    /// Who makes the engines that carry calls.
    pub connector: Arc<dyn Connector>,
    /// Who gives out links.
    pub leases: Arc<dyn Leases>,
    /// Who wants to know what happens.
    pub observer: Arc<dyn Observer>,
    /// The folder for what outlives a run, such as recordings. It is made when the first thing is put there.
    pub state_directory: PathBuf,
}

/// Carries out runs of one plan's tests.
pub struct Runner {
    plan: Arc<Plan>,
    /// The links of which only the dialled number tells whose call arrives.
    on_shared_trunks: BTreeSet<LinkName>,
    budgets: Option<Arc<Budgets>>,
    servers: Servers,
    shared: Arc<Shared>,
}

/// What the runner of one plan shares with that of the next.
struct Shared {
    archive: Archive,
    state_directory: PathBuf,
    leases: Arc<dyn Leases>,
    observer: Arc<dyn Observer>,
    loop_watch: LoopWatch,
    stop_watch: CancellationToken,
    tasks: TaskTracker,
}

impl Runner {
    /// Connects to the servers that these tests need, and makes ready to run them. Servers that cannot be had do not stop
    /// the others; [`Runner::servers`] tells which.
    pub async fn open(setup: Setup, tests: &[Arc<CallTest>]) -> Self {
        let Setup { plan, connector, leases, observer, state_directory } = setup;
        let context = Context { connector, observer: Arc::clone(&observer), calls_out: Arc::default() };
        let servers = Servers::open(&plan, &needed(&plan, tests), context).await;
        let (loop_watch, stop_watch, tasks) = (LoopWatch::default(), CancellationToken::new(), TaskTracker::new());
        tasks.spawn(loop_watch.clone().watch(stop_watch.clone()));
        let archive = Archive::new(state_directory.join(RECORDINGS));
        let shared = Shared { archive, state_directory, leases, observer, loop_watch, stop_watch, tasks };
        Self::on(plan, servers, Arc::new(shared))
    }

    /// A runner for another plan, in place of this one, that uses the same links and the connections of all servers that
    /// have not changed. Runs under way go on as they were begun; runs may be started with this one no more.
    pub fn reload(&self, plan: Arc<Plan>) -> Self {
        let servers = self.servers.reload(&plan, &needed(&plan, &plan.tests));
        Self::on(plan, servers, Arc::clone(&self.shared))
    }

    fn on(plan: Arc<Plan>, servers: Servers, shared: Arc<Shared>) -> Self {
        let budgets = Budgets::of(&plan, &shared.state_directory);
        Self { on_shared_trunks: plan.links_on_shared_trunks(), plan, budgets, servers, shared }
    }

    /// The plan whose tests it runs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The servers that it works with.
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Gives the apps back, closes the connections, and ends everything that runs beside the runs.
    pub async fn close(&self) {
        self.shared.stop_watch.cancel();
        self.servers.close().await;
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Runs a test: waits for its links, makes the call, hangs up, and judges what was seen. It always comes back with a
    /// finished run, and with the run's channels gone, or named in its verdict.
    pub async fn run(&self, test: &Arc<CallTest>, control: &Control) -> FinishedRun {
        self.carry_out(RunId(rand::random()), test, control).await
    }

    /// The same for a run whose id is known beforehand, as a future of its own. From this moment on, whether it is polled
    /// or not, the connections that it needs stay open, even if the plan is replaced.
    pub fn start(
        self: &Arc<Self>,
        id: RunId,
        test: Arc<CallTest>,
        control: Control,
    ) -> impl Future<Output = FinishedRun> + Send + use<> {
        let runner = Arc::clone(self);
        let held: Vec<_> =
            test.links().iter().filter_map(|link| self.servers.hold(&self.plan.server_of(link).name)).collect();
        async move {
            let _held = held;
            runner.carry_out(id, &test, &control).await
        }
    }

    async fn carry_out(&self, id: RunId, test: &Arc<CallTest>, control: &Control) -> FinishedRun {
        let requested = (SystemTime::now(), Instant::now());
        self.tell(id, test, RunProgress::Waiting);
        let request = LeaseRequest::for_test(&self.plan, test);
        let leases = tokio::select! {
            biased;
            stop = control.called_off() => Err(stop),
            leases = self.shared.leases.acquire(request) => Ok(leases),
        };
        let expectation = Expectation::of(test, |alphabet, len| draw_digits(alphabet, len, rand::random::<u32>));
        let begun = Instant::now();
        let evidence = match leases {
            Err(stop) => self.evidence_without_call(test, stop),
            Ok(leases) => {
                self.tell(id, test, RunProgress::Started);
                let evidence = tokio::select! {
                    evidence = self.call(id, test, &expectation, control) => evidence,
                    // A run whose links are no longer its own has to get off them.
                    never = async {
                        leases.lost().await;
                        control.end(Stop::Trouble(Trouble::LeaseLost));
                        std::future::pending().await
                    } => never,
                };
                leases.release().await;
                evidence
            }
        };
        let judgement = judge(&expectation, &evidence);
        let finished = Arc::new(FinishedRun {
            id,
            test: Arc::clone(test),
            requested: requested.0,
            waited: begun - requested.1,
            duration: begun.elapsed(),
            verdict: judgement.verdict,
            notes: judgement.notes,
            measures: Measures::of(&evidence),
            expectation,
            evidence,
        });
        self.tell(id, test, RunProgress::Finished(Arc::clone(&finished)));
        // Copied only if an observer has kept it.
        Arc::unwrap_or_clone(finished)
    }

    async fn call(&self, id: RunId, test: &Arc<CallTest>, expectation: &Expectation, control: &Control) -> Evidence {
        let parties = match self.parties(test) {
            Ok(parties) => parties,
            Err(trouble) => return self.evidence_without_call(test, Stop::Trouble(trouble)),
        };
        let recorder = Recorder::start(id, test.name.clone(), Arc::clone(&self.shared.observer));
        let mut call = Call::new(id, test, expectation, parties, recorder, control);
        call.departure.budgets = self.budgets.clone();
        call.departure.plan = Some(Arc::clone(&self.plan));
        let outcome = modes::go_through(&mut call).await;
        call.finish(outcome, &self.shared.loop_watch, &self.shared.archive).await
    }

    fn parties(&self, test: &CallTest) -> Result<Parties, Trouble> {
        let party = |name: Option<&LinkName>| {
            name.map(|name| {
                let server = self.servers.get(&self.plan.server_of(name).name)?;
                Ok(Party {
                    link: Arc::clone(self.plan.link(name)),
                    server: Arc::clone(&server.plan),
                    open: server.ready()?,
                    shares_trunk: self.on_shared_trunks.contains(name),
                })
            })
            .transpose()
        };
        Ok(Parties { src: party(test.route.src().or(test.route.watched()))?, dst: party(test.route.dst())? })
    }

    /// What is known of a run that never got to make its call.
    fn evidence_without_call(&self, test: &CallTest, stop: Stop) -> Evidence {
        let server = test.links().first().map(|link| self.plan.server_of(link));
        Evidence {
            src: test.route.src().or(test.route.watched()).cloned(),
            dst: test.route.dst().cloned(),
            src_server: None,
            dst_server: None,
            abilities: server.map_or(Abilities::ALL, |server| server.kind.abilities()),
            facts: Vec::new(),
            script_end: ScriptEnd::Stopped(stop),
            script_ended_at: Duration::ZERO,
            sight: Vec::new(),
            loop_delay: Duration::ZERO,
        }
    }

    fn tell(&self, run: RunId, test: &CallTest, what: RunProgress) {
        self.shared.observer.run_event(RunEvent { run, test: test.name.clone(), what });
    }
}

/// The servers on which the links of these tests lie.
fn needed(plan: &Plan, tests: &[Arc<CallTest>]) -> BTreeSet<ServerName> {
    tests.iter().flat_map(|test| test.links()).map(|link| plan.server_of(link).name.clone()).collect()
}
