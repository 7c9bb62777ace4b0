//! SIP far ends: each does what its scenario says, and goes when its lab goes.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::thread;
use std::time::Duration;

use asterisk_lab::{Lab, LabError, Scenario, ServerOptions, Trunk, for_tests, sipp_for_tests};

use crate::eventually::eventually;

/// `Local/NAME@call` calls a far end for at most two seconds, talks for at most one, and logs what came of it.
const CALLER: &str = "\
[call]
exten => _[a-z].,1,Dial(PJSIP/4711@${EXTEN},2,gL(1000))
 same => n,Verbose(0,${EXTEN}: ${DIALSTATUS} ${HANGUPCAUSE})
";

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn each_scenario_is_what_the_caller_sees() {
    let rings = || Scenario::silent().tries().rings();
    // Name, scenario, what Asterisk's Dial makes of it, and the beginning of the last message but
    // for what only confirms it.
    let table = [
        ("busy", Scenario::silent().rejects(486), "BUSY 17", "SIP/2.0 486 Busy Here"),
        ("declines", rings().waits(ms(300)).rejects(603), "CHANUNAVAIL 21", "SIP/2.0 603 Decline"),
        ("notfound", Scenario::silent().sends_early_media().rejects(404), "CHANUNAVAIL 1", "SIP/2.0 404 Not Found"),
        ("leaves", rings().answers().waits(ms(200)).hangs_up(), "ANSWER 16", "BYE sip:"),
        ("stays", Scenario::silent().rings_with_sdp().answers(), "ANSWER 16", "BYE sip:"),
        ("rings", rings(), "NOANSWER 0", "SIP/2.0 487 Request Terminated"),
        ("tries", Scenario::silent().tries(), "NOANSWER 0", "SIP/2.0 487 Request Terminated"),
        ("progresses", Scenario::silent().progresses(), "NOANSWER 0", "SIP/2.0 487 Request Terminated"),
        ("silent", Scenario::silent(), "NOANSWER 0", "INVITE sip:4711@"),
    ];
    let far_ends = table.each_ref().map(|(name, scenario, ..)| (*name, scenario.clone()));
    let server = ServerOptions::named("a").dialplan(CALLER);
    let lab = Lab::builder(&for_tests()).server(server).far_ends(&sipp_for_tests(), far_ends).start().unwrap();
    let a = lab.server("a");
    for (name, ..) in &table {
        a.cli(&format!("channel originate Local/{name}@call application Wait 3")).unwrap();
    }
    for (name, _, outcome, message) in &table {
        let logged = format!("{name}: {outcome}\n");
        eventually(&logged, || a.log().unwrap().contains(&logged));
        let far_end = lab.far_end(name);
        eventually(message, || far_end.messages().unwrap().contains(message));
    }
    let answered = lab.far_end("stays").messages().unwrap();
    assert!(answered.contains("SIP/2.0 180 Ringing") && answered.contains("m=audio"), "{answered}");
    eventually("no channel", || a.open_channels().unwrap() == 0);
}

#[test]
fn a_far_end_ends_with_its_lab() {
    let far_ends = [("rings", Scenario::silent().rings())];
    let lab = Lab::builder(&for_tests()).far_ends(&sipp_for_tests(), far_ends).start().unwrap();
    let address = lab.far_end("rings").address();
    let directory = lab.directory().to_owned();
    let process = format!("/proc/{}", lab.far_end("rings").process_id().unwrap());
    assert!(UdpSocket::bind(address).is_err(), "nobody listens at {address}");
    assert!(Path::new(&process).exists());
    drop(lab);
    UdpSocket::bind(address).unwrap();
    assert!(!Path::new(&process).exists() && !directory.exists());
}

#[test]
fn what_a_far_end_of_a_test_that_panics_has_seen_is_kept() {
    let kept = tempfile::tempdir().unwrap();
    let directory = kept.path().to_owned();
    let test = thread::spawn(move || {
        let builder = Lab::builder(&for_tests()).keep_logs_in(directory);
        let far_ends = [("rings", Scenario::silent().rings())];
        let lab = builder.far_ends(&sipp_for_tests(), far_ends).start().unwrap();
        let far_end = lab.far_end("rings");
        let caller = UdpSocket::bind("127.0.0.1:0").unwrap();
        let invite = format!(
            "INVITE sip:1@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK1\r\nFrom: <sip:2@{own}>;tag=2\r\n\
             To: <sip:1@{to}>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContact: <sip:2@{own}>\r\nContent-Length: 0\r\n\r\n",
            to = far_end.address(),
            own = caller.local_addr().unwrap()
        );
        caller.send_to(invite.as_bytes(), far_end.address()).unwrap();
        eventually("an answer", || far_end.messages().unwrap().contains("180 Ringing"));
        panic!("a panic on purpose");
    });
    test.join().unwrap_err();
    let lab = fs::read_dir(kept.path()).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_to_string(lab.join("rings/messages.log")).unwrap().contains("180 Ringing"));
    assert!(fs::read_to_string(lab.join("rings/scenario.xml")).unwrap().contains("180 Ringing"));
}

#[test]
fn a_far_end_has_a_name_of_its_own() {
    for name in ["a", "trunk", "other"] {
        let far_ends = [("other", Scenario::silent()), (name, Scenario::silent())];
        let builder = Lab::builder(&for_tests()).server("a").server("b").trunk(Trunk::between("a", "b"));
        let error = builder.far_ends(&sipp_for_tests(), far_ends).start().unwrap_err();
        assert!(matches!(&error, LabError::FarEndName { name: taken } if taken == name), "{error}");
    }
}
