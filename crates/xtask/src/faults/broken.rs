//! The other direction: networks that are broken, with harmless faults of the tester on top. Each has to be found out.

use std::sync::Arc;

use fake_asterisk::{Digits, FakeAsterisk, FarEnd, Way};

use super::cell::{Cell, cell_name};
use super::fake_faults::FAULTS;
use super::field::FakeField;
use super::on_fake::Fault;
use super::stage::Stage;
use super::trial::{Right, Trial};
use super::witness::{Blow, When};

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

/// All of them.
pub(crate) const BROKEN: &[Broken] = &[
    by_far_end("no-ringing", "expected ringing, saw no sign of life"),
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
    by_digits("digit-lost", |fake| spoil(fake, Way::ToInbound, Digits::Drop(2))),
    by_digits("digit-changed", |fake| spoil(fake, Way::ToOutbound, Digits::Replace(2, '#'))),
    by_digits("digit-added", |fake| spoil(fake, Way::ToInbound, Digits::Append('9'))),
];

/// Each with each harmless fault, and without any.
pub(crate) fn cells() -> Vec<Cell> {
    let harmless: Vec<&'static Fault> = FAULTS.iter().filter(|fault| fault.hides_nothing()).collect();
    let mut cells = Vec::new();
    for broken in BROKEN {
        for fault in [None].into_iter().chain(harmless.iter().copied().map(Some)) {
            let column = fault.map_or("alone", |fault| fault.name);
            cells.push(Cell {
                name: cell_name("broken", &[broken.name, column]),
                row: broken.name.into(),
                column: column.into(),
                make: Box::new(move || {
                    Box::pin(async move {
                        let faults: Vec<(When, &'static Fault)> =
                            fault.into_iter().map(|fault| (When::At(Stage::Start), fault)).collect();
                        trial(broken, &faults).await?.run().await
                    })
                }),
            });
        }
    }
    cells
}

/// A broken network, and these faults of the tester.
pub(crate) async fn trial(broken: &'static Broken, faults: &[(When, &'static Fault)]) -> anyhow::Result<Trial> {
    let field = FakeField::open().await?;
    (broken.prepare)(&field.fake);
    let blow = |(when, fault): &(When, &'static Fault)| {
        let (when, fault, faults) = (*when, *fault, field.faults());
        Blow { when, act: Box::new(move || fault.strike(faults)), what: format!("{} at {when:?}", fault.name) }
    };
    let blows = faults.iter().map(blow).collect();
    let heal = field.faults();
    Ok(Trial {
        field: Arc::clone(&field) as Arc<_>,
        test: broken.name.into(),
        overrides: Vec::new(),
        by_way_of: None,
        blows,
        needs_all_blows: false,
        heal: Box::new(move || heal.heal()),
        right: Right::Fail,
        reason: broken.reason,
        back_within: std::time::Duration::from_secs(3),
        goes_unnoticed: false,
        spares_stranger: true,
        passes_afterwards: false,
        state: None,
    })
}
