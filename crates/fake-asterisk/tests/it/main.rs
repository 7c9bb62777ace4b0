//! The fake server, driven by a plain HTTP and WebSocket client that knows nothing of ARI.

mod calls;
mod client;
mod connections;
mod event_faults;
mod faults;
mod recordings;
mod rest;
mod sounds;
