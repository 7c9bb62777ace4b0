//! Dialplans that lead elsewhere than the configuration says.

use std::thread;
use std::time::{Duration, Instant};

use asterisk_lab::{Lab, ServerOptions, Trunk};

use crate::examination::{INSIDE, examine, server};
use crate::program::{LOOK_EVERY, Program};

/// A dialplan that goes astray in a way of its own in each context.
const ASTRAY: &str = "\
[answers]
exten => _.,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
[machine]
exten => _.,1,Answer()
 same => n,Record(message:wav)
[otherapp]
exten => _[a-z].,1,Stasis(tester,${EXTEN})
 same => n,Hangup()
[otherlink]
exten => _[a-z].,1,Stasis(calltest,foo,${EXTEN})
 same => n,Hangup()
[numberless]
exten => _[0-9]!,1,Stasis(calltest,shared)
 same => n,Hangup()
[out]
exten => _[+a-z]!,1,Dial(PJSIP/${EXTEN}@carrier)
 same => n,Hangup()
[twice]
exten => _[a-z].,1,Dial(Local/${EXTEN}@direct)
 same => n,Hangup()
";

/// A link with a Local channel in this context.
fn link(context: &str, name: &str) -> String {
    format!("links: {{{name}: {{channel: 'Local/{{number}}@{context}', number: {name}}}}}\n")
}

#[test]
fn a_dialplan_without_the_macro() {
    let lab = server(|options| options.file("extensions.ael", "context other { s => NoOp(); }\n"));
    examine(&lab, INSIDE)
        .exits(1)
        .says(
            ("fone1", "dialplan"),
            "problem",
            &[
                "no extension of the dialplan takes Local/fone1@direct",
                "`&calltest(fone1,${EXTEN})`",
                "`calltest asterisk-config extensions.ael`",
            ],
        )
        .says(("fone2", "dialplan"), "problem", &["no extension"])
        .and_nothing_else(&[("fone1", "dialplan"), ("fone2", "dialplan")]);
}

#[test]
fn calls_that_go_astray_on_the_way() {
    let lab = server(|options| options.dialplan(ASTRAY));
    let verdict = |context: &str, outcome: &str, exit: i32, words: &[&str]| {
        let findings = examine(&lab, &link(context, "fone")).exits(exit);
        findings.says(("fone", "dialplan"), outcome, words).and_nothing_else(&[("fone", "dialplan")]);
    };
    verdict("answers", "problem", 1, &["does not come to app `calltest`: the dialplan ran Answer(), Wait(1)"]);
    verdict("machine", "problem", 1, &["the dialplan ran Answer(), Record(message:wav)"]);
    verdict("otherapp", "problem", 1, &["is handed to app `tester` instead of `calltest`", "set `app: tester`"]);
    verdict("otherlink", "problem", 1, &["on link `foo` instead of `fone`", "`&calltest(fone,${EXTEN})`"]);
    verdict("twice", "unknown", 3, &["not proven", "Dial(Local/fone@direct)", "was stopped there"]);
    verdict("nowhere", "problem", 1, &["no extension of the dialplan takes Local/fone@nowhere"]);
}

#[test]
fn a_test_call_does_not_leave_the_server_whatever_the_dialplan_says() {
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").dialplan(ASTRAY))
        .server("b")
        .trunk(Trunk::between("a", "b").named("carrier"))
        .start()
        .unwrap();
    let config = "\
links:
  lokal: {channel: 'Local/{number}@out', number: '12'}
  carrier: {channel: 'PJSIP/{number}@carrier', number: '+4912345'}
calls:
  out: {mode: call, src: lokal, dst: carrier}
";
    let findings = examine(&lab, config).exits(3);
    let about = findings.all.iter().filter(|found| found["link"] == "carrier" && found["check"] == "dialplan");
    let said: Vec<_> =
        about.map(|found| (found["outcome"].as_str().unwrap(), found["what"].as_str().unwrap())).collect();
    assert_eq!(
        said,
        [
            (
                "unknown",
                "not proven: the dialplan passes Local/+4912345@out on with Dial(PJSIP/+4912345@carrier), and was stopped \
                 there"
            ),
            (
                "ok",
                "Local/+4912345@from-carrier, where endpoint carrier delivers its calls, comes to app `calltest` as a \
                 call on link carrier"
            ),
        ]
    );
    let (a, b) = (lab.server("a"), lab.server("b"));
    assert!(!b.log().unwrap().contains("PJSIP/"), "{}", b.log().unwrap());
    assert!(a.log().unwrap().contains("Max forwards exceeded"), "the dialplan was to dial on");
    // The same call in earnest does get there.
    a.cli("channel originate Local/+4912345@out application Wait 5").unwrap();
    let give_up = Instant::now() + Duration::from_secs(10);
    while !b.log().unwrap().contains("PJSIP/") {
        assert!(Instant::now() < give_up, "no call gets there at all, so that none did proves nothing");
        thread::sleep(LOOK_EVERY);
    }
}

#[test]
fn links_that_share_a_name_need_the_number_with_it() {
    let lab = server(|options| options.dialplan(ASTRAY));
    let config = "\
links:
  ':default:': {channel: 'Local/{number}@numberless', arrives_as: shared}
  one: {number: '101'}
  two: {number: '102'}
";
    examine(&lab, config)
        .exits(1)
        .says(("one", "dialplan"), "problem", &["as those of other links do, and no number with it"])
        .says(("two", "dialplan"), "problem", &["no number with it"]);
}

#[test]
fn what_comes_from_outside_is_said_to_be_unproven() {
    let lab = server(|options| options);
    let config = "\
links: {door: {number: '7'}}
calls: {visitor: {mode: wait, dst: door, check_callerid: no}}
";
    examine(&lab, config)
        .exits(3)
        .says(
            ("door", "dialplan"),
            "unknown",
            &["not proven: calls on this link come from outside", "`calltest run visitor`"],
        )
        .and_nothing_else(&[("door", "dialplan")]);
}

#[test]
fn test_calls_count_in_the_budgets_and_none_is_made_without_room_for_it() {
    let lab = server(|options| options);
    let state = tempfile::tempdir().unwrap();
    let config = format!(
        "asterisk: {{dialplan: {{country: 49}}}}\nstate_dir: '{}'\nguard: {{calls_per_day: 2}}\n{INSIDE}",
        state.path().display()
    );
    let fones = [("fone1", "dialplan"), ("fone2", "dialplan")];
    let findings = examine(&lab, &config).exits(0);
    fones.into_iter().fold(findings, |findings, about| findings.says(about, "ok", &[]));
    let number = Program::new().config(&config).on(lab.server("a")).args(["number", "fone1", "fone2"]).run();
    number.exits(1).prints("guard.calls_per_day at top level: 2 of 2");
    let words = ["was not tried", "guard.calls_per_day at top level: 2", "when the budgets of the guard have room"];
    let findings = examine(&lab, &config).exits(3);
    fones
        .into_iter()
        .fold(findings, |findings, about| findings.says(about, "unknown", &words))
        .and_nothing_else(&fones);
}
