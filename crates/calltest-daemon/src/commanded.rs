//! What came of a command to a test, as the interface answers it and a client reads it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came of a command
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commanded {
    /// Whether there was something to do.
    pub success: bool,
    /// The id of the run that was started, or is being ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub run: Option<String>,
}
