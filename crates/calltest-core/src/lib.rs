//! What a call test means and how it is judged.
//!
//! This crate holds the words that all the others share: the [`plan`] (what is configured), the [`evidence`] that a run
//! gathers, the [`expectation`] it is held against, the [`judge`] that compares the two, and the [`event`]s that tell the
//! world about it. It does no I/O, spawns nothing, reads no clock and draws no random numbers: time and random values
//! are arguments. So every rule in here is a table that a test can spell out.

pub mod cause;
pub mod dial_string;
pub mod dtmf;
pub mod event;
pub mod evidence;
pub mod expectation;
pub mod guard;
pub mod judge;
pub mod measures;
pub mod number;
pub mod number_rule;
pub mod plan;
pub mod quiet;
mod repeated;
pub mod run;
pub mod streak;
pub mod verdict;
pub mod way_in;
pub mod way_out;
