//! Trials on the fake: each fault of the tester's side at each stage of each mode. The faults themselves are a table in
//! `fake_faults`.

use std::sync::Arc;

use fake_asterisk::{FakeAsterisk, Faults};

use super::allowed::Allowed;
use super::cell::Cell;
use super::fake_faults::{self, FAULTS};
use super::fault::Fault;
use super::stage::{Kind, Stage, chosen};
use super::test_bed::FakeBed;
use super::trial::{Finding, Trial};
use super::witness::When;

/// Faults of one run, each with its moment.
pub(crate) type Schedule = Vec<(When, &'static Fault<Faults>)>;

/// The cells of these modes.
pub(crate) fn cells(kinds: &[Kind], one_stage_each: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (row, fault) in FAULTS.iter().enumerate() {
        for (column, kind) in kinds.iter().copied().enumerate() {
            // Another stage for each fault and mode, so that each stage has its turn.
            for stage in chosen(kind.stages(), row + 3 * column, one_stage_each).iter().copied() {
                let name = ["fake", fault.name, kind.word(), stage.word()];
                cells.push(Cell::new(&name, fault.name, kind.word(), move || try_it(fault, kind, stage)));
            }
        }
    }
    cells
}

async fn try_it(fault: &'static Fault<Faults>, kind: Kind, stage: Stage) -> anyhow::Result<Finding> {
    let allowed = (fault.allowed)(kind, stage);
    let trial = trial(kind.word(), allowed, &vec![(When::At(stage), fault)], |_| {}).await?;
    let heal = trial.heal;
    let trial = Trial {
        heal: Box::new(move || {
            // What ends by itself may still last.
            if fault.lasts.is_none() {
                heal();
            }
        }),
        back_within: fault.back_within + fault.lasts.unwrap_or_default(),
        goes_unnoticed: fault.goes_unnoticed,
        ..trial
    };
    trial.run().await
}

/// A run of this test on a fake of its own, which is prepared first, with these faults.
pub(crate) async fn trial(
    test: &str,
    allowed: Allowed,
    faults: &Schedule,
    prepare: fn(&FakeAsterisk),
) -> anyhow::Result<Trial> {
    let bed = FakeBed::open().await?;
    prepare(&bed.fake);
    let handle = bed.fake.faults();
    let injections = faults.iter().map(|(when, fault)| fault.injection(*when, &handle, fake_faults::end));
    Ok(Trial {
        injections: injections.collect(),
        spares_bystander: faults.iter().all(|(_, fault)| fault.spares_bystander),
        heal: Box::new(move || handle.heal()),
        ..Trial::new(Arc::clone(&bed) as Arc<_>, test, allowed)
    })
}
