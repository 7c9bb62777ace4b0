//! Finished runs as text and JSON.
