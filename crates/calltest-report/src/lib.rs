//! Finished runs as bytes for people and programs: one file per format.
//!
//! [`run::Report`] is the wire form of a finished run, the same wherever one is written or served. Nothing in here looks at
//! the world: colour, width and the destination are the caller's.

pub mod fact;
pub mod finding;
pub mod run;
pub mod text;
