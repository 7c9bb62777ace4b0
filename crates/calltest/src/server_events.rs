//! What happens to the connections to servers, as log lines.

use calltest_core::event::{ServerEvent, ServerProgress};

/// Logs what happened to a server. Trouble is a warning only if nobody else tells of it.
pub(crate) fn log(event: ServerEvent, is_trouble_news: bool) {
    let server = event.server;
    let trouble = match event.what {
        ServerProgress::Up { cleaned: 0 } => return tracing::info!(%server, "connected"),
        ServerProgress::Up { cleaned } => {
            return tracing::warn!(%server, "connected; hung up {cleaned} channels that an earlier run had left");
        }
        ServerProgress::Down { why } => why,
        ServerProgress::OwnedByOther { owner } => format!("the app is owned by {owner}"),
        // The runner logs these itself.
        ServerProgress::Stray { .. } => return,
    };
    if is_trouble_news {
        tracing::warn!(%server, "{trouble}");
    } else {
        tracing::info!(%server, "{trouble}");
    }
}
