//! The engine on Asterisk: carries calls by ARI, as the seam of `calltest-engine` wants it.
//!
//! Everything that only Asterisk knows stays in here: ids of channels, Stasis arguments and the moment from which on a
//! channel takes commands, the two halves of Local channels, soft hang-ups, snoop channels, recordings and playbacks, who
//! owns the app, and what earlier runs may have left. What comes out are observations.
//!
//! [`doctor`](fn@doctor) looks for faults in a server's set-up. It is no word of the seam, but a plain function.

mod advice;
mod channel;
mod channel_id;
mod channel_state;
mod cleanup;
mod connector;
mod contacts;
mod doctor;
mod draining;
mod endpoint_settings;
mod endpoint_status;
mod engine;
mod follower;
mod forwarding;
mod hang_up;
mod identity;
mod incoming;
mod leftovers;
mod leg;
mod limit;
mod measure;
mod observe;
mod originate;
mod recording;
mod server;
mod told_events;
mod unfinished;
mod version;
mod without_a_word;

pub use connector::{AsteriskConnector, Identity};
pub use doctor::{CallCounter, doctor};
