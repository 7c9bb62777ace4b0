//! The modes and the judge on the scripted engine: no network, no waiting, and every sentence compared in full.
//!
//! What becomes of a call is told by a story of `calltest_engine::scripted`. A new case is most often a new row in one of the
//! files below `table/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

mod arrival;
mod called_off;
mod digits;
mod forwarding;
mod hard_cases;
mod late_calls;
mod latecomers;
mod media;
mod modes;
mod one_call;
mod online;
mod passes;
mod recordings;
mod slow_disks;
mod stage;
mod switchboard;
mod table;
mod troubles;
mod two_servers;
