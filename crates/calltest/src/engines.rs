//! The engines that carry calls, made here and handed to whoever runs tests.

use std::sync::Arc;

use calltest_asterisk::{AsteriskConnector, Identity};
use calltest_engine::Connector;

/// Makes the engines of every kind of server: of Asterisk, so far.
pub(crate) fn connector(instance: String, take_over: bool) -> Arc<dyn Connector> {
    Arc::new(AsteriskConnector::new(Identity { instance, take_over }))
}

/// How this process names itself to others that want the same app.
pub(crate) fn instance() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().replace(char::is_whitespace, "_");
    format!("calltest@{host}:{}:{:08x}", std::process::id(), rand::random::<u32>())
}
