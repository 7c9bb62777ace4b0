//! What scenario tests have in common: a plan made by hand, a runner on it, and one `check` for how a run came out.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calltest_core::event::{RunEvent, RunProgress, ServerEvent};
use calltest_core::evidence::Observation;
use calltest_core::number::{Dialplan, PhoneNumber};
use calltest_core::plan::{
    CallTest, Delay, Destination, DialString, Dtmf, Ends, Link, Listen, Mode, Plan, Presence, Ringing, Schedule,
    Secret, Server,
};
use calltest_core::run::FinishedRun;
use calltest_runner::{Control, Identity, LocalLeases, Observer, Runner};

/// How to reach a server's ARI.
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
}

/// A plan in the making.
pub(crate) struct Scene {
    plan: Plan,
}

/// Remembers what it is told, and lets a test act at a given moment of a run.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) servers: Mutex<Vec<ServerEvent>>,
    watchers: Mutex<Vec<Watcher>>,
}

struct Watcher {
    is_it: Box<dyn Fn(&Observation) -> bool + Send>,
    tell: tokio::sync::oneshot::Sender<()>,
}

impl Observer for Witness {
    fn run_event(&self, event: RunEvent) {
        let RunProgress::Observed(fact) = event.what else { return };
        let mut watchers = self.watchers.lock().unwrap();
        let (seen, rest): (Vec<_>, Vec<_>) = watchers.drain(..).partition(|watcher| (watcher.is_it)(&fact.what));
        *watchers = rest;
        // A test that no longer waits is none the wiser.
        seen.into_iter().for_each(|watcher| watcher.tell.send(()).unwrap_or(()));
    }

    fn server_event(&self, event: ServerEvent) {
        self.servers.lock().unwrap().push(event);
    }
}

impl Witness {
    /// Completes at the first such observation of any run.
    pub(crate) fn when<F>(&self, is_it: F) -> impl Future<Output = ()> + use<F>
    where
        F: Fn(&Observation) -> bool + Send + 'static,
    {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.watchers.lock().unwrap().push(Watcher { is_it: Box::new(is_it), tell });
        async move { told.await.expect("the run ended before the moment that the test waited for") }
    }
}

/// A runner on a scene's plan.
pub(crate) struct Stage {
    pub(crate) plan: Arc<Plan>,
    pub(crate) runner: Arc<Runner>,
    pub(crate) witness: Arc<Witness>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let plan = Plan {
            origin: "test".into(),
            source: String::new(),
            servers: BTreeMap::new(),
            links: BTreeMap::new(),
            tests: Vec::new(),
            listen: Listen { host: "127.0.0.1".into(), port: 8080 },
            max_calls: None,
            log_levels: Vec::new(),
        };
        Self { plan }
    }

    pub(crate) fn server(mut self, name: &str, address: Address) -> Self {
        let server = Server {
            name: name.into(),
            host: address.host,
            port: address.port,
            tls: None,
            init_timeout: Duration::from_secs(5),
            username: address.username,
            password: Secret::new(address.password),
            app: "calltest".into(),
            play_base: "sound:".into(),
            record_base: String::new(),
            dialplan: Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() },
            max_calls: None,
        };
        self.plan.servers.insert(name.into(), Arc::new(server));
        self
    }

    /// A link; an empty channel or number is none.
    pub(crate) fn link(mut self, name: &str, server: &str, channel: &str, number: &str) -> Self {
        let link = Link {
            name: name.into(),
            server: server.into(),
            channel: (!channel.is_empty()).then(|| DialString::new(channel).unwrap()),
            number: (!number.is_empty()).then(|| PhoneNumber::parse(number).unwrap()),
            prio: 0,
            max_calls: NonZeroU32::MIN,
        };
        self.plan.links.insert(name.into(), Arc::new(link));
        self
    }

    pub(crate) async fn open(self, tests: &[CallTest]) -> Stage {
        self.open_as(tests, "scene").await
    }

    pub(crate) async fn open_as(mut self, tests: &[CallTest], instance: &str) -> Stage {
        // A second scene of one test binary finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        self.plan.tests = tests.iter().cloned().map(Arc::new).collect();
        let plan = Arc::new(self.plan);
        let witness = Arc::new(Witness::default());
        let identity = Identity { instance: instance.into(), take_over: false };
        let observer: Arc<dyn Observer> = witness.clone();
        let leases = Arc::new(LocalLeases::default());
        let runner = Runner::open(plan.clone(), &plan.tests, &identity, leases, observer).await;
        Stage { plan, runner: Arc::new(runner), witness }
    }
}

impl Stage {
    /// Runs the first test of the plan.
    pub(crate) async fn run(&self) -> FinishedRun {
        self.runner.run(&self.plan.tests[0], &Control::default()).await
    }

    /// Starts the first test of the plan.
    pub(crate) fn start(&self) -> tokio::task::JoinHandle<FinishedRun> {
        let (runner, test) = (self.runner.clone(), self.plan.tests[0].clone());
        tokio::spawn(async move { runner.run(&test, &Control::default()).await })
    }

    pub(crate) async fn close(self) {
        self.runner.close().await;
    }
}

/// The verdict and the reason; on a difference, everything that the run saw is printed.
#[track_caller]
pub(crate) fn check(run: &FinishedRun, word: &str, reason: impl Fn(&str) -> bool) {
    let said = run.verdict.reason().unwrap_or_default();
    assert!(run.verdict.word() == word && reason(&said), "{}: {said}\n{:#?}", run.verdict.word(), run.evidence);
}

#[track_caller]
pub(crate) fn passes(run: &FinishedRun) {
    check(run, "pass", str::is_empty);
}

fn base(name: &str, mode: Mode) -> CallTest {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    CallTest {
        name: name.into(),
        info: "-".into(),
        timeout: Duration::from_secs(10),
        delay: Delay { pre: Duration::ZERO, ring: Duration::from_millis(200), answer: Duration::from_millis(200) },
        ringing: Ringing {
            presence: if mode.name() == "call" { Presence::Required } else { Presence::Allowed },
            early_media_counts: false,
        },
        schedule: Schedule {
            retry: minutes(5),
            repeat: minutes(10),
            warn: NonZeroU32::MIN,
            fail: NonZeroU32::MIN,
            is_manual: false,
        },
        mode,
    }
}

/// Both ends, with the destination's number dialled; `caller` is checked unless empty.
pub(crate) fn ends(src: &str, dst: &str, number: &str, caller: &str) -> Ends {
    let caller = (!caller.is_empty()).then(|| PhoneNumber::parse(caller).unwrap());
    Ends { src: src.into(), dst: dst.into(), number: Some(number.into()), caller }
}

pub(crate) fn dtmf(ends: Ends) -> CallTest {
    let tone = Duration::from_millis(100);
    let dtmf = Dtmf { len: NonZeroU32::new(5).unwrap(), may_repeat: false, duration: tone, between: tone };
    base("dtmf", Mode::Dtmf { ends, dtmf })
}

pub(crate) fn call(ends: Ends) -> CallTest {
    base("call", Mode::Call { ends })
}

pub(crate) fn ring(src: &str, number: Option<&str>) -> CallTest {
    base("ring", Mode::Ring { to: Destination { src: src.into(), number: number.map(Into::into) } })
}

pub(crate) fn play(src: &str, sound: Option<&str>) -> CallTest {
    let to = Destination { src: src.into(), number: None };
    base("play", Mode::Play { to, sound: sound.map(Into::into), record: None })
}
