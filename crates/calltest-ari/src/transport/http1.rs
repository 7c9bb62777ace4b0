//! Requests over HTTP/1.1 connections that are kept and used again.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, FutureExt};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use rustls::ClientConfig;

use crate::error::RequestFailure;
use crate::settings::Settings;
use crate::transport::{RawReply, RawRequest, Transport};

/// Asterisk closes a connection that was idle for 15 s (`session_keep_alive`), so ours are given up before.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// An HTTP client of one server.
pub(crate) struct Http {
    client: reqwest::Client,
    /// The URL up to and including `/ari`.
    base: String,
    timeout: Duration,
    max_reply_bytes: usize,
}

impl Http {
    /// A client that has not connected yet. `tls` is how it speaks TLS, if the settings say that it does.
    pub(crate) fn new(settings: &Settings, tls: Arc<ClientConfig>) -> Self {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&tls))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, settings.authorization())]))
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(settings.max_requests)
            .pool_idle_timeout(IDLE_LIMIT)
            .build()
            .expect("a TLS configuration is given, and nothing else can fail");
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        Http {
            client,
            base: format!("{scheme}://{}/ari", settings.address()),
            timeout: settings.request_timeout,
            max_reply_bytes: settings.max_reply_bytes,
        }
    }

    async fn exchange(&self, request: &RawRequest) -> Result<RawReply, RequestFailure> {
        let mut builder = self.client.request(request.method.clone(), format!("{}{}", self.base, request.target));
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.clone());
        }
        let mut response = builder.send().await.map_err(failure)?;
        let status = response.status();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > self.max_reply_bytes {
                return Err(RequestFailure::TooLarge { limit: self.max_reply_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(RawReply { status, body: Bytes::from(body) })
    }
}

impl Transport for Http {
    fn call<'a>(&'a self, request: &'a RawRequest) -> BoxFuture<'a, Result<RawReply, RequestFailure>> {
        async move {
            tokio::time::timeout(self.timeout, self.exchange(request))
                .await
                .unwrap_or(Err(RequestFailure::TimedOut { after: self.timeout }))
        }
        .boxed()
    }
}

/// The error without its URL, which a log need not repeat.
fn failure(error: reqwest::Error) -> RequestFailure {
    let was_sent = !error.is_connect() && !error.is_builder();
    let source = error.without_url().into();
    if was_sent { RequestFailure::NoReply { source } } else { RequestFailure::NotSent { source } }
}
