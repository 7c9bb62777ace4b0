//! Number rules and what else is written about numbers and times, in lines: pattern, replacement, number, caller, quiet time,
//! dial string, and the country, city, intl and natl of a dialplan.
//!
//! All of it is pure, so the same gives the same. What is written can be read again; what becomes of a number is no longer
//! than the rule says; and quiet times end.

use calltest_core::caller::check_number;
use calltest_core::number::{Dialplan, PhoneNumber, end_alike};
use calltest_core::number_rule::{
    Action, Direction, NumberRule, NumberRules, Pattern, RejectReason, Replacement, RuleLists,
};
use calltest_core::plan::{DialString, LinkName, ServerName};
use calltest_core::quiet::{QuietTime, QuietTimes};
use jiff::SignedDuration;
use jiff::civil::{DateTime, datetime};

/// The shortest text in a replacement that stands for the number.
const PLACE: usize = "{number}".len();
/// Quiet times that adjoin are followed so far: a first window and two hundred more, of seven days at most.
const LONGEST_QUIET: SignedDuration = SignedDuration::from_hours(201 * 7 * 24);

/// Reads the lines, and does with each what can be done with it.
///
/// # Panics
/// If something does not hold.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (pattern, replacement, number, caller) = (line(), line(), line(), line());
    let (quiet, dial_string) = (line(), line());
    let (country, city, intl, natl) = (line(), line(), line(), line());
    rules(pattern, replacement, number);
    quiet_time(quiet);
    dialling(dial_string, number);
    let city = Some(city.to_owned()).filter(|city| !city.is_empty());
    let dialplan = Dialplan { country: country.into(), city, intl: intl.into(), natl: natl.into() };
    callers(&dialplan, number, caller);
}

fn rules(pattern: &str, replacement: &str, number: &str) {
    let replacement = Replacement::parse(replacement).ok().inspect(|read| {
        assert_eq!(read.as_str(), replacement);
        let replaced = read.apply(number);
        assert_eq!(replaced, read.apply(number));
        let longest = replacement.len() + replacement.len() / PLACE * number.len();
        assert!(replaced.len() <= longest, "{} bytes of {longest}", replaced.len());
    });
    let pattern = match Pattern::parse(pattern) {
        Ok(read) => {
            assert_eq!(Pattern::parse(read.as_str()), Ok(read.clone()));
            assert!(!read.is_literal() || read.matches(pattern), "a literal does not match itself");
            read
        }
        Err(bad) => {
            assert!((1..=pattern.chars().count().max(1)).contains(&bad.column()), "{bad:?}");
            return;
        }
    };
    let action = replacement.map_or(Action::Reject, Action::Replace);
    let list = NumberRules(vec![NumberRule { pattern, action }]);
    let (link, server, none) = (LinkName::from("trunk"), ServerName::default(), NumberRules::default());
    for (of_link, of_server) in [(&list, &none), (&none, &list)] {
        let lists = RuleLists { direction: Direction::Outgoing, link: (&link, of_link), server: (&server, of_server) };
        let (applied, fits) = (lists.apply(number), list.find(number).is_some());
        assert_eq!(applied, lists.apply(number));
        match applied {
            Ok(mapped) if mapped.rule.is_none() => assert!(!fits && mapped.number == number),
            Ok(mapped) => assert!(fits && !mapped.number.is_empty()),
            Err(rejected) => {
                assert!(fits && rejected.number == number);
                assert_eq!(rejected.why == RejectReason::Rejects, matches!(list.0[0].action, Action::Reject));
            }
        }
    }
}

fn quiet_time(text: &str) {
    let time = match text.parse::<QuietTime>() {
        Ok(time) => time,
        Err(bad) => return assert!(bad.to_string().chars().count() < 400, "{bad}"),
    };
    let written = time.to_string();
    assert_eq!(written.parse().as_ref(), Ok(&time), "{text:?} is written as {written:?}");
    let times = QuietTimes(vec![time]);
    for local in [
        datetime(2026, 11, 25, 14, 1, 20, 0),
        datetime(2024, 2, 29, 23, 59, 59, 999_999_999),
        datetime(2026, 1, 1, 0, 0, 0, 0),
        DateTime::MIN,
        DateTime::MAX,
    ] {
        let end = times.covers(local);
        assert!(end.is_none_or(|end| end > local || local == DateTime::MAX), "{text:?} at {local} ended at {end:?}");
        assert!(
            end.is_none_or(|end| local.duration_until(end) <= LONGEST_QUIET),
            "{text:?} at {local} goes on to {end:?}"
        );
    }
}

fn dialling(template: &str, number: &str) {
    let Ok(dial_string) = DialString::new(template) else { return };
    assert_eq!(dial_string.template(), template);
    let dialled = dial_string.dial(Some(number));
    assert!(dialled.len() <= template.len() + template.len() / PLACE * number.len());
    assert!(dial_string.needs_number() || dialled == template);
    assert_eq!(dial_string.dial(None), template);
    if let Some(destination) = dial_string.destination(Some(number)) {
        assert!(!destination.is_empty() && destination.len() <= dialled.len(), "{destination:?} in {dialled:?}");
    }
    if let Some((tech, endpoint)) = dial_string.endpoint() {
        assert!(template.starts_with(tech) && template.contains(endpoint));
    }
}

fn callers(dialplan: &Dialplan, number: &str, caller: &str) {
    assert_eq!(end_alike(number, caller), end_alike(caller, number));
    let Ok(number) = PhoneNumber::parse(number) else { return };
    assert_eq!(PhoneNumber::parse(number.as_str()).as_ref(), Ok(&number));
    let compared = check_number(dialplan, &number, caller);
    assert_eq!(compared, check_number(dialplan, &number, caller));
    assert_eq!(check_number(dialplan, &number, number.as_str()), Ok(()), "a number is its own caller");
    if let Err(mismatch) = compared {
        assert!(mismatch.to_string().contains(number.as_str()));
    }
}
