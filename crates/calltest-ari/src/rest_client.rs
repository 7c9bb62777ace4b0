//! A client that only makes requests: for whoever wants to look at a server without receiving its events, and without
//! taking an application away from anybody.

use std::sync::Arc;

use rustls::ClientConfig;

use crate::connect_error::ConnectError;
use crate::diagnosis;
use crate::error::RequestError;
use crate::event_filter::{self, FilterChange};
use crate::generated::models::Application;
use crate::operation::Operation;
use crate::rest::Rest;
use crate::settings::Settings;
use crate::tls;
use crate::transport::http1::Http;

/// The requests of a server, without a WebSocket. Of the settings, those about the application do not matter.
#[derive(Clone)]
pub struct RestClient {
    pub(crate) settings: Arc<Settings>,
    pub(crate) tls: Arc<ClientConfig>,
    rest: Arc<Rest>,
}

impl RestClient {
    /// Makes ready; nothing is sent yet.
    ///
    /// # Errors
    /// If a file that the settings name for TLS cannot be used, or a limit on requests is 0.
    pub fn new(settings: Settings) -> Result<Self, ConnectError> {
        settings.check_requests()?;
        let tls = tls::client_config(settings.tls.as_ref())?;
        let settings = Arc::new(settings);
        let rest = Arc::new(Rest::new(Arc::new(Http::new(Arc::clone(&settings), Arc::clone(&tls))), &settings));
        Ok(Self { settings, tls, rest })
    }

    /// Carries out an operation.
    ///
    /// # Errors
    /// If Asterisk refuses it, or does not answer.
    pub async fn request<Op: Operation>(&self, operation: Op) -> Result<Op::Reply, RequestError> {
        self.rest.request(&operation).await
    }

    /// How the event filter of `application` differs from [`Settings::allowed_events`], if it does.
    pub fn filter_change(&self, application: &Application) -> Option<FilterChange> {
        event_filter::change(&self.settings, application)
    }

    /// What the failure of a first request tells about the server and the way to it.
    pub fn diagnose(&self, error: RequestError) -> ConnectError {
        diagnosis::from_request_error(&self.settings, error)
    }
}

impl std::fmt::Debug for RestClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RestClient").field("name", &self.settings.name).finish_non_exhaustive()
    }
}
