//! What a configuration is known by, so that two processes can tell whether they would make the same calls.

use std::hash::{DefaultHasher, Hasher as _};

use calltest_core::plan::Plan;

/// Sixteen hexadecimal digits for the servers, links and tests of a plan. Passwords have no part in it, nor have the places
/// where the daemon listens and keeps things. It is the same for the same program only.
pub fn digest(plan: &Plan) -> String {
    let Plan { servers, links, tests, max_calls, guard, .. } = plan;
    let mut hasher = DefaultHasher::new();
    let mut take_in = |text: String| {
        hasher.write(text.as_bytes());
        hasher.write_u8(0);
    };
    take_in(env!("CARGO_PKG_VERSION").to_owned());
    take_in(format!("{max_calls:?} {guard:?}"));
    servers.values().for_each(|server| take_in(format!("{server:?}")));
    links.values().for_each(|link| take_in(format!("{link:?}")));
    tests.iter().for_each(|test| take_in(format!("{test:?}")));
    format!("{:016x}", hasher.finish())
}
