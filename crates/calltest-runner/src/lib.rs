//! How one call test is carried out and cleaned up.
//!
//! A [`Runner`] holds the connections to the servers of a plan. [`Runner::run`] waits for the links of a test, goes through
//! the script of its mode, ends the call, and has the evidence judged. What carries the calls is behind the seam of
//! `calltest-engine`: nothing in here knows what that is. Nor does it know a schedule: when to run what is left to
//! `calltest run` and the daemon, which both go through here.

mod archive;
mod call;
mod calls_out;
mod connection;
mod control;
mod expected;
mod finish;
mod forwarded;
mod guard;
mod inbox;
mod late_calls;
mod lease;
mod legs;
mod loop_watch;
mod modes;
mod recorder;
mod recording;
mod runner;
mod servers;
mod switchboard;
mod verbs;
mod waits;
pub mod wav;

use calltest_core::event::{RunEvent, ServerEvent};

pub use archive::MAX_ARCHIVED;
pub use control::Control;
pub use guard::{Budgets, CallLog, CallLogError, CountedCall};
pub use lease::{LeaseRequest, LeaseSet, Leases, LocalLeases, Resource, Want};
pub use runner::{RECORDINGS, Runner, Setup};
pub use servers::Servers;

/// Whoever wants to know what happens. It is told in the midst of a call, so it must return at once.
pub trait Observer: Send + Sync {
    /// Something happened to a run.
    fn run_event(&self, event: RunEvent);

    /// Something happened to the connection to a server.
    fn server_event(&self, event: ServerEvent);
}
