//! Large and hostile texts: they load, or are refused with a clear place, in bounded time and memory.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use calltest_config::{Input, Loaded, Palette, Rejected, Secrets, Source, load};

/// Far more than any of these takes, so that only a lost bound is noticed.
const LONG: Duration = Duration::from_secs(60);

fn load_text(text: String) -> Result<Loaded, Rejected> {
    let source = Source::File { path: "calls.cfg".into(), text };
    let start = Instant::now();
    let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false });
    assert!(start.elapsed() < LONG);
    loaded
}

/// The first message, where all of them are short enough to read.
fn first_error(text: String) -> String {
    let rejected = load_text(text).expect_err("the text is hostile");
    let rendered = rejected.diagnostics.render(Palette::Plain);
    assert!(rendered.len() < 100_000 && rendered.lines().all(|line| line.chars().count() < 400), "{rendered}");
    rejected.diagnostics.iter().next().expect("a rejection has a reason").message.clone()
}

fn many_calls(number: usize) -> String {
    let mut text = String::from("calls:\n  ':default:':\n    dtmf: {may_repeat: yes}\n");
    for index in 0..number {
        let _ = write!(
            text,
            "  call{index}:\n    src: link{index}\n    dst: link{}\n    info: call number {index}\n    test:\n      retry: 30\n",
            (index + 1) % number,
        );
    }
    text.push_str("links:\n  ':default:':\n    channel: PJSIP/{number}@trunk\n    guard: {outside: no}\n");
    for index in 0..number {
        let _ = writeln!(text, "  link{index}:\n    number: {index}");
    }
    text
}

#[test]
fn twenty_thousand_calls_load() {
    let text = many_calls(20_000);
    let size = text.len();
    let start = Instant::now();
    let loaded = load_text(text).unwrap_or_else(|rejected| panic!("{rejected}"));
    println!(
        "{size} bytes, {} tests, dump of {} bytes: {:?}",
        loaded.plan.tests.len(),
        loaded.dump(Secrets::Redacted).len(),
        start.elapsed()
    );
    assert_eq!(loaded.plan.tests.len(), 20_000);
    assert!(loaded.notes.is_empty());
}

#[test]
fn twenty_thousand_faulty_calls_are_refused() {
    let text = many_calls(20_000).replace("src: link", "src: lnk").replace("retry", "rety");
    let start = Instant::now();
    let rejected = load_text(text).unwrap_err();
    println!("{:?}", start.elapsed());
    assert!(rejected.diagnostics.render(Palette::Plain).ends_with("and 39950 more\n"));
}

#[test]
fn every_key_of_every_call_may_be_an_alias() {
    let mut text =
        String::from("x-base: &base {src: a, dst: b, timeout: 60, delay: &delay {pre: 0, ring: 1, answer: 1}}\n");
    text.push_str("links:\n  a: {channel: Local/a@b, number: 1}\n  b: {number: 2}\ncalls:\n");
    for index in 0..20_000 {
        let _ = writeln!(text, "  call{index}: {{<<: *base, delay: *delay}}");
    }
    assert_eq!(load_text(text).unwrap().plan.tests.len(), 20_000);
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = String::from("x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..60 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "x-{level}: &a{level} [{aliases}]");
    }
    assert!(first_error(text).contains("too large"));

    let keys = (0..10_000).map(|index| format!("k{index}: x")).collect::<Vec<_>>().join(", ");
    let merges = vec!["*base"; 10_000].join(", ");
    assert!(first_error(format!("x-base: &base {{{keys}}}\nx-all: {{<<: [{merges}]}}\n")).contains("too large"));
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(1 << 20), "{a: ".repeat(1 << 18), "- ".repeat(1 << 20), "? ".repeat(1 << 20)] {
        assert!(first_error(text).contains("too deep"));
    }
    let mut indented = String::new();
    for level in 0..1000 {
        let _ = writeln!(indented, "{}a:", " ".repeat(level));
    }
    assert!(first_error(indented).contains("too deep"));
}

#[test]
fn a_line_of_a_megabyte_is_shown_in_part() {
    first_error(format!("calls: {{a: {{info: {}, src: nowhere, mode: ring}}}}\n", "x".repeat(1 << 20)));
    first_error(format!("{}: 1\n", "x".repeat(1000)));
    first_error(format!("? {}\n: 1\n", "x".repeat(1 << 20)));
    first_error(format!("calls: {{{}}}\n", "a: {src: b}, ".repeat(1 << 16)));
    first_error(format!("calls: [{}", "1,".repeat(1 << 20)));
    first_error(format!("calls: \"{}", "\\n".repeat(1 << 19)));
    first_error(format!("{}x", "\n".repeat(1 << 20)));
}

#[test]
fn megabytes_of_unknown_keys_are_counted() {
    let mut text = String::new();
    for index in 0..200_000 {
        let _ = writeln!(text, "linkz{index}: 1");
    }
    first_error(text);
}

#[test]
fn the_same_key_a_hundred_thousand_times_is_told_of_in_part() {
    assert!(first_error("links: {}\n".repeat(100_000)).contains("links"));
    assert!(first_error(format!("links: {{a: {{{}}}}}\n", "number: 1, ".repeat(100_000))).contains("number"));
    assert!(first_error(format!("links:\n{}", "  a: {channel: Local/a@b}\n".repeat(100_000))).contains('a'));
}

#[test]
fn long_sequences_are_refused() {
    for list in ["x, ".repeat(100_000), "[], ".repeat(100_000), "{}, ".repeat(100_000)] {
        first_error(format!("calls: [{list}]\n"));
        first_error(format!("calls: {{a: {{mode: ring, src: [{list}]}}}}\n"));
        first_error(format!("links: {{a: {{channel: Local/a@b, quiet: [{list}]}}}}\n"));
    }
    first_error(format!("calls:\n{}", "  - x\n".repeat(500_000)));
}

#[test]
fn numbers_of_a_hundred_thousand_digits_are_refused() {
    let digits = "9".repeat(100_000);
    for number in
        [digits.clone(), format!("0x{digits}"), format!("1e{digits}"), format!("0.{digits}"), format!("-{digits}")]
    {
        for key in ["port", "init_timeout", "max_calls"] {
            let text = format!("asterisk: {{{key}: {number}}}\n");
            // What is nothing but a very long fraction is a number of seconds all the same.
            if key != "init_timeout" || !number.starts_with("0.") {
                assert!(first_error(text).starts_with(&format!("`asterisk.{key}` must be ")));
            }
        }
    }
    let clock = "9:".repeat(50_000);
    assert!(first_error(format!("asterisk: {{port: {clock}9}}\n")).starts_with("`asterisk.port` must be "));
}

#[test]
fn anchors_and_tags_without_end_are_refused_or_pass() {
    let anchors: String = (0..100_000).map(|index| format!("x-{index}: &a{index} 1\n")).collect();
    assert!(load_text(anchors).is_ok());
    first_error("!!str ".repeat(100_000));
    first_error(format!("&{} *{}", "a".repeat(1 << 20), "b".repeat(1 << 20)));
    first_error(format!("x-a: !<{}> 1\n", "t".repeat(1 << 20)));
    first_error("%TAG ! tag:x,2000:\n".repeat(100_000));
    first_error(format!("{}x", "? ".repeat(60).repeat(1000)));
}

#[test]
fn a_hundred_thousand_headers_are_refused_and_none_is_shown() {
    let headers: String = (0..100_000).map(|index| format!("X-{index}: hunter2, ")).collect();
    let call =
        |headers: &str| format!("links: {{a: {{number: 1}}}}\ncalls: {{a: {{mode: wait, dst: a, url: {headers}}}}}\n");
    let message = first_error(call(&format!("{{url: http://a, headers: {{{headers}}}}}")));
    assert!(message.starts_with("`calls.a.url.headers` has ") && message.ends_with(" bytes, and 16384 is the most"));
    let value = "x".repeat(1 << 20);
    assert!(first_error(call(&format!("{{url: http://a, headers: {{A: {value}}}}}"))).ends_with("16384 is the most"));
    let bad: String = (0..100_000).map(|index| format!("X {index}: hunter2, ")).collect();
    let rejected = load_text(call(&format!("{{url: http://a, headers: {{{bad}}}}}"))).unwrap_err();
    assert!(!rejected.diagnostics.render(Palette::Plain).contains("hunter2"));
    assert!(
        first_error(call(&format!("{{url: http://a, expect: [{}]}}", "ok, ".repeat(101)))).ends_with("100 is the most")
    );
    assert!(first_error(call(&format!("{{url: http://a, expect: {value}}}"))).contains(" is too long: it has "));
    assert!(first_error(call(&format!("{{url: http://a, type: text/{value}}}"))).contains(" is too long: it has "));
}

#[test]
fn an_override_of_a_megabyte_is_shown_in_part() {
    let check = |override_: String| {
        let input = Input { source: Source::Builtin, overrides: vec![override_], is_lenient: false };
        let start = Instant::now();
        let rejected = load(&input).expect_err("the override is hostile");
        let rendered = rejected.diagnostics.render(Palette::Plain);
        assert!(start.elapsed() < LONG && rendered.lines().all(|line| line.chars().count() < 400), "{rendered}");
    };
    check("a".repeat(1 << 20));
    check(format!("{}=1", "a".repeat(1 << 20)));
    check(format!("{}=1", "a.".repeat(1 << 19) + "b"));
    check(format!("{}=1", "a.".repeat(100) + "b"));
    check("a.".repeat(1 << 19) + "b");
    check(format!("links.a={}", "[".repeat(1 << 20)));
    check(format!("asterisk.port={}", "9".repeat(1 << 20)));
    check("'".repeat(1 << 20));
}

#[test]
fn numbers_patterns_and_dial_strings_have_a_length() {
    let long = "1".repeat(1 << 20);
    let link = |keys: &str| format!("links: {{a: {{channel: Local/a@b, {keys}}}}}\n");
    for (text, what) in [
        (link(&format!("number: {long}")), "`links.a.number`"),
        (link(&format!("number: '+x{long}'")), "`links.a.number`"),
        (link(&format!("outgoing: [{{match: '{long}', replace: x}}]")), "`links.a.outgoing`"),
        (link(&format!("outgoing: [{{match: '_{}', reject: yes}}]", "[a]".repeat(1 << 18))), "`links.a.outgoing`"),
        (link(&format!("outgoing: [{{'_X!': '{}'}}]", "{number}".repeat(1 << 18))), "`links.a.outgoing`"),
        (link(&format!("guard: {{deny: ['{long}']}}")), "`links.a.guard.deny`"),
        (format!("links: {{a: {{channel: 'Local/{}'}}}}\n", "{number}".repeat(1 << 18)), "`links.a.channel`"),
    ] {
        let message = first_error(text);
        assert!(message.starts_with(what) && message.contains(" is too long: it has "), "{message}");
    }
}

/// What is written once and stands in many places is counted as often as it stands somewhere.
#[test]
fn much_that_comes_of_little_is_refused() {
    let megabyte = "x".repeat(1 << 20);
    let calls = |of_each: &str| -> String { (0..20_000).map(|index| format!("  c{index}: {of_each}\n")).collect() };
    let info = format!("x-info: &info {megabyte}\ncalls:\n{}", calls("{mode: ring, src: a, info: *info}"));
    assert!(first_error(info).contains("more than 64 MiB of text"));
    let key = format!("x-map: &map\n  ? {megabyte}\n  : 1\ncalls:\n{}", calls("{<<: *map}"));
    assert!(first_error(key).contains("more than 64 MiB of text"));
    let default = format!("calls:\n  ':default:': {{info: {megabyte}}}\n{}", calls("{mode: ring, src: a}"));
    assert!(first_error(default).contains("more than 64 MiB of text once this is in every entry of `calls`"));
    let deny =
        format!("links:\n  ':default:': {{guard: {{deny: [{}]}}}}\n{}", "1, ".repeat(1000), calls("{number: 1}"));
    assert!(first_error(deny).contains("more than 3000000 values once this is in every entry of `links`"));
}

#[test]
fn many_links_on_one_trunk_are_told_apart_soon() {
    let text = |count: usize, last: usize| {
        let mut text = String::from("links:\n");
        for index in 0..count {
            let number = if index + 1 == count { last } else { 1_000_000 + index };
            let _ = writeln!(text, "  l{index:05}: {{number: {number}, arrives_as: trunk}}");
        }
        text.push_str("calls:\n");
        for index in 0..count {
            let _ = writeln!(text, "  c{index}: {{mode: wait, dst: l{index:05}}}");
        }
        text
    };
    assert_eq!(load_text(text(20_000, 2_000_000)).unwrap().plan.tests.len(), 20_000);
    let message = first_error(text(1000, 1_000_007));
    assert!(message.contains("calls for links `l00007` and `l00999` cannot be told apart"), "{message}");
}

#[test]
fn lists_that_each_number_is_compared_with_have_a_length() {
    for list in ["guard: {deny: [ITEMS]}", "outgoing: [ITEMS]", "quiet: [ITEMS]"] {
        let item = if list.contains("deny") {
            "_1,"
        } else if list.contains("quiet") {
            "1:00-2:00,"
        } else {
            "{_1: 2},"
        };
        let text =
            |count| format!("links: {{a: {{channel: Local/a@b, {}}}}}\n", list.replace("ITEMS", &item.repeat(count)));
        assert!(load_text(text(2000)).is_ok(), "{list}");
        assert!(first_error(text(2001)).ends_with(" has 2001 items, and 2000 is the most"), "{list}");
    }
}
