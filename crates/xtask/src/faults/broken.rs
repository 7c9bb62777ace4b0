//! The other direction: networks that are broken, with harmless faults of the tester on top. Each has to be found out.

use fake_asterisk::{Digits, FakeAsterisk, FarEnd, Faults, Way};

use super::allowed::Allowed;
use super::cell::Cell;
use super::fake_faults::FAULTS;
use super::fault::Fault;
use super::on_fake::{self, Schedule};
use super::stage::Stage;
use super::trial::Trial;
use super::witness::When;

/// A way in which the network is broken, the test that has to notice, and what it has to say.
pub(crate) struct Broken {
    /// Also the name of its test.
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    /// What the fake has to do for it, where the far end that the test calls is not enough.
    prepare: fn(&FakeAsterisk),
    /// What the configuration says besides, on a real server; `None` where a real one will not do that on demand.
    pub(crate) on_real: Option<&'static str>,
}

const fn by_far_end(name: &'static str, reason: &'static str) -> Broken {
    Broken { name, reason, prepare: |_| {}, on_real: Some("") }
}

const fn by_digits(name: &'static str, prepare: fn(&FakeAsterisk)) -> Broken {
    Broken { name, reason: "digits", prepare, on_real: None }
}

fn spoil(fake: &FakeAsterisk, way: Way, how: Digits) {
    fake.set_far_end("Local/trunk@direct", FarEnd::arrives().alters_digits(way, how));
}

pub(crate) const BROKEN: &[Broken] = &[
    by_far_end("no-ringing", "expected ringing, saw neither ringing, answer nor rejection"),
    by_far_end("no-answer", "expected an answer, saw only ringing"),
    by_far_end("busy", "17 user busy, expected an answer"),
    by_far_end("busy-ring", "17 user busy, expected ringing"),
    by_far_end("hangs-up", "the call ended"),
    by_far_end("no-rejection", "expected a rejection, saw only ringing"),
    by_far_end("answered", "expected no answer"),
    by_far_end("too-soon", "expected between"),
    by_far_end("no-arrival", "no call arrived"),
    by_far_end("elsewhere", "no call arrived"),
    by_far_end("nobody-calls", "no call arrived"),
    Broken {
        name: "caller-id",
        reason: "expected caller ID",
        prepare: |fake| fake.set_far_end("Local/trunk@direct", FarEnd::arrives().shows_caller("somebody", "999")),
        on_real: Some("links.fone1.channel=Local/{number}@masked"),
    },
    Broken {
        name: "withheld",
        reason: "the number is withheld",
        prepare: |fake| fake.set_far_end("Local/trunk@direct", FarEnd::arrives().shows_caller("", "anonymous")),
        on_real: Some("links.fone1.channel=Local/{number}@hidden"),
    },
    by_far_end("shown", "expected the caller ID to be withheld"),
    by_far_end("not-diverted", "it says nothing of a diversion"),
    by_digits("digit-lost", |fake| spoil(fake, Way::ToInbound, Digits::Drop(2))),
    by_digits("digit-changed", |fake| spoil(fake, Way::ToOutbound, Digits::Replace(2, '#'))),
    by_digits("digit-added", |fake| spoil(fake, Way::ToInbound, Digits::Append('9'))),
];

/// Each with each harmless fault, and without any.
pub(crate) fn cells() -> Vec<Cell> {
    let harmless: Vec<&'static Fault<Faults>> = FAULTS.iter().filter(|fault| fault.hides_nothing()).collect();
    let mut cells = Vec::new();
    for broken in BROKEN {
        for fault in [None].into_iter().chain(harmless.iter().copied().map(Some)) {
            let column = fault.map_or("alone", |fault| fault.name);
            cells.push(Cell::new(&["broken", broken.name, column], broken.name, column, move || async move {
                let faults = fault.into_iter().map(|fault| (When::At(Stage::Start), fault)).collect();
                trial(broken, &faults).await?.run().await
            }));
        }
    }
    cells
}

/// A broken network, and these faults of the tester.
pub(crate) async fn trial(broken: &'static Broken, faults: &Schedule) -> anyhow::Result<Trial> {
    let trial = on_fake::trial(broken.name, Allowed::Fail, faults, broken.prepare).await?;
    // The faults are harmless, so whether each had its time does not matter.
    Ok(Trial { needs_all_injections: false, spares_bystander: true, ..trial.of_broken_network(broken.reason) })
}
