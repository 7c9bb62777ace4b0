//! Which facts of a run its report has: all of them, unless strangers or a broken network repeat one without end.
//!
//! Only what is shown is bounded here. The judge has had all facts by then.

use std::collections::{BTreeMap, HashMap};
use std::mem::discriminant;

use calltest_core::evidence::{Fact, Observation};

use crate::fact::TimelineEntry;

/// How many calls that are not the run's own are shown, of each kind: one more says nothing new.
const MOST_OTHER_CALLS: u64 = 5;
/// How many facts of any other kind are shown of each side. A test sends and receives 1000 digits at most.
const MOST_OF_A_KIND: u64 = 1000;

/// The facts that are shown, and how many of each kind are not.
pub(crate) struct Timeline {
    pub(crate) entries: Vec<TimelineEntry>,
    pub(crate) left_out: BTreeMap<String, u64>,
}

/// What is shown of these facts.
pub(crate) fn of(facts: &[Fact]) -> Timeline {
    let mut timeline = Timeline { entries: Vec::with_capacity(facts.len().min(64)), left_out: BTreeMap::new() };
    let mut seen = HashMap::new();
    for fact in facts {
        let number: &mut u64 = seen.entry((fact.side, discriminant(&fact.what))).or_default();
        *number += 1;
        let entry = TimelineEntry::from(fact);
        if *number <= most(&fact.what) {
            timeline.entries.push(entry);
        } else {
            *timeline.left_out.entry(entry.fact).or_default() += 1;
        }
    }
    timeline
}

fn most(what: &Observation) -> u64 {
    match what {
        Observation::Stranger { .. } | Observation::WrongCall { .. } => MOST_OTHER_CALLS,
        _ => MOST_OF_A_KIND,
    }
}

/// What is left out, in words; `kind` is the kind of a fact on the wire.
pub(crate) fn words_of_left_out(kind: &str, count: u64) -> String {
    match kind {
        "stranger" => format!("and {count} more other calls that were rejected"),
        "misfit" => format!("and {count} more calls that are not this test's and were rejected"),
        "digit_received" => format!("and {count} more digits received"),
        kind => format!("and {count} more of the kind {kind}"),
    }
}
