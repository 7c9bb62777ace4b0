//! Trials on the fake: each fault of the tester's side at each stage of each mode. The faults themselves are a table in
//! `fake_faults`.

use std::sync::Arc;
use std::time::Duration;

use fake_asterisk::Faults;

use super::cell::{Cell, cell_name};
use super::fake_faults::{AFTER_LONG, FAULTS};
use super::field::FakeField;
use super::stage::{Kind, Stage};
use super::trial::{Right, Trial};
use super::witness::{Blow, When};

/// A fault.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Begins it.
    pub(crate) strikes: fn(&Faults),
    /// When it is over by itself; else it lasts until the run is over.
    pub(crate) lasts: Option<Duration>,
    pub(crate) right: fn(Kind, Stage) -> Right,
    /// Why that is right.
    pub(crate) why: &'static str,
    /// How long after it is over the connection may take to be back: the pauses between attempts grow with the time that
    /// it was away (`calltest-ari/src/backoff.rs`).
    pub(crate) back_within: Duration,
    pub(crate) spares_stranger: bool,
}

impl Fault {
    /// Whether the connection looks well for a while though nothing comes through.
    fn goes_unnoticed(&self) -> bool {
        self.back_within == AFTER_LONG
    }

    /// Whether a network that is broken still has to be found out.
    pub(crate) fn hides_nothing(&self) -> bool {
        // Frames that cannot be read may have been what is missing, and of some rejections only a `Dial` tells the cause.
        let hides_some = ["nonsense-between", "dial-events-lost"];
        (self.right)(Kind::Dtmf, Stage::Answered) == Right::Pass && !hides_some.contains(&self.name)
    }

    /// Which verdicts are right in the midst of a call, or before it where that makes the difference.
    pub(crate) fn right_words(&self) -> &'static str {
        (self.right)(Kind::Dtmf, Stage::Answered).words()
    }

    /// Begins it on a field, and sees to its end if it ends by itself.
    pub(crate) fn strike(&'static self, faults: Faults) {
        (self.strikes)(&faults);
        if let Some(time) = self.lasts {
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                // Rules for requests and events last until all is healed: what they hold back must not be overtaken.
                faults.thaw();
                faults.accept_connections();
                faults.register();
            });
        }
    }
}

/// The cells of these modes.
pub(crate) fn cells(kinds: &[Kind], one_stage_each: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (row, fault) in FAULTS.iter().enumerate() {
        for (column, kind) in kinds.iter().enumerate() {
            let stages = kind.stages();
            // Another stage for each fault and mode, so that each stage has its turn.
            let chosen = if one_stage_each { &stages[(row + 3 * column) % stages.len()..][..1] } else { stages };
            for stage in chosen {
                cells.push(cell(fault, *kind, *stage));
            }
        }
    }
    cells
}

fn cell(fault: &'static Fault, kind: Kind, stage: Stage) -> Cell {
    Cell {
        name: cell_name("fake", &[fault.name, kind.word(), stage.word()]),
        row: fault.name.into(),
        column: kind.word().into(),
        make: Box::new(move || Box::pin(async move { trial(fault, kind, stage).await?.run().await })),
    }
}

async fn trial(fault: &'static Fault, kind: Kind, stage: Stage) -> anyhow::Result<Trial> {
    let field = FakeField::open().await?;
    let (faults, heal) = (field.faults(), field.faults());
    let act = move || fault.strike(faults);
    let what = format!("{} at {}", fault.name, stage.word());
    Ok(Trial {
        field: Arc::clone(&field) as Arc<_>,
        test: kind.word().into(),
        overrides: Vec::new(),
        by_way_of: None,
        blows: vec![Blow { when: When::At(stage), act: Box::new(act), what }],
        needs_all_blows: true,
        heal: Box::new(move || {
            // What ends by itself may still last.
            if fault.lasts.is_none() {
                heal.heal();
            }
        }),
        right: (fault.right)(kind, stage),
        reason: "",
        back_within: fault.back_within + fault.lasts.unwrap_or_default(),
        goes_unnoticed: fault.goes_unnoticed(),
        spares_stranger: fault.spares_stranger,
        passes_afterwards: true,
        state: None,
    })
}
