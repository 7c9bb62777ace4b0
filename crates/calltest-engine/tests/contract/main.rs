//! The scripted engine keeps what every engine has to keep, in virtual time; and each promise, once broken, is seen to be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

mod bench;
mod broken;
mod kept;
