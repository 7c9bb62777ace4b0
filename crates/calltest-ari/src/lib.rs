//! A client of the Asterisk REST Interface: typed requests and events, one connection per application.

mod about;
mod backoff;
mod client;
mod connection;
mod connector;
mod date;
mod diagnosis;
mod error;
mod event;
mod generated;
mod handshake;
mod incoming;
mod operation;
mod ownership;
mod queue;
mod rest;
mod rest_client;
mod round_trip;
mod router;
mod secret;
mod settings;
mod silence;
mod socket;
mod string_enum;
mod text;
mod tls;
mod transport;
mod variables;

pub use self::client::{Client, connect};
pub use self::connector::State;
pub use self::date::Date;
pub use self::error::{ConnectError, Lost, RequestError, RequestFailure, RoundTripError};
pub use self::generated::events::Event;
pub use self::generated::{ASTERISK_VERSION, events, models, requests};
pub use self::incoming::{Arrival, Incoming, Unclaimed};
pub use self::operation::{Operation, Query, QueryValue};
pub use self::queue::{Delivery, EventQueue, EventSender, QueueError, event_queue};
pub use self::rest::DiallingTurn;
pub use self::rest_client::RestClient;
pub use self::router::Subscription;
pub use self::secret::Secret;
pub use self::settings::{ClientCertificate, Settings, Tls};
pub use self::text::Text;
#[doc(hidden)]
pub use self::transport::answer::read_answer;
pub use self::variables::VariableSet;
