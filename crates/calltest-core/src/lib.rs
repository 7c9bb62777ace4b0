//! What a call test means and how it is judged.
//!
//! This crate holds the words that all the others share: the [`plan`] (what is configured), the [`evidence`] that a run
//! gathers, the [`expectation`] it is held against, the [`judge`] that compares the two, and the [`event`]s that tell the
//! world about it. It does no I/O, spawns nothing, reads no clock and draws no random numbers: time and random values
//! are arguments. So every rule in here is a table that a test can spell out.

pub mod abilities;
pub mod awaiting;
pub mod call_volume;
pub mod caller;
pub mod cause;
pub mod code;
pub mod dial_string;
pub mod dtmf;
pub mod event;
pub mod evidence;
pub mod expectation;
pub mod guard;
pub mod inbound_route;
pub mod judge;
mod legible;
pub mod measures;
pub mod media;
pub mod name;
pub mod number;
pub mod number_rule;
mod observation;
pub mod outbound_route;
pub mod plan;
pub mod quiet;
mod repeated;
pub mod run;
pub mod side;
pub mod streak;
pub mod trouble;
pub mod verdict;
