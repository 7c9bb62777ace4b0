//! Everything that outlives a run: which test runs when, how each fares, and who is told.
//!
//! The dispatcher is a synchronous machine that owns the board; a loop around it carries out what it decides and answers the
//! HTTP interface. Nobody else changes the board. How a run is carried out is left to `calltest-runner`; how its form on the
//! wire looks, to `calltest-report`.

mod api;
mod board;
mod daemon;
mod dispatcher;
mod entry;
#[expect(unused_imports, reason = "wired in by the next change")]
#[cfg_attr(not(test), expect(dead_code, reason = "wired in by the next change"))]
mod history;
mod schedule;

pub use daemon::{Daemon, ServeError};
