//! How one call test is carried out and cleaned up.
//!
//! A [`Runner`] holds the connections to the servers of a plan. [`Runner::run`] waits for the links of a test, goes through
//! the script of its mode, ends the call, and has the evidence judged. It knows no schedule: when to run what is left to
//! `calltest run` and the daemon, which both go through here.

mod archive;
mod call;
mod channel_id;
mod control;
mod doctor;
mod ending;
mod guard;
mod lease;
mod leavings;
mod leg;
mod loop_watch;
mod modes;
mod observe;
mod reception;
mod recording;
mod runner;
mod servers;
mod sweep;
mod trigger;
mod verbs;
mod version;
pub mod wav;
mod wire;

use calltest_core::event::{RunEvent, ServerEvent};

pub use archive::MAX_ARCHIVED;
pub use control::Control;
pub use doctor::doctor;
pub use guard::{BookError, GuardBook};
pub use lease::{BoxFuture, LeaseRequest, LeaseSet, Leases, LocalLeases, Resource, Want};
pub use runner::{RECORDINGS, Runner, Setup};
pub use servers::{Identity, Servers};

/// Whoever wants to know what happens. It is told in the midst of a call, so it must return at once.
pub trait Observer: Send + Sync {
    /// Something happened to a run.
    fn run_event(&self, event: RunEvent);

    /// Something happened to the connection to a server.
    fn server_event(&self, event: ServerEvent);
}
