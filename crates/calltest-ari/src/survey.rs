//! What else there is at a server's address: for whoever looks for the reason why ARI is not where it should be. Nothing that
//! is asked here says who asks.

use std::error::Error;

use http::StatusCode;
use rustls::Error as TlsError;
use tokio::time::timeout;

use crate::diagnosis::find;
use crate::origin::{is_page, words};
use crate::rest_client::RestClient;
use crate::settings::Settings;
use crate::socket;
use crate::tls;
use crate::transport::RawReply;
use crate::transport::http_connection::HttpConnection;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// What ARI says to whoever does not say who it is.
const WHO: &str = "Authentication required";

/// What stands on Asterisk's own page about its HTTP server.
const STATUS_PAGE: &str = "HTTP Status</title>";

impl RestClient {
    /// Whether ARI answers below another path, which is of the form of [`Settings::path`]. It takes one connection, one
    /// request without credentials, and at most [`Settings::request_timeout`].
    pub async fn is_below(&self, path: &str) -> bool {
        let reply = self.get(&format!("{path}/ari/asterisk/ping")).await;
        reply.is_some_and(|RawReply { status, body, .. }| {
            status == StatusCode::UNAUTHORIZED && words(&body).as_deref() == Some(WHO)
        })
    }

    /// Whether the HTTP server of Asterisk shows its status below the path of the settings, so that this is its prefix. If
    /// not, nothing is proven: it is only shown with `enable_status` in `http.conf`. The costs are those of [`is_below`](Self::is_below).
    pub async fn shows_status(&self) -> bool {
        let reply = self.get(&format!("{}/httpstatus", self.settings.path)).await;
        reply.is_some_and(|RawReply { status, body, .. }| {
            status == StatusCode::OK && is_page(&body) && String::from_utf8_lossy(&body).contains(STATUS_PAGE)
        })
    }

    /// Whether the port speaks TLS, whatever the settings say. It takes one connection, and at most
    /// [`Settings::request_timeout`].
    pub async fn speaks_tls(&self) -> bool {
        let settings = Settings { tls: Some(crate::Tls::default()), ..(*self.settings).clone() };
        // Nobody is trusted, so no server gets further than its certificate.
        let Ok(nobody) = tls::client_config(None) else { return false };
        let attempt = timeout(settings.request_timeout, socket::stream(&settings, &nobody)).await;
        let refusal: Option<Box<dyn Error + Send + Sync>> = attempt.ok().and_then(Result::err);
        let refusal = refusal.as_deref().and_then(|error| find::<TlsError>(error));
        refusal.is_some_and(|error| !matches!(error, TlsError::InvalidMessage(_)))
    }

    async fn get(&self, target: &str) -> Option<RawReply> {
        let message =
            format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.settings.address());
        let exchange = async {
            let stream = socket::stream(&self.settings, &self.tls).await.ok()?;
            HttpConnection::new(stream).carry(message.as_bytes(), LONGEST).await.ok()
        };
        timeout(self.settings.request_timeout, exchange).await.ok().flatten()
    }
}
