//! The seam between a call and what carries it.
//!
//! Above it are modes, waits, matching of calls, guard and judge: they say *dial, answer, send digits*, and learn what came
//! of it as [observations](calltest_core::evidence::Observation). Below it is an [`Engine`]: Asterisk today, a telephone of
//! our own or another site later. Commands are data, so that they can be sent elsewhere and compared in tests.
//!
//! What an engine promises. With the feature `scripted`, the module `contract` has a check of each:
//!
//! - **Listen first, act second.** Whatever happens to a call after [`Permit::dial`] or [`IncomingCall::claim`] has returned
//!   a leg is told, and so is every call that comes in after [`Engine::listen`] has.
//! - **Nothing is dropped.** What is told goes into one bounded queue a run ([`queue`]), in the order in which the engine
//!   learnt of it. A queue that is full ends with an error.
//! - **A call that comes in is told before it is rejected**, so a run hears of it before it hears of what follows.
//! - **A refusal says what it means** ([`Refused`]): the leg is over, nobody knows, or no.
//! - **A leg that is dropped is hung up**, and one that has [ended](Leg::end) is gone, or what is left of it is named.
//! - **What was heard outlives its leg**, and can be [fetched](Leg::fetch) after the leg's end.
//! - **Whatever a server does, an engine comes back**: each request has a limit of the engine's own.
//! - **Silence is the engine's to explain**: [`Engine::sight`] asks now, and says from which silence on it proves nothing.

mod arriving;
#[cfg(feature = "scripted")]
pub mod contract;
mod engine;
mod leg;
#[cfg(feature = "scripted")]
pub mod scripted;
mod seen;

pub use arriving::{Arriving, Claim, IncomingCall};
pub use engine::{
    Connector, Dialling, EndpointStatus, Engine, Host, Listening, Outgoing, Permit, Scrutiny, Sighting, Undialled,
    Unready,
};
pub use futures_util::future::BoxFuture;
pub use leg::{Command, Left, Leg, NotHeard, Pace, Refused, Sound};
pub use seen::{Observations, Seen, Sink, queue};
