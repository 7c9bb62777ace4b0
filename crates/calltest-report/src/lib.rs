//! Finished runs as bytes for people and programs: one file per format.
//!
//! What strangers wrote, such as a caller ID, gets into a line for people only as [`plain_text`] lets it.
//!
//! [`run::Report`] is the wire form of a finished run, the same wherever one is written or served. Nothing in here looks at
//! the world: colour, width and the destination are the caller's.

pub mod fact;
pub mod finding;
mod json_text;
pub mod plain_text;
pub mod run;
pub mod text;
mod timeline;
