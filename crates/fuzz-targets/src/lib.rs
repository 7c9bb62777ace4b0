//! What the fuzz targets do with an input, and what must hold then: one file for each target, with a `check` that panics
//! if it does not hold.
//!
//! The programs that libFuzzer drives are in `fuzz/`, outside of this workspace. The tests of this crate give the same code
//! the corpus that is kept there, without a sanitizer. Every form of input is text that can be read and written by hand,
//! but for recordings.

pub mod answers;
pub mod api;
pub mod configuration;
pub mod events;
pub mod number_rules;
pub mod wav;

/// A kind of input that comes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What it is called, also as a folder and a program in `fuzz/`.
    pub name: &'static str,
    /// Panics if something does not hold.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "answers", check: answers::check },
    Target { name: "api", check: api::check },
    Target { name: "configuration", check: configuration::check },
    Target { name: "events", check: events::check },
    Target { name: "number_rules", check: number_rules::check },
    Target { name: "wav", check: wav::check },
];
