//! What all handlers of the interface work with.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;

use super::listeners::Listeners;
use crate::handle::Handle;
use crate::history::History;

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct Context {
    pub(super) handle: Handle,
    pub(super) history: History,
    /// Where recordings are kept.
    pub(super) recordings: Arc<PathBuf>,
    pub(super) listeners: Listeners,
    pub(super) closed: CancellationToken,
    pub(super) description: Arc<OpenApi>,
}
