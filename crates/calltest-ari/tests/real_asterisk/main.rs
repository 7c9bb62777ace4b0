//! The client against a real Asterisk: what the unit tests and the scripted faults cannot know.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

mod calls;
mod certificates;
mod connecting;
mod owning;
mod setup;
mod ways;
