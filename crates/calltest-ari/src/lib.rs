//! A client of the Asterisk REST Interface: typed requests and events, one connection per application.
//!
//! [`connect`] gives a [`Client`], which makes requests, and [`Incoming`], the stream of calls that arrive. The requests are
//! the structs in [`requests`], named as Asterisk names its operations; what they answer is in [`models`], and what arrives
//! on the WebSocket is an [`Event`].
//!
//! A call that arrives is answered and hung up:
//!
//! ```no_run
//! use calltest_ari::requests::channels;
//! use calltest_ari::{Settings, Unclaimed, connect};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, mut incoming) = connect(Settings::new("127.0.0.1", 8088, "user", "password", "hello")).await?;
//! while let Some(Unclaimed::Arrival(call)) = incoming.next().await {
//!     let channel_id = call.channel().id.to_string();
//!     client.request(channels::Answer { channel_id: channel_id.clone() }).await?;
//!     client.request(channels::Hangup { channel_id, ..Default::default() }).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! To make a call, choose its id and subscribe to that first. Then no event can come too early:
//!
//! ```no_run
//! # use calltest_ari::requests::channels;
//! # async fn example(client: calltest_ari::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let (sender, mut events) = calltest_ari::event_queue(100);
//! let _subscription = client.subscribe("my-call", &sender);
//! let originate = channels::OriginateWithId {
//!     channel_id: "my-call".into(),
//!     endpoint: "PJSIP/100".into(),
//!     app: Some(client.app().to_owned()),
//!     ..Default::default()
//! };
//! client.request(originate).await?;
//! println!("{:?}", events.next().await?.event);
//! # Ok(())
//! # }
//! ```
//!
//! An [`EventQueue`] ends with an error if it overflows or if its connection is lost; it never drops an event without a
//! word. The client reconnects by itself, and [`Client::state`] tells how it is. A [`RestClient`] only makes requests.
//!
//! Enums to which a newer Asterisk, or a newer version of this crate, may add something are `#[non_exhaustive]`.

mod backoff;
mod client;
mod connect_error;
mod connector;
mod date;
mod delivery;
mod diagnosis;
mod error;
mod event;
mod event_filter;
mod generated;
mod handshake;
mod operation;
mod origin;
mod ownership;
mod rest;
mod rest_client;
mod secret;
mod settings;
mod socket;
mod string_enum;
mod survey;
mod text;
mod tls;
mod transport;
mod turns;
mod variables;

pub use self::client::{Client, connect};
pub use self::connect_error::ConnectError;
pub use self::connector::State;
pub use self::date::Date;
pub use self::delivery::incoming::Incoming;
pub use self::delivery::queue::{EventQueue, EventSender, QueueError, event_queue};
pub use self::delivery::router::{Arrival, Subscription, Unclaimed};
pub use self::delivery::subscriber::{Delivery, Subscriber};
pub use self::error::{Lost, RequestError, RequestFailure, RoundTripError};
pub use self::event_filter::FilterChange;
pub use self::generated::events::Event;
pub use self::generated::{ASTERISK_VERSION, events, models, requests};
pub use self::operation::{Operation, Query, QueryValue};
pub use self::origin::{Origin, Speaker};
pub use self::rest::OriginatePermit;
pub use self::rest_client::RestClient;
pub use self::secret::Secret;
pub use self::settings::{ClientCertificate, Settings, Tls};
pub use self::text::Text;
#[doc(hidden)]
pub use self::transport::answer::read_answer;
pub use self::variables::VariableSet;

/// The examples of the README, which have to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
