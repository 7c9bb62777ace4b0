//! Schedules of faults that are drawn at random: what is drawn follows from a seed and the schedule's number alone, so each
//! can be tried again by itself.

use std::time::Duration;

use fake_asterisk::Faults;

use super::allowed::Allowed;
use super::broken::{self, BROKEN};
use super::cell::Cell;
use super::fake_faults::FAULTS;
use super::fault::Fault;
use super::on_fake::{self, Schedule};
use super::stage::Kind;
use super::trial::Trial;
use super::witness::When;
use crate::draw::Draw;

/// Up to how late in a run a fault strikes, in milliseconds: a good call of any mode is over by then.
const LATEST: u64 = 2800;
/// How many faults a schedule has at most.
const MOST: usize = 4;
/// In one schedule of so many the network is broken as well.
const BROKEN_EVERY: u32 = 5;
/// The longest time that a connection may take to be back after several faults at once: after a long outage, the next
/// attempt is at most fifteen seconds away, and may still meet with the rest of another fault.
const BACK_WITHIN: Duration = Duration::from_secs(45);

/// What happens in one schedule.
struct Drawn {
    kind: Kind,
    /// Which broken network, if it is one.
    broken: Option<usize>,
    faults: Schedule,
}

impl Drawn {
    fn draw(seed: u64, number: u32) -> Self {
        let mut draw = Draw::seeded(seed ^ u64::from(number).wrapping_mul(0xd605_bbb5_8c8a_bbfd));
        // Neighbouring seeds have nothing in common after this.
        draw.number();
        let is_broken = number % BROKEN_EVERY == BROKEN_EVERY - 1;
        let broken = is_broken.then(|| draw.below(BROKEN.len()));
        let kind = *draw.one_of(&Kind::ALL);
        let harmless: Vec<&'static Fault<Faults>> = FAULTS.iter().filter(|fault| fault.hides_nothing()).collect();
        let all: Vec<&'static Fault<Faults>> = FAULTS.iter().collect();
        let count = 1 + draw.below(MOST);
        let mut faults = Schedule::new();
        for _ in 0..count {
            let fault = *draw.one_of(if is_broken { &harmless } else { &all });
            // Several stops may well be too long together for a test's limits.
            let is_second_stop = fault.lasts.is_some() && faults.iter().any(|(_, other)| other.lasts.is_some());
            let when = When::After(Duration::from_millis(draw.number() % LATEST));
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
        // Together, several delays may be too much for a limit of the test.
        let is_harmless = self.faults.len() == 1 && self.faults.iter().all(|(_, fault)| fault.hides_nothing());
        let allowed = if is_harmless { Allowed::Pass } else { Allowed::PassOrError };
        let trial = on_fake::trial(self.kind.word(), allowed, &self.faults, |_| {}).await?;
        Ok(Trial { needs_all_injections: false, back_within: BACK_WITHIN, goes_unnoticed: true, ..trial })
    }
}

/// So many schedules of a seed.
pub(crate) fn cells(seed: u64, count: u32) -> Vec<Cell> {
    let cell = |number: u32| {
        let schedule = Drawn::draw(seed, number);
        let column = schedule.broken.map_or("no `fail`", |_| "`fail`");
        let row = schedule.broken.map_or(schedule.kind.word(), |broken| BROKEN[broken].name);
        Cell::new(&["random", &number.to_string()], row, column, move || async move {
            Drawn::draw(seed, number).trial().await?.run().await
        })
    };
    (0..count).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(seed: u64, number: u32) -> String {
        let schedule = Drawn::draw(seed, number);
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
