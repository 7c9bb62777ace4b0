//! Who may speak to the daemon from a browser: only pages that it served itself.
//!
//! There is no access control, so a page of any site could otherwise make the operator's browser start tests: by a request
//! across origins, or by a name of its own that it lets point to this machine (DNS rebinding). Programs that are no
//! browsers send no `Origin`, and are not concerned.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;

/// Lets a request through if it does not come from a page of another site. A daemon on loopback is to be addressed as such.
pub(super) async fn check(is_loopback: bool, request: Request, next: Next) -> Response {
    match foreign(is_loopback, &request) {
        Some(why) => Refusal::Foreign { why }.into_response(),
        None => next.run(request).await,
    }
}

fn foreign(is_loopback: bool, request: &Request) -> Option<String> {
    let header = |name| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let host = header(HOST).or_else(|| request.uri().authority().map(ToString::to_string)).unwrap_or_default();
    if is_loopback && !host.is_empty() && !is_this_machine(&host) {
        return Some(format!(
            "this daemon answers on the loopback address only, and {host:?} is another name; use 127.0.0.1 or localhost"
        ));
    }
    let origin = header(ORIGIN)?;
    let from = origin.split_once("://").map_or("", |(_, from)| from);
    (!from.eq_ignore_ascii_case(&host)).then(|| format!("requests from pages of another site ({origin}) are refused"))
}

fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(is_loopback: bool, host: &str, origin: &str) -> bool {
        let mut request = Request::builder().uri("/").header(HOST, host);
        if !origin.is_empty() {
            request = request.header(ORIGIN, origin);
        }
        foreign(is_loopback, &request.body(axum::body::Body::empty()).unwrap()).is_some()
    }

    #[test]
    fn pages_of_other_sites_are_refused_and_programs_are_not() {
        for (host, origin) in [
            ("127.0.0.1:8080", ""),
            ("localhost:8080", ""),
            ("[::1]:8080", ""),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("LocalHost:8080", "http://localhost:8080"),
        ] {
            assert!(!is_refused(true, host, origin), "{host} {origin}");
        }
        for (host, origin) in [
            ("127.0.0.1:8080", "https://evil.example"),
            ("127.0.0.1:8080", "http://127.0.0.1:9090"),
            ("127.0.0.1:8080", "null"),
            ("evil.example:8080", "http://evil.example:8080"),
            ("evil.example:8080", ""),
            ("127.0.0.1.evil.example", ""),
        ] {
            assert!(is_refused(true, host, origin), "{host} {origin}");
        }
        assert!(!is_refused(false, "monitor.example:8080", "http://monitor.example:8080"));
        assert!(is_refused(false, "monitor.example:8080", "http://evil.example"));
    }
}
