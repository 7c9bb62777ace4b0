//! What becomes of the numbers in a plan: the rules of `good/number_rules.yaml` and the guard of `good/guard.yaml` are
//! seen in the numbers that its tests dial, and the document on number rules keeps to what it says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::fs;
use std::path::Path;

use calltest_config::{Input, Loaded, Palette, Source, load};
use calltest_core::caller::caller_as_seen;
use calltest_core::number_rule::Rejected;
use calltest_core::plan::Plan;

fn loaded(path: &str) -> Loaded {
    let source = Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false });
    loaded.unwrap_or_else(|rejected| panic!("\n{rejected}"))
}

/// The number that a test dials.
fn dialled<'p>(plan: &'p Plan, test: &str) -> Option<&'p str> {
    plan.test(test).unwrap().route.dialled()
}

#[test]
fn the_manuals_macros_have_their_equals() {
    let plan = loaded("tests/good/number_rules.yaml").plan;
    let table = [
        ("drop_the_plus", "49911123"),
        ("no_plus", "123"),
        ("extension", "55"),
        ("city", "55"),
        ("country", "0911123"),
        ("abroad", "00442071234567"),
        ("from_an_end", "100"),
        ("local_call", "18885550123"),
        ("operator", "0"),
        ("long_distance", "12125550123"),
        ("plus_one", "12125550123"),
        ("overseas", "011442071234567"),
        ("group", "712"),
        ("word", "reject"),
        ("as_it_is", "fone1"),
    ];
    assert_eq!(plan.tests.len(), table.len());
    for (test, number) in table {
        assert_eq!(dialled(&plan, test), Some(number), "{test}");
    }
}

fn seen(plan: &Plan, link: &str, caller: &str) -> Result<String, Rejected> {
    let link = &plan.links[link];
    caller_as_seen(link, &plan.servers[&link.server], caller)
}

#[test]
fn callers_lose_what_the_telephone_system_puts_before_their_numbers() {
    let plan = loaded("tests/good/number_rules.yaml").plan;
    let table = [
        ("plain", "00911123", "0911123"),
        ("plain", "0", "0"),
        ("plain", "+49911123", "+49911123"),
        ("plain", "", ""),
        ("american", "912125550123", "12125550123"),
        // A list that is empty is a list without a rule that fits.
        ("long_forms", "00911123", "0911123"),
    ];
    for (link, caller, number) in table {
        assert_eq!(seen(&plan, link, caller).as_deref(), Ok(number), "{link} {caller}");
    }
    let rejected = seen(&plan, "plain", "anonymous").unwrap_err();
    let sentence = "anonymous is rejected by rule 2 under `incoming` of server asterisk: `anonymous`";
    assert_eq!(rejected.to_string(), sentence);
}

#[test]
fn guards_are_filled_in_from_the_default_entry_key_by_key() {
    let plan = loaded("tests/good/guard.yaml").plan;
    let limit = |link: &str| plan.links[link].guard.budget.calls_per_hour.map(|limit| limit.get());
    assert_eq!((limit("trunk"), limit("inside"), limit("london")), (Some(10), None, Some(10)));
    assert_eq!(plan.guard.budget.minutes_per_day.map(|limit| limit.get()), Some(120));
    let outside = |link: &str| plan.links[link].leads_outside;
    assert!(outside("trunk") && !outside("inside"));
    assert!(plan.has_budgets());
    assert!(!loaded("tests/good/number_rules.yaml").plan.has_budgets());
}

/// Each block of the document that is marked as YAML.
fn blocks(document: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = document.lines().collect();
    let begins = |(at, line): (usize, &&str)| (*line == "```yaml").then_some(at + 1);
    let text =
        |from: usize| lines[from..].iter().take_while(|line| **line != "```").copied().collect::<Vec<_>>().join("\n");
    lines.iter().enumerate().filter_map(begins).map(|from| (from, text(from))).collect()
}

#[test]
fn every_block_of_the_document_loads_without_a_word() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/number-rules.md");
    let document = fs::read_to_string(path).unwrap();
    let blocks = blocks(&document);
    assert!(blocks.len() >= 6, "the document has lost its configurations");
    for (line, block) in blocks {
        // With as many lines before it, what is wrong with it is located in the document.
        let text = "\n".repeat(line) + &block;
        let source = Source::File { path: "docs/number-rules.md".into(), text };
        let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false });
        let loaded = loaded.unwrap_or_else(|rejected| panic!("\n{rejected}"));
        assert!(loaded.notes.is_empty(), "\n{}", loaded.notes.render(Palette::Plain));
    }
}
