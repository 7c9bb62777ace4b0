//! What scenario tests have in common: a plan made by hand, a runner on it, and one `check` for how a run came out.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calltest_asterisk::{AsteriskConnector, Identity};
use calltest_core::caller::ExpectedCaller;
use calltest_core::event::{RunEvent, RunProgress, ServerEvent};
use calltest_core::evidence::Observation;
use calltest_core::guard::Guard;
use calltest_core::number::{Dialplan, PhoneNumber};
use calltest_core::number_rule::NumberRules;
use calltest_core::plan::{
    self, Arrival, Asterisk, Audio, BothScript, CallTest, Delay, Destination, DialString, DigitChoice, Dtmf, InScript,
    Link, Listen, OutScript, Parties, Plan, PostDial, Presence, Reception, Rejection, Requirements, Ringing, Route,
    Schedule, Secret, Server, ServerKind, Trigger,
};
use calltest_core::quiet::QuietTimes;
use calltest_core::run::FinishedRun;
use calltest_runner::{Control, LocalLeases, Observer, Runner, Setup};

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
    pub(crate) state: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let plan = Plan {
            origin: "test".into(),
            servers: BTreeMap::new(),
            links: BTreeMap::new(),
            tests: Vec::new(),
            listen: Listen { host: "127.0.0.1".into(), port: 8080 },
            max_calls: None,
            log_levels: Vec::new(),
            guard: Guard::default(),
            state_dir: None,
            history: None,
            grace: Duration::ZERO,
        };
        Self { plan }
    }

    pub(crate) fn server(mut self, name: &str, address: Address) -> Self {
        let server = Server {
            name: name.into(),
            outgoing: NumberRules::default(),
            incoming: NumberRules::default(),
            dialplan: Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() },
            max_calls: None,
            quiet: QuietTimes::default(),
            kind: ServerKind::Asterisk(Asterisk {
                host: address.host,
                port: address.port,
                tls: None,
                path: String::new(),
                timeout: Duration::from_secs(5),
                username: address.username,
                password: Secret::new(address.password),
                app: "calltest".into(),
                play_base: "sound:".into(),
                record_base: String::new(),
            }),
        };
        self.plan.servers.insert(name.into(), Arc::new(server));
        self
    }

    /// A link; an empty channel or number is none.
    pub(crate) fn link(mut self, name: &str, server: &str, channel: &str, number: &str) -> Self {
        let link = Link {
            address: (!channel.is_empty()).then(|| plan::Address::Asterisk(DialString::new(channel).unwrap())),
            number: (!number.is_empty()).then(|| PhoneNumber::parse(number).unwrap()),
            ..Link::new(name, server)
        };
        self.plan.links.insert(name.into(), Arc::new(link));
        self
    }

    /// A link that can only be called, over a trunk that it shares with others.
    pub(crate) fn link_on(mut self, name: &str, server: &str, arrives_as: &str, number: &str) -> Self {
        self = self.link(name, server, "", number);
        let link = self.plan.links.get_mut(name).expect("the link was made just now");
        Arc::make_mut(link).arrives_as = arrives_as.into();
        self
    }

    /// The scene with one of its links changed.
    pub(crate) fn change_link(mut self, name: &str, change: impl FnOnce(&mut Link)) -> Self {
        change(Arc::make_mut(self.plan.links.get_mut(name).expect("the scene has that link")));
        self
    }

    /// What there is so far, without any test.
    pub(crate) fn into_plan(self) -> Plan {
        self.plan
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
        let state = tempfile::tempdir().unwrap();
        let state_directory = state.path().to_owned();
        let connector = Arc::new(AsteriskConnector::new(identity));
        let setup = Setup { plan: plan.clone(), connector, leases, observer, state_directory };
        let runner = Runner::open(setup, &plan.tests).await;
        Stage { plan, runner: Arc::new(runner), witness, state }
    }
}

impl Stage {
    /// Runs the first test of the plan.
    pub(crate) async fn run(&self) -> FinishedRun {
        self.runner.run(&self.plan.tests[0], &Control::default()).await
    }

    /// Starts the first test of the plan.
    pub(crate) fn start(&self) -> tokio::task::JoinHandle<FinishedRun> {
        self.start_nth(0)
    }

    /// Starts the test of the plan at that index.
    pub(crate) fn start_nth(&self, index: usize) -> tokio::task::JoinHandle<FinishedRun> {
        self.start_under(index, &Control::default())
    }

    /// Starts the test of the plan at that index, under a control of the test's own.
    pub(crate) fn start_under(&self, index: usize, control: &Control) -> tokio::task::JoinHandle<FinishedRun> {
        let (runner, test, control) = (self.runner.clone(), self.plan.tests[index].clone(), control.clone());
        tokio::spawn(async move { runner.run(&test, &control).await })
    }

    /// Completes once that many runs wait for a call.
    pub(crate) async fn until_awaited(&self, runs: usize) {
        until(|| self.runner.servers().calls_awaited() >= runs).await;
    }

    pub(crate) async fn close(self) {
        self.runner.close().await;
    }
}

/// Completes once it is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("what the test waits for comes within 10 s");
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

fn base(name: &str, route: Route) -> CallTest {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    CallTest {
        name: name.into(),
        info: "-".into(),
        timeout: Duration::from_secs(10),
        delay: Delay { pre: Duration::ZERO, ring: Duration::from_millis(200), answer: Duration::from_millis(200) },
        requirements: Requirements {
            ringing: Ringing {
                presence: if ["call", "timeout"].contains(&route.mode()) {
                    Presence::Required
                } else {
                    Presence::Allowed
                },
                early_media_counts: false,
            },
            early_media: Presence::Allowed,
            answer_within: None,
            causes: Vec::new(),
            forwarding: calltest_core::plan::Forwarding::FORBIDDEN,
        },
        arrival: Arrival::default(),
        withholds_number: false,
        schedule: Schedule {
            retry: minutes(5),
            repeat: minutes(10),
            warn: NonZeroU32::MIN,
            fail: NonZeroU32::MIN,
            is_manual: false,
        },
        quiet: QuietTimes::default(),
        route,
    }
}

/// Both ends, with the destination's number dialled; `caller` is checked unless empty.
pub(crate) fn ends(src: &str, dst: &str, number: &str, caller: &str) -> Parties {
    let caller = (!caller.is_empty()).then(|| ExpectedCaller::Number(PhoneNumber::parse(caller).unwrap()));
    Parties { src: src.into(), dst: dst.into(), number: Some(number.into()), post_dial: PostDial::default(), caller }
}

/// So many digits, drawn anew each time.
pub(crate) fn digits(len: u32) -> DigitChoice {
    DigitChoice::Drawn { len: NonZeroU32::new(len).unwrap(), alphabet: "0123456789".into() }
}

pub(crate) fn dtmf(ends: Parties) -> CallTest {
    let tone = Duration::from_millis(100);
    let dtmf = Dtmf { digits: digits(5), may_repeat: false, duration: tone, between: tone };
    base("dtmf", Route::Both { parties: ends, script: BothScript::Dtmf(dtmf) })
}

pub(crate) fn call(ends: Parties) -> CallTest {
    base("call", Route::Both { parties: ends, script: BothScript::Call { reject_with: Rejection::Busy } })
}

fn out(src: &str, number: Option<&str>, script: OutScript) -> Route {
    Route::Out {
        to: Destination { src: src.into(), number: number.map(Into::into), post_dial: PostDial::default() },
        script,
    }
}

pub(crate) fn ring(src: &str, number: Option<&str>) -> CallTest {
    base("ring", out(src, number, OutScript::Ring))
}

/// The endpoint behind that link has to stay online for so long.
pub(crate) fn online(link: &str, time: Duration) -> CallTest {
    base("online", Route::Watch { link: link.into(), time })
}

/// A test that waits for a call on that link, from that number unless it is empty.
pub(crate) fn at(dst: &str, caller: &str, trigger: Option<Trigger>) -> Reception {
    let caller = (!caller.is_empty()).then(|| ExpectedCaller::Number(PhoneNumber::parse(caller).unwrap()));
    Reception { dst: dst.into(), number: Some(dst.into()), caller, trigger }
}

pub(crate) fn wait(at: Reception) -> CallTest {
    base("wait", Route::In { at, script: InScript::Wait { reject_with: Rejection::Busy } })
}

pub(crate) fn answer(at: Reception, sound: Option<&str>, record: Option<&str>) -> CallTest {
    base(
        "answer",
        Route::In { at, script: InScript::Answer { sound: sound.map(Into::into), record: record.map(Into::into) } },
    )
}

pub(crate) fn record(at: Reception, sound: Option<&str>, record: Option<&str>) -> CallTest {
    base(
        "record",
        Route::In { at, script: InScript::Record { sound: sound.map(Into::into), record: record.map(Into::into) } },
    )
}

/// Each end plays the sound, unless it is empty, and records.
pub(crate) fn audio(ends: Parties, src_out: &str, dst_out: &str) -> CallTest {
    let sound = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let audio = Audio {
        src_out: sound(src_out),
        dst_out: sound(dst_out),
        src_in: Some("at-src".into()),
        dst_in: Some("at-dst".into()),
    };
    base("audio", Route::Both { parties: ends, script: BothScript::Audio(audio) })
}

pub(crate) fn play(src: &str, sound: Option<&str>) -> CallTest {
    base("play", out(src, None, OutScript::Play { sound: sound.map(Into::into), record: None }))
}

/// A call that has to be rejected within that time.
pub(crate) fn fail(src: &str, within: Duration) -> CallTest {
    base("fail", out(src, None, OutScript::Fail { within }))
}

/// A call that has to ring for at least that long before it is rejected.
pub(crate) fn timeout(src: &str, ringtime: Duration) -> CallTest {
    base("timeout", out(src, None, OutScript::Timeout { ringtime }))
}
