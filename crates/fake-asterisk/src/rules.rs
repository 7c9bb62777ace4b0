//! The faults in requests and events that are in force, and what each does. How a test adds them is in `faults`.

mod events;
mod requests;
mod selection;

pub(crate) use events::{EventAction, EventMatcher, EventRules, about_a_stranger, garbled, truncated};
pub(crate) use requests::{Delivery, Fate, RequestAction, RequestMatcher, RequestRules, Treatment};
pub(crate) use selection::Selection;

use crate::chance::Chance;

/// Gives each fault its number and its chance.
#[derive(Debug, Default)]
pub(crate) struct FaultDraws {
    drawn: u64,
}

impl FaultDraws {
    pub(crate) fn draw(&mut self) -> (u64, Chance) {
        self.drawn += 1;
        // Far from each other, so that no two faults strike in step.
        (self.drawn, Chance::seeded(self.drawn.wrapping_mul(0xa076_1d64_78bd_642f)))
    }
}
