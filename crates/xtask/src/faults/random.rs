//! Schedules of faults that are drawn at random: what is drawn follows from a seed and the schedule's number alone, so each
//! can be tried again by itself.

use std::sync::Arc;
use std::time::Duration;

use super::broken::{self, BROKEN};
use super::cell::{Cell, cell_name};
use super::fake_faults::FAULTS;
use super::field::FakeField;
use super::on_fake::Fault;
use super::stage::Kind;
use super::trial::{Right, Trial};
use super::witness::{Blow, When};

/// Up to how late in a run a fault strikes, in milliseconds: a good call of any mode is over by then.
const LATEST: u64 = 2800;
/// How many faults a schedule has at most.
const MOST: u64 = 4;
/// In one schedule of so many the network is broken as well.
const BROKEN_EVERY: u32 = 5;
/// The longest time that a connection may take to be back after several faults at once: after a long outage, the next
/// attempt is at most fifteen seconds away, and may still meet with the rest of another fault.
const BACK_WITHIN: Duration = Duration::from_secs(45);

/// What happens in one schedule.
struct Schedule {
    kind: Kind,
    /// Which broken network, if it is one.
    broken: Option<usize>,
    faults: Vec<(When, &'static Fault)>,
}

/// `SplitMix64`: small, and the same in every version of everything, which a library's generator does not promise.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of that many.
    fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    fn one_of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        &from[index]
    }
}

impl Schedule {
    fn draw(seed: u64, number: u32) -> Self {
        let mut draw = Draw(seed ^ u64::from(number).wrapping_mul(0xd605_bbb5_8c8a_bbfd));
        // Neighbouring seeds have nothing in common after this.
        draw.next();
        let is_broken = number % BROKEN_EVERY == BROKEN_EVERY - 1;
        let broken = is_broken.then(|| usize::try_from(draw.below(BROKEN.len() as u64)).unwrap_or(0));
        let kind = *draw.one_of(&Kind::ALL);
        let harmless: Vec<&'static Fault> = FAULTS.iter().filter(|fault| fault.hides_nothing()).collect();
        let all: Vec<&'static Fault> = FAULTS.iter().collect();
        let count = 1 + draw.below(MOST);
        let mut faults: Vec<(When, &'static Fault)> = Vec::new();
        for _ in 0..count {
            let fault = *draw.one_of(if is_broken { &harmless } else { &all });
            // Several stops may well be too long together for a test's limits.
            let is_second_stop = fault.lasts.is_some() && faults.iter().any(|(_, other)| other.lasts.is_some());
            let when = When::After(Duration::from_millis(draw.below(LATEST)));
            if !(is_broken && is_second_stop) {
                faults.push((when, fault));
            }
        }
        Self { kind, broken, faults }
    }

    async fn trial(&self) -> anyhow::Result<Trial> {
        if let Some(broken) = self.broken {
            return broken::trial(&BROKEN[broken], &self.faults).await;
        }
        let field = FakeField::open().await?;
        let blow = |(when, fault): &(When, &'static Fault)| {
            let (when, fault, faults) = (*when, *fault, field.faults());
            Blow { when, act: Box::new(move || fault.strike(faults)), what: format!("{} at {when:?}", fault.name) }
        };
        let heal = field.faults();
        Ok(Trial {
            field: Arc::clone(&field) as Arc<_>,
            test: self.kind.word().into(),
            overrides: Vec::new(),
            by_way_of: None,
            blows: self.faults.iter().map(blow).collect(),
            needs_all_blows: false,
            heal: Box::new(move || heal.heal()),
            right: if self.faults.iter().all(|(_, fault)| fault.hides_nothing()) {
                // Together, several delays may be too much for a limit of the test.
                if self.faults.len() == 1 { Right::Pass } else { Right::PassOrError }
            } else {
                Right::PassOrError
            },
            reason: "",
            back_within: BACK_WITHIN,
            goes_unnoticed: true,
            spares_stranger: self.faults.iter().all(|(_, fault)| fault.spares_stranger),
            passes_afterwards: true,
            state: None,
        })
    }
}

/// So many schedules of a seed.
pub(crate) fn cells(seed: u64, count: u32) -> Vec<Cell> {
    let cell = |number: u32| {
        let schedule = Schedule::draw(seed, number);
        let column = schedule.broken.map_or("no `fail`", |_| "`fail`");
        let row = schedule.broken.map_or(schedule.kind.word(), |broken| BROKEN[broken].name);
        let make = move || Box::pin(async move { Schedule::draw(seed, number).trial().await?.run().await }) as _;
        Cell {
            name: cell_name("random", &[&number.to_string()]),
            row: row.into(),
            column: column.into(),
            make: Box::new(make),
        }
    };
    (0..count).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(seed: u64, number: u32) -> String {
        let schedule = Schedule::draw(seed, number);
        let faults: Vec<_> = schedule.faults.iter().map(|(when, fault)| (when, fault.name)).collect();
        format!("{:?} {:?} {faults:?}", schedule.kind, schedule.broken)
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        let stories = |seed: u64| (0..50).map(|number| story(seed, number)).collect::<Vec<_>>();
        assert_eq!(stories(7), stories(7));
        let (seven, eight) = (stories(7), stories(8));
        let alike = seven.iter().zip(&eight).filter(|(one, other)| one == other).count();
        assert!(alike < 3, "{alike}");
    }
}
