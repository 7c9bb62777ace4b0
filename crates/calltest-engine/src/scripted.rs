//! An engine that follows a script, for tests of whatever lies above the seam.
//!
//! A [`World`] has servers, each with an engine of its own, and a [`Story`] says what becomes of the calls on them. Nothing
//! here touches a network or starts a thread, and all waiting is done on tokio's clock, so a test in paused time takes no
//! time at all:
//!
//! ```
//! use calltest_core::evidence::Side;
//! use calltest_engine::scripted::{Sign, Story, World};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let story = Story::of_good_call().without(Side::Src, Sign::Ringing);
//! let world = World::of(story);
//! // … hand the world to a runner as its connector, run a test, and then:
//! assert_eq!(world.calls_up(), [""; 0]);
//! # }
//! ```
//!
//! A story begins with one of three networks: [`Story::of_good_call`] brings a call from one link to another,
//! [`Story::of_call_out`] leads to a far end, [`Story::of_call_in`] has somebody call. All three are perfect. What is to go
//! wrong is added, each by a word of its own. What a story has no word for is a rule: [`Story::when`] something happens,
//! after so long something else does.

mod act;
mod agenda;
mod arriving;
mod calls;
mod clock;
mod digits;
mod engine;
mod leg;
mod network;
mod server;
mod sign;
mod sound;
mod state;
mod story;
mod world;

pub use act::{Act, Incoming, Whose};
pub use calls::Given;
pub use server::{ScriptedServer, SightScript};
pub use sign::{CommandKind, Sign};
pub use sound::{Recorded, wav};
pub use story::{Moment, Story, When};
pub use world::World;
