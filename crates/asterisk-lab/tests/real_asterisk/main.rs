//! The lab with real Asterisk servers: one program for all of it, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helping functions too")]

mod calls;
mod configuration;
mod eventually;
mod far_ends;
mod lifecycle;
mod proxies;
mod sockets;
mod vanished;
