//! Everything that outlives a run: which test runs when, how each fares, and who is told.
//!
//! The dispatcher is a synchronous machine that owns the board; a loop around it carries out what it decides and answers the
//! HTTP interface. Nobody else changes the board. How a run is carried out is left to `calltest-runner`; how its form on the
//! wire looks, to `calltest-report`.

mod api;
mod board;
mod commanded;
mod daemon;
mod digest;
mod dispatcher;
mod due_queue;
mod entry;
mod handle;
mod history;
mod instance_lock;
mod link_state;
mod lists;
mod loop_observer;
mod mute;
mod now;
mod path;
mod plan_changes;
mod reload;
mod restore;
mod schedule;
mod silence;
mod spending;
mod test_state;
mod wall_clock;

pub use api::Interface;
pub use commanded::Commanded;
pub use daemon::{Daemon, Options, ServeError};
pub use digest::digest;
pub use instance_lock::{Instance, InstanceLock, LockError};
pub use path::path_segment;
pub use reload::{Load, Rejection};
