//! Numbers: what a real Asterisk shows of a caller goes through the number rules, and patterns mean what they mean there.

use std::fmt::Write as _;

use calltest_core::number_rule::{Action, NumberRule, NumberRules, Pattern, Replacement};

use crate::scene::{call, check, ends, passes};
use crate::{example_links, nothing_is_left, one_server};

fn rule(pattern: &str, replacement: Option<&str>) -> NumberRules {
    let action = replacement.map_or(Action::Reject, |text| Action::Replace(Replacement::parse(text).unwrap()));
    NumberRules(vec![NumberRule { pattern: Pattern::parse(pattern).unwrap(), action }])
}

// field telephony 29 | Caller IDs in national form, with 00, or with parameters | they match | rules; an extension
#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_caller_is_mapped_before_it_is_compared() {
    // A telephone system that puts the zero for an outside line before the number that called.
    let dialplan = "[zero]\nexten => trunk,1,Set(CALLERID(num)=00911123)\n same => n,Goto(direct,${EXTEN},1)\n";
    let lab = one_server(dialplan);
    let scene = |incoming: NumberRules| {
        let links = example_links(&lab).link("zero", "a", "Local/{number}@zero", "+49911123");
        links.change_link("trunk", |link| link.incoming = incoming)
    };
    let tests = [call(ends("zero", "trunk", "trunk", "+49911123"))];

    let stage = scene(rule("_0.", Some("{number:1}"))).open(&tests).await;
    passes(&stage.run().await);
    stage.close().await;

    let stage = scene(NumberRules::default()).open(&tests).await;
    let sentence = "trunk: expected caller ID +49911123, received 00911123, which reads as +911123";
    check(&stage.run().await, "fail", |reason| reason.starts_with(sentence));
    stage.close().await;

    let stage = scene(rule("_00!", None)).open(&tests).await;
    let sentence = "trunk: expected caller ID +49911123, but 00911123 is rejected by rule 1 under `incoming` of link trunk: `_00!`";
    check(&stage.run().await, "fail", |reason| reason.starts_with(sentence));
    assert_eq!(std::fs::read_dir(stage.state.path()).unwrap().count(), 0);
    stage.close().await;
    nothing_is_left(&lab);
}

#[test]
fn patterns_mean_what_they_mean_in_asterisk() {
    let patterns = [
        "_X",
        "_x.",
        "_Z!",
        "_N.",
        "_NXX",
        "_[01]!",
        "_[15-7]X",
        "_[0-9a-c]",
        "_[a-]",
        "_[+*#]!",
        "_+49!",
        "_+49.",
        "_0-9X",
        "_1!",
        "_A.",
        "_nope",
        "_.",
        "_!",
        "112",
        "fone1",
    ];
    let numbers = [
        "0", "1", "2", "9", "00", "19", "57", "+49", "+491", "*", "a", "d", "A1", "nope", "2ope", "112", "1120", "212",
        "fone1", "1-9", "091", "0-91",
    ];
    let mut dialplan = String::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let _ = writeln!(dialplan, "[p{index}]\nexten => {pattern},1,NoOp()");
    }
    let lab = one_server(&dialplan);
    let mut differences = Vec::new();
    for (index, text) in patterns.iter().enumerate() {
        let pattern = Pattern::parse(text).unwrap();
        for number in numbers {
            let shown = lab.server("a").cli(&format!("dialplan show {number}@p{index}")).unwrap();
            let is_there = shown.contains("NoOp()");
            assert!(is_there || shown.contains("no existence of"), "{shown}");
            if is_there != pattern.matches(number) {
                differences.push(format!("{text} {number}: in Asterisk {is_there}"));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}
