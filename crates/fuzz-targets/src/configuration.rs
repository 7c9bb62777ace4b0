//! Configurations: a file with the overrides of the command line.
//!
//! Lines at the top that begin with `#: ` are options, `-C KEY=VALUE` or `--lenient`, as in the tests of `calltest-config`.
//! What loads can be dumped and loaded again, to the same plan; what does not is refused with reasons that have a place and
//! are short enough to read.

use calltest_config::{Input, Loaded, Palette, Rejected, Secrets, Severity, Source, load};

/// What the file is called.
const NAME: &str = "fuzzed.cfg";
/// The longest line that a person is shown, in characters: a hint may name some keys.
const LONGEST_LINE: usize = 1000;

/// Loads a configuration.
///
/// # Panics
/// If something does not hold.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let options: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("#: ")).collect();
    let overrides = options.iter().filter_map(|option| option.strip_prefix("-C ").map(String::from)).collect();
    let is_lenient = options.contains(&"--lenient");
    match load(&Input { source: Source::File { path: NAME.into(), text: text.into() }, overrides, is_lenient }) {
        Ok(loaded) => {
            is_readable(&loaded.notes.render(Palette::Plain));
            assert!(!loaded.notes.has_errors(), "a configuration with errors was taken");
            is_the_same_again(&loaded);
        }
        Err(rejected) => names_a_place(&rejected),
    }
}

fn names_a_place(rejected: &Rejected) {
    let first = rejected.diagnostics.iter().next().expect("a rejection has a reason");
    assert_eq!(first.severity, Severity::Error);
    for diagnostic in &rejected.diagnostics {
        let place = &diagnostic.place;
        let is_in_the_file = place.strip_prefix(NAME).and_then(|place| place.strip_prefix(':')).is_some_and(|place| {
            let (line, column) = place.split_once(':').unwrap_or_default();
            [line, column].iter().all(|number| number.parse::<u32>().is_ok_and(|number| number > 0))
        });
        assert!(is_in_the_file || place.starts_with("-C "), "no place: {diagnostic:?}");
    }
    let rendered = rejected.diagnostics.render(Palette::Plain);
    assert!(rendered.contains(&format!("--> {}", first.place)), "the place is not shown: {rendered}");
    is_readable(&rendered);
    is_readable(&rejected.diagnostics.render(Palette::Coloured).replace('\u{1b}', ""));
}

/// Nothing that a terminal would obey, and no line without end.
fn is_readable(text: &str) {
    let obeyed = text.chars().find(|character| character.is_control() && *character != '\n');
    assert_eq!(obeyed, None, "a control character is shown: {text:?}");
    let long = text.lines().find(|line| line.chars().count() > LONGEST_LINE);
    assert_eq!(long, None, "a line is too long");
}

fn is_the_same_again(loaded: &Loaded) {
    let text = loaded.dump(Secrets::Shown);
    let source = Source::File { path: "dump.yaml".into(), text: text.clone() };
    let again = load(&Input { source, overrides: Vec::new(), is_lenient: false });
    let again = again.unwrap_or_else(|rejected| panic!("the dump is rejected\n{rejected}\n{text}"));
    assert_eq!(again.dump(Secrets::Shown), text, "the dump of the dump is another one");
    assert_eq!(again.dump(Secrets::Redacted), loaded.dump(Secrets::Redacted));
    let (plan, again) = (&loaded.plan, &again.plan);
    assert_eq!(again.servers, plan.servers);
    assert_eq!(again.links, plan.links);
    assert_eq!(again.tests, plan.tests);
    assert_eq!(again.listen, plan.listen);
    assert_eq!(again.history, plan.history);
    assert_eq!(again.grace, plan.grace);
    assert_eq!(again.max_calls, plan.max_calls);
    assert_eq!(again.guard, plan.guard);
    assert_eq!(again.state_dir, plan.state_dir);
    assert_eq!(again.log_levels, plan.log_levels);
}
