//! A runner on a scripted world, with a plan of two links, and one `check` for how a run came out.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calltest_core::event::{RunEvent, RunProgress, ServerEvent};
use calltest_core::evidence::{Observation, Side};
use calltest_core::guard::Guard;
use calltest_core::number::{Dialplan, PhoneNumber};
use calltest_core::number_rule::NumberRules;
use calltest_core::plan::{Address, Asterisk, CallTest, DialString, Link, Listen, Plan, Secret, Server, ServerKind};
use calltest_core::quiet::QuietTimes;
use calltest_core::run::{FinishedRun, RunId};
use calltest_engine::scripted::{Story, World};
use calltest_runner::{Control, Leases, LocalLeases, Observer, Runner, Setup};

/// The link that tests call out on.
pub(crate) const SRC: &str = "foo";
/// The number that it shows.
pub(crate) const SRC_NUMBER: &str = "+4930100";
/// The link that calls arrive on.
pub(crate) const DST: &str = "bar";

/// A plan in the making, and the world that it is tried in.
pub(crate) struct Scene {
    plan: Plan,
    world: World,
    leases: Arc<dyn Leases>,
}

/// A runner on a scene's plan.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) runner: Arc<Runner>,
    pub(crate) witness: Arc<Witness>,
    plan: Arc<Plan>,
    state: tempfile::TempDir,
}

/// Remembers what it is told.
#[derive(Default)]
pub(crate) struct Witness {
    servers: Mutex<Vec<ServerEvent>>,
    seen: Mutex<Vec<Observation>>,
    told: tokio::sync::Notify,
}

impl Scene {
    /// The links `foo` and `bar` on the server `a`.
    pub(crate) fn of(story: Story) -> Self {
        Self::in_world(World::of(story))
    }

    pub(crate) fn in_world(world: World) -> Self {
        let plan = Plan {
            origin: "test".into(),
            servers: BTreeMap::new(),
            links: BTreeMap::new(),
            tests: Vec::new(),
            listen: Listen { host: "127.0.0.1".into(), port: 0 },
            max_calls: None,
            log_levels: Vec::new(),
            guard: Guard::default(),
            state_dir: None,
            history: None,
            grace: Duration::ZERO,
        };
        let scene = Self { plan, world, leases: Arc::new(LocalLeases::default()) };
        scene.server("a").link(SRC, "a", "PJSIP/{number}@far", SRC_NUMBER).link(DST, "a", "", "+4930200")
    }

    pub(crate) fn server(mut self, name: &str) -> Self {
        let kind = ServerKind::Asterisk(Asterisk {
            host: format!("{name}.example"),
            port: 8088,
            tls: None,
            path: String::new(),
            timeout: Duration::from_secs(5),
            username: "calltest".into(),
            password: Secret::new(""),
            app: "calltest".into(),
            play_base: "sound:".into(),
            record_base: String::new(),
        });
        let server = Server {
            name: name.into(),
            dialplan: Dialplan { country: "49".into(), city: Some("30".into()), intl: "00".into(), natl: "0".into() },
            outgoing: NumberRules::default(),
            incoming: NumberRules::default(),
            max_calls: None,
            quiet: QuietTimes::default(),
            kind,
        };
        self.plan.servers.insert(name.into(), Arc::new(server));
        self
    }

    /// A link, in place of that of its name; an empty address or number is none.
    pub(crate) fn link(mut self, name: &str, server: &str, address: &str, number: &str) -> Self {
        let link = Link {
            address: (!address.is_empty()).then(|| Address::Asterisk(DialString::new(address).unwrap())),
            number: (!number.is_empty()).then(|| PhoneNumber::parse(number).unwrap()),
            ..Link::new(name, server)
        };
        self.plan.links.insert(name.into(), Arc::new(link));
        self
    }

    pub(crate) fn change_link(mut self, name: &str, change: impl FnOnce(&mut Link)) -> Self {
        change(Arc::make_mut(self.plan.links.get_mut(name).unwrap()));
        self
    }

    /// With a budget, so that calls are counted.
    pub(crate) fn counts_calls(mut self) -> Self {
        self.plan.guard.budget.calls_per_hour = NonZeroU32::new(100);
        self
    }

    pub(crate) fn leased_by(mut self, leases: Arc<dyn Leases>) -> Self {
        self.leases = leases;
        self
    }

    pub(crate) async fn open(mut self, tests: &[CallTest]) -> Stage {
        self.plan.tests = tests.iter().cloned().map(Arc::new).collect();
        let (plan, witness, state) = (Arc::new(self.plan), Arc::new(Witness::default()), tempfile::tempdir().unwrap());
        let setup = Setup {
            plan: Arc::clone(&plan),
            connector: Arc::new(self.world.clone()),
            leases: self.leases,
            observer: Arc::clone(&witness) as _,
            state_directory: state.path().to_owned(),
        };
        let runner = Arc::new(Runner::open(setup, &plan.tests).await);
        Stage { world: self.world, runner, witness, plan, state }
    }

    /// Runs one test, after which nothing may be left.
    pub(crate) async fn run(self, test: &CallTest) -> FinishedRun {
        let stage = self.open(std::slice::from_ref(test)).await;
        let run = stage.run().await;
        stage.close().await;
        run
    }
}

impl Stage {
    /// Runs the first test of the plan.
    pub(crate) async fn run(&self) -> FinishedRun {
        self.run_under(0, &Control::default()).await
    }

    pub(crate) async fn run_under(&self, index: usize, control: &Control) -> FinishedRun {
        self.runner.run(&self.plan.tests[index], control).await
    }

    /// Starts the test of the plan at that index.
    pub(crate) fn start(&self, index: usize) -> tokio::task::JoinHandle<FinishedRun> {
        let (runner, test) = (Arc::clone(&self.runner), Arc::clone(&self.plan.tests[index]));
        tokio::spawn(async move { runner.run(&test, &Control::default()).await })
    }

    /// Starts the first test of the plan as the run of that id.
    pub(crate) fn start_as(&self, id: RunId, control: &Control) -> tokio::task::JoinHandle<FinishedRun> {
        tokio::spawn(self.runner.start(id, Arc::clone(&self.plan.tests[0]), control.clone()))
    }

    /// The folder for what outlives a run.
    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }

    /// Closes all, after which no call is up and nobody listens.
    pub(crate) async fn close(self) {
        self.runner.close().await;
        // What was hung up last takes a moment to go.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(self.world.calls_up(), [""; 0], "left");
        assert_eq!(self.world.listening(), 0, "still listening");
    }
}

impl Observer for Witness {
    fn run_event(&self, event: RunEvent) {
        let RunProgress::Observed(fact) = event.what else { return };
        self.seen.lock().unwrap().push(fact.what);
        self.told.notify_one();
    }

    fn server_event(&self, event: ServerEvent) {
        self.servers.lock().unwrap().push(event);
    }
}

impl Witness {
    /// What was told of servers.
    pub(crate) fn servers(&self) -> Vec<ServerEvent> {
        self.servers.lock().unwrap().clone()
    }

    /// Waits until some run has seen such a thing.
    pub(crate) async fn until(&self, is_it: impl Fn(&Observation) -> bool) {
        while !self.seen.lock().unwrap().iter().any(&is_it) {
            self.told.notified().await;
        }
    }
}

pub(crate) async fn run(test: &CallTest, story: Story) -> FinishedRun {
    Scene::of(story).run(test).await
}

/// What a run came to: the verdict's word and the sentence. Where the sentence names the digits that were expected, which
/// are drawn at random, they read `{foo}` and `{bar}`, as the links that receive them.
pub(crate) fn outcome(run: &FinishedRun) -> (&'static str, String) {
    let mut said = run.verdict.reason().unwrap_or_default();
    for (side, name) in [(Side::Src, "{foo}"), (Side::Dst, "{bar}")] {
        if let Some(expected) = run.expectation.digits_to(side) {
            said = said.replace(&expected.digits, name);
        }
    }
    (run.verdict.word(), said)
}

/// The verdict and the whole sentence; on a difference, everything that the run saw is printed.
#[track_caller]
pub(crate) fn check(run: &FinishedRun, word: &str, reason: &str) {
    let (verdict, said) = outcome(run);
    assert!((verdict, said.as_str()) == (word, reason), "{verdict}: {said}\n{:#?}", run.evidence);
}

#[track_caller]
pub(crate) fn passes(run: &FinishedRun) {
    check(run, "pass", "");
}
