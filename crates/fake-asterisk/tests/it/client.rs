//! A plain client: requests, and the frames of a WebSocket as JSON.

use std::time::Duration;

use base64::Engine as _;
use fake_asterisk::FakeAsterisk;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take that is expected to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// An answer's status and JSON body (null when empty, a text when it is no JSON).
pub(crate) type Answer = (u16, Value);

/// Requests with the right password.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    authorization: String,
}

impl Client {
    pub(crate) fn of(fake: &FakeAsterisk) -> Self {
        // Fails when another test has installed it already, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pair = format!("{}:{}", fake.user(), fake.password());
        Self {
            http: reqwest::Client::new(),
            url: format!("{}/ari", fake.url()),
            authorization: format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)),
        }
    }

    pub(crate) fn with_authorization(mut self, authorization: &str) -> Self {
        self.authorization = authorization.to_owned();
        self
    }

    /// Sends a request; `path` may have a query. `Err` when no answer came.
    pub(crate) async fn try_send(&self, method: &str, path: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        let method = method.parse().expect("tests name real methods");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        request = request.header("Authorization", &self.authorization);
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await?;
        Ok((status, if body.is_empty() { Value::Null } else { read(&body, kind.as_deref()) }))
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let sending = self.try_send(method, path, body);
        tokio::time::timeout(PATIENCE, sending).await.expect("an answer in time").expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.send("POST", path, &Value::Null).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &Value::Null).await
    }
}

/// A body as JSON; of one that is none, what the recordings tell of such bodies: their length and type.
fn read(body: &[u8], kind: Option<&str>) -> Value {
    let is_json = kind == Some("application/json");
    serde_json::from_slice(body)
        .ok()
        .filter(|_| is_json)
        .unwrap_or_else(|| Value::String(format!("<{} bytes {}>", body.len(), kind.unwrap_or("of no type"))))
}

/// A WebSocket at the fake server.
pub(crate) struct Events {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Events {
    /// Opens a WebSocket for an application and waits until it is registered.
    pub(crate) async fn of(fake: &FakeAsterisk, app: &str) -> Self {
        let before = fake.websockets().len();
        let query = format!("app={app}&api_key={}:{}", fake.user(), fake.password());
        let events = Self::open(fake, &query).await.expect("a WebSocket");
        let is_open = fake.wait_until(move |view| view.websockets().len() > before, PATIENCE).await;
        is_open.expect("the WebSocket is registered");
        events
    }

    /// Opens a WebSocket with this query.
    pub(crate) async fn open(fake: &FakeAsterisk, query: &str) -> Result<Self, Error> {
        let url = format!("ws://127.0.0.1:{}/ari/events?{query}", fake.port());
        let config = WebSocketConfig::default();
        let request = url.into_client_request().expect("a URL");
        let (socket, _) = tokio_tungstenite::connect_async_with_config(request, Some(config), true).await?;
        Ok(Self { socket })
    }

    /// The next frame, pongs and pings left out. `None` when nothing comes within `time`.
    pub(crate) async fn frame(&mut self, time: Duration) -> Option<Result<Message, Error>> {
        let next = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        };
        match tokio::time::timeout(time, next).await {
            Ok(Some(frame)) => Some(frame),
            Ok(None) => Some(Err(Error::ConnectionClosed)),
            Err(_) => None,
        }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Value {
        self.next_within(PATIENCE).await.expect("an event in time")
    }

    /// The next event, if there is one within `time`.
    pub(crate) async fn next_within(&mut self, time: Duration) -> Option<Value> {
        let text = self.frame(time).await?.expect("a frame").into_text().expect("a text frame");
        Some(serde_json::from_str(&text).expect("JSON"))
    }

    /// All events up to and including the first that `is_last`.
    pub(crate) async fn until(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.next().await);
            if events.last().is_some_and(&is_last) {
                return events;
            }
        }
    }

    /// Skips to the next event of this type about this channel (or peer).
    pub(crate) async fn next_of(&mut self, kind: &str, id: &str) -> Value {
        let events = self.until(|event| event["type"] == kind && about(event) == id).await;
        events.last().cloned().unwrap_or_default()
    }

    /// Sends a ping; whether its pong comes within `time`.
    pub(crate) async fn ping(&mut self, time: Duration) -> bool {
        self.socket.send(Message::Ping("are you there".into())).await.expect("the connection is open");
        let pong = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Pong(_))) => return true,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return false,
                }
            }
        };
        tokio::time::timeout(time, pong).await.unwrap_or(false)
    }
}

/// The id of the channel that an event is about, or an empty text.
pub(crate) fn about(event: &Value) -> &str {
    let channel = event.get("channel").or_else(|| event.get("peer"));
    channel.and_then(|channel| channel["id"].as_str()).unwrap_or_default()
}
