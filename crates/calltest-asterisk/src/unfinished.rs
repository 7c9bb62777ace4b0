//! Requests that may be given up before they are answered.

use std::sync::Arc;

use crate::server::Server;

/// Notices that a request was given up: then nobody knows whether it was carried out, or will be.
pub(crate) struct Unfinished<'s> {
    server: &'s Server,
    is_finished: bool,
}

impl<'s> Unfinished<'s> {
    /// For a request to this server that is about to be sent.
    pub(crate) fn on(server: &'s Arc<Server>) -> Self {
        Self { server, is_finished: false }
    }

    /// It was answered, or failed.
    pub(crate) fn finish(mut self) {
        self.is_finished = true;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.server.leftovers.suspect();
        }
    }
}
