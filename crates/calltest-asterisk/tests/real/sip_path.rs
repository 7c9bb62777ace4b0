//! What a SIP path does that a Local channel does not: calls that are long on their way, and strangers who come the same way
//! as our own, so that no id tells whose call it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use asterisk_lab::{Lab, Server, ServerOptions, Trunk};
use calltest_core::code::Code;
use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;
use calltest_core::run::FinishedRun;
use calltest_core::verdict::Trouble;
use calltest_runner::Control;
use tokio::net::UdpSocket;

use crate::intruders::Intruder;
use crate::scene::{Stage, call, dtmf, ends, passes};
use crate::{links_across, nothing_is_left, two_servers};

const PARIS: &str = "+33112345678";

/// A path on which every message is on its way for this long.
struct SlowPath {
    socket: Arc<UdpSocket>,
    delay: Duration,
}

impl SlowPath {
    async fn new(delay: Duration) -> Self {
        Self { socket: Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap()), delay }
    }

    /// Two servers: calls from `a` to `b` take this path, and the messages inside a call the straight one.
    fn lab(&self) -> Lab {
        let path = self.socket.local_addr().unwrap();
        let caller = "[slow]\ntype=endpoint\ntransport=transport-udp\ndisallow=all\nallow=alaw\naors=slow\n".to_owned()
            + &format!("[slow]\ntype=aor\ncontact=sip:{path}\n");
        let called = "[slow]\ntype=endpoint\ntransport=transport-udp\ncontext=from-paris\ndisallow=all\nallow=alaw\n"
            .to_owned()
            + &format!("[slow]\ntype=identify\nendpoint=slow\nmatch={}\n", path.ip());
        Lab::builder(&asterisk_lab::for_tests())
            .server(ServerOptions::named("a").pjsip(caller))
            .server(ServerOptions::named("b").pjsip(called))
            .trunk(Trunk::between("a", "b").links("berlin", "paris"))
            .start()
            .unwrap()
    }

    /// Carries what one side sends to the called one, and the answers back, until the test is over.
    fn carry_to(self, called: SocketAddr) {
        tokio::spawn(async move {
            let mut caller = None;
            let mut message = vec![0; 65_536];
            loop {
                let (length, from) = self.socket.recv_from(&mut message).await.unwrap();
                if from != called {
                    caller = Some(from);
                }
                let Some(to) = (if from == called { caller } else { Some(called) }) else { continue };
                let (socket, message, delay) = (Arc::clone(&self.socket), message[..length].to_vec(), self.delay);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    socket.send_to(&message, to).await.unwrap();
                });
            }
        });
    }
}

/// Where a server takes SIP on its main transport.
fn sip_address(server: &Server) -> SocketAddr {
    let transports = server.cli("pjsip show transports").unwrap();
    let line =
        transports.lines().find(|line| line.contains("transport-paris")).expect("the trunk's transport is there");
    line.split_whitespace().last().and_then(|address| address.parse().ok()).expect("it listens at an address")
}

fn story(run: &FinishedRun) -> String {
    format!("{} {:?}\n{:#?}", run.verdict.word(), run.verdict.reason(), run.evidence)
}

/// A run is stopped while its call is on its way, and the next one begins at once: its call looks just like the first, which
/// comes in while the first run still waits for it, or while the next one does.
// field attack 1
#[tokio::test(flavor = "multi_thread")]
async fn the_call_of_a_stopped_run_that_comes_late_over_sip_is_not_the_next_runs() {
    for (delay, is_the_nexts_affair) in [(Duration::from_secs(1), false), (Duration::from_secs(3), true)] {
        let path = SlowPath::new(delay).await;
        let lab = path.lab();
        path.carry_to(sip_address(lab.server("b")));
        let scene = links_across(&lab).link("berlin", "a", "PJSIP/{number}@slow", "+493012345");
        let test = || call(ends("berlin", "paris", PARIS, ""));
        let mut next = test();
        next.name = "next".into();
        let stage = scene.open(&[test(), next]).await;
        let control = Control::default();
        let dialled = stage.witness.when(|what| matches!(what, Observation::Dialled { .. }));
        let first = stage.start_under(0, &control);
        dialled.await;
        let second = stage.start_nth(1);
        control.stop();
        assert_eq!(first.await.unwrap().verdict.word(), "cancelled");
        let second = second.await.unwrap();
        passes(&second);
        let doubts = counted(&second, |what| matches!(what, Observation::Troubled(Trouble::PerhapsLate { .. })));
        assert_eq!(doubts, usize::from(is_the_nexts_affair), "{}", story(&second));
        nothing_is_left(&lab);
        stage.close().await;
    }
}

/// Starts a test, and lets strangers call over the same trunk, at most so many, once it rings.
async fn besieged(stage: &Stage, lab: &Lab, callers: usize) -> FinishedRun {
    let intruder = Intruder::enter(lab.server("a")).await;
    let arrived = stage.witness.when(|what| matches!(what, Observation::Dialled { .. }));
    let run = stage.start();
    arrived.await;
    let name = &stage.plan.tests[0].name;
    let calls = (0..callers).map(|nth| {
        let (intruder, id, from) = (&intruder, format!("stranger-{name}-{nth}"), format!("+4930{nth:04}"));
        async move { intruder.call_as(&id, &from, &format!("PJSIP/{PARIS}@berlin")).await }
    });
    futures_util::future::join_all(calls).await;
    let run = run.await.unwrap();
    intruder.hang_up_all().await;
    run
}

fn counted(run: &FinishedRun, is_it: impl Fn(&Observation) -> bool) -> usize {
    run.evidence.facts.iter().filter(|fact| is_it(&fact.what)).count()
}

// field attack 5
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_strangers_by_sip_keeps_no_run_from_its_own_call() {
    let lab = two_servers();
    let tests: [CallTest; 2] =
        [dtmf(ends("berlin", "paris", PARIS, "+493012345")), call(ends("berlin", "paris", PARIS, "+493012345"))];
    for test in tests {
        let stage = links_across(&lab).open(&[test]).await;
        let run = besieged(&stage, &lab, 60).await;
        passes(&run);
        let strangers =
            counted(&run, |what| matches!(what, Observation::Stranger { .. } | Observation::WrongCall { .. }));
        assert!(strangers > 0, "nobody besieged it: {}", story(&run));
        nothing_is_left(&lab);
        stage.close().await;
    }
}

/// Our own call leads elsewhere, and a stranger's comes in over the trunk with the number that we call from.
// field attack 6
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_call_by_sip_in_place_of_ours_is_no_pass() {
    let telephones = "[telephones]\nexten => _+49555!,1,Ringing()\n same => n,Wait(8)\n same => n,Hangup(19)\n";
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").dialplan(telephones))
        .server("b")
        .trunk(Trunk::between("a", "b").links("berlin", "paris"))
        .start()
        .unwrap();
    for (wanted, from) in [("", "+4930777"), ("+4991112345", "+4991112345")] {
        let scene = links_across(&lab).link("out", "a", "Local/{number}@telephones", "+4991112345");
        let mut test = call(ends("out", "paris", "+49555", wanted));
        test.delay.pre = Duration::from_secs(1);
        let stage = scene.open(&[test]).await;
        let intruder = Intruder::enter(lab.server("a")).await;
        let rings = stage.witness.when(|what| *what == Observation::Ringing);
        let run = stage.start();
        rings.await;
        intruder.call_as("stranger", from, &format!("PJSIP/{PARIS}@berlin")).await;
        let run = run.await.unwrap();
        assert_eq!(run.verdict.code(), Some(Code::OtherCall), "{}", story(&run));
        intruder.hang_up_all().await;
        nothing_is_left(&lab);
        stage.close().await;
    }
}
