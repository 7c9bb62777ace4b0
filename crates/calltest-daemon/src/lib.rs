//! Everything that outlives a run: which test runs when, how each fares, and who is told.
//!
//! The dispatcher is a synchronous machine that owns the board; a loop around it carries out what it decides and answers the
//! HTTP interface. Nobody else changes the board. How a run is carried out is left to `calltest-runner`; how its form on the
//! wire looks, to `calltest-report`.

mod agenda;
mod api;
mod board;
mod daemon;
mod digest;
mod dispatcher;
mod entry;
mod handle;
mod history;
mod memory;
mod mute;
mod reload;
mod schedule;
mod seat;
mod wall_clock;

pub use api::Interface;
pub use daemon::{Daemon, Options, ServeError};
pub use digest::digest;
pub use reload::{Load, Rejection};
pub use seat::{Holder, Seat, SeatError};
