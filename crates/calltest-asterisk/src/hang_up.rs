//! Hanging up: a channel that is gone already is fine, and one that may stay up is looked for later.

use std::sync::Arc;

use calltest_ari::requests::channels::{Hangup, HangupReason};

use crate::server::Server;

/// Hangs a channel up. Returns whether the server still knew it, as far as can be told.
pub(crate) async fn hang_up(server: &Server, channel_id: &str, reason: Option<HangupReason>) -> bool {
    let hangup = Hangup { channel_id: channel_id.to_owned(), reason, ..Hangup::default() };
    match server.client.request(hangup).await {
        Ok(_) => true,
        Err(error) if error.is_gone() => false,
        Err(error) => {
            tracing::warn!(server = %server.name, channel_id, "could not hang up: {error}");
            server.leftovers.suspect();
            true
        }
    }
}

/// The same beside everything else.
pub(crate) fn hang_up_in_background(server: &Arc<Server>, channel_id: String, reason: Option<HangupReason>) {
    let server = Arc::clone(server);
    let errands = server.errands.clone();
    errands.spawn(async move { hang_up(&server, &channel_id, reason).await });
}
