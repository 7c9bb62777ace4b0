//! The way of an event, from the socket to whoever wants it:
//!
//! `connection` reads the WebSocket and notes in `silence` that something was heard. `router` asks which channels and
//! bridges the event is about (`subjects`), looks up in `table` who wants these, and delivers to each `subscriber`, mostly
//! a `queue`. What nobody wants goes to the one stream `incoming`. `round_trip` proves that the way is open.

pub(crate) mod connection;
pub(crate) mod incoming;
mod model_subjects;
pub(crate) mod queue;
pub(crate) mod round_trip;
pub(crate) mod router;
pub(crate) mod silence;
pub(crate) mod subjects;
pub(crate) mod subscriber;
mod table;
