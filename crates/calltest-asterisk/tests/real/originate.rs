//! Tests that only call out.

use std::time::Duration;

use asterisk_lab::{Lab, ServerOptions};

use crate::scene::{Scene, check, passes, play, ring};
use crate::{address, nothing_is_left, one_server};

/// Far ends that behave and misbehave.
const FAR_ENDS: &str = "\
[far]
exten => busy,1,Hangup(17)
exten => refuses,1,Ringing()
 same => n,Wait(0.5)
 same => n,Hangup(21)
exten => rings,1,Ringing()
 same => n,Wait(60)
exten => silent,1,Wait(60)
exten => leaves,1,Answer()
 same => n,Wait(0.3)
 same => n,Hangup(16)
exten => answers,1,Answer()
 same => n,Wait(60)
";

fn calling(lab: &Lab, channel: &str) -> Scene {
    Scene::new().server("a", address(lab.server("a"))).link("out", "a", channel, "out")
}

#[tokio::test(flavor = "multi_thread")]
async fn ring_and_play_pass() {
    let lab = one_server(FAR_ENDS);
    let table = [
        ("Local/ringing@direct", ring("out", None)),
        ("Local/rings@far", ring("out", None)),
        ("Local/answers@far", ring("out", None)),
        ("Local/answer@direct", play("out", None)),
        ("Local/answers@far", play("out", Some("beep"))),
    ];
    for (channel, test) in table {
        let stage = calling(&lab, channel).open(&[test]).await;
        passes(&stage.run().await);
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_fails_for_the_right_reason() {
    let lab = one_server(FAR_ENDS);
    let short = |mut test: calltest_core::plan::CallTest| {
        test.timeout = Duration::from_millis(1500);
        test
    };
    let patient = |mut test: calltest_core::plan::CallTest| {
        test.delay.answer = Duration::from_secs(1);
        test
    };
    let table: [(&str, _, &str, &[&str]); 7] = [
        ("Local/busy@far", ring("out", None), "fail", &["out: rejected after", "17 user busy, expected ringing"]),
        (
            "Local/refuses@far",
            play("out", None),
            "fail",
            &["out: rang, then rejected after 0.5", "21 call rejected, expected an answer"],
        ),
        (
            "Local/rings@far",
            short(play("out", None)),
            "fail",
            &["out: expected an answer, saw only ringing within 1.50 s"],
        ),
        (
            "Local/silent@far",
            short(ring("out", None)),
            "fail",
            &["out: expected ringing, saw neither ringing, answer nor rejection within 1.50 s"],
        ),
        (
            "Local/leaves@far",
            patient(play("out", None)),
            "fail",
            &["out: the call ended 0.", "after the answer with 16 normal clearing"],
        ),
        ("Local/ring@direct", ring("out", None), "fail", &["out: Local/ring@direct came straight back to calltest"]),
        (
            "Local/answers@far",
            play("out", Some("no-such-sound")),
            "error",
            &["sound:no-such-sound could not be played on out"],
        ),
    ];
    for (channel, test, word, parts) in table {
        let stage = calling(&lab, channel).open(&[test]).await;
        let run = stage.run().await;
        check(&run, word, |reason| parts.iter().all(|part| reason.contains(part)));
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_offline_fails_and_one_that_is_unknown_is_an_error() {
    let endpoints = "\
[offline]
type=endpoint
context=direct
disallow=all
allow=ulaw
aors=offline

[offline]
type=aor
max_contacts=1
";
    let options = ServerOptions::named("a").pjsip(endpoints);
    let lab = Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap();
    let table = [
        ("PJSIP/offline", "fail", "out: endpoint PJSIP/offline is offline"),
        ("PJSIP/unknown", "error", "knows no endpoint PJSIP/unknown; correct the link's `channel`"),
        ("SIP/unknown", "error", "knows no endpoint SIP/unknown"),
    ];
    for (channel, word, part) in table {
        let stage = calling(&lab, channel).open(&[ring("out", None)]).await;
        let run = stage.run().await;
        check(&run, word, |reason| reason.contains(part));
        nothing_is_left(&lab);
        stage.close().await;
    }
}

/// A server that may have no further call drops a Local channel just like one that leads nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_room_for_a_call_has_no_broken_line() {
    let lab = one_server(FAR_ENDS);
    let server = lab.server("a");
    let file = server.directory().join("etc/asterisk.conf");
    let limited = std::fs::read_to_string(&file).unwrap().replace("[options]", "[options]\nmaxcalls = 1");
    std::fs::write(&file, limited).unwrap();
    server.restart().unwrap();
    let first = calling(&lab, "Local/rings@far").open(&[ring("out", None)]).await;
    passes(&first.run().await);
    first.close().await;

    server.cli("channel originate Local/rings@far extension rings@far").unwrap();
    let stage = calling(&lab, "Local/answers@far").open(&[play("out", None)]).await;
    check(&stage.run().await, "error", |said| {
        said == "Local/answers@far ended at once, without a reason: either the dialplan has no such extension or context, or \
                 server a has as many calls as its asterisk.conf allows (maxcalls = 1)"
    });
    stage.close().await;
}
