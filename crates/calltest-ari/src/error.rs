//! Everything that can go wrong, in the words that a caller shows. None of it ever holds credentials.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::origin::{Origin, Speaker};

type Cause = Box<dyn Error + Send + Sync>;

/// What Asterisk says when it has looked for something in vain.
const NONE_SUCH: [&str; 8] = [
    "Channel not found",
    "Provided channel was not found",
    "Provided variable was not found",
    "Bridge not found",
    "Playback not found",
    "Recording not found",
    "Endpoint not found",
    "Application not found",
];

/// What ARI says where there is nothing at a path.
const NO_RESOURCE: &str = "Resource not found";

/// A request that was not carried out, or whose outcome is not known.
#[derive(Debug)]
pub struct RequestError {
    /// The method of the request.
    pub method: Method,
    /// Its path below `/ari`, without the query.
    pub path: String,
    /// What went wrong.
    pub failure: RequestFailure,
}

/// How a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFailure {
    /// The answer says that it was not done.
    #[error("{} {message}{}", .status.as_u16(), hint(*.status, .origin.speaker))]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Asterisk's own words (`message` or `error` of its answer), or what else the answer is.
        message: String,
        /// Who gave the answer.
        origin: Box<Origin>,
    },
    /// The answer says that it was done, but it is a page, and so none of Asterisk's.
    #[error("{} {}", .status.as_u16(), page_named(.origin.page.as_deref().unwrap_or_default()))]
    Page {
        /// The HTTP status.
        status: StatusCode,
        /// Who gave the answer.
        origin: Box<Origin>,
    },
    /// There was no connection to send it on; Asterisk knows nothing of it.
    #[error("not sent: {}", root(.source.as_ref()))]
    NotSent {
        /// What the connection attempt said.
        source: Cause,
    },
    /// The connection ended before the answer; Asterisk may have done it.
    #[error("no answer: {}", root(.source.as_ref()))]
    NoReply {
        /// What the connection said.
        source: Cause,
    },
    /// The answer took too long; Asterisk may have done it.
    #[error("no answer within {after:?}")]
    TimedOut {
        /// How long the client waited.
        after: Duration,
    },
    /// Asterisk did it, but its answer is not what the operation answers.
    #[error("answer not understood: {source}")]
    Unreadable {
        /// What does not fit.
        source: serde_json::Error,
    },
    /// Asterisk did it, but its answer is longer than allowed.
    #[error("answer longer than {limit} bytes")]
    TooLarge {
        /// The longest answer allowed, in bytes.
        limit: usize,
    },
    /// The client has been closed.
    #[error("the client is closed")]
    Closed,
}

/// A new connection that did not take a request.
#[derive(Debug, thiserror::Error)]
#[error("the server closed the connection: {0}")]
pub(crate) struct Closed(#[source] pub(crate) io::Error);

/// An HTML page, by its title.
pub(crate) fn page_named(title: &str) -> String {
    if title.is_empty() { "an HTML page".to_owned() } else { format!("an HTML page ({title})") }
}

/// What to do about a refusal of Asterisk's that has nothing to do with what was asked for.
fn hint(status: StatusCode, speaker: Speaker) -> &'static str {
    match status {
        _ if speaker != Speaker::Ari => "",
        StatusCode::UNAUTHORIZED => "; is the user still in ari.conf, with the same password?",
        StatusCode::FORBIDDEN => "; may the user write, or is it read_only in ari.conf?",
        _ => "",
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.method, self.path, self.failure)
    }
}

/// The failure is part of the text, so the source is the failure's own.
impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}

impl RequestError {
    /// The status with which Asterisk refused it.
    pub fn status(&self) -> Option<StatusCode> {
        match self.failure {
            RequestFailure::Refused { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether Asterisk has looked for what the request is about, and there is none, as when a channel to be hung up is gone
    /// already. Any other 404 proves nothing about that: a module that is not loaded or a proxy answers so, too.
    pub fn is_gone(&self) -> bool {
        matches!(&self.failure, RequestFailure::Refused { status: StatusCode::NOT_FOUND, message, .. } if NONE_SUCH.contains(&message.as_str()))
    }

    /// Whether the answer is 404, whoever gave it. See [`is_gone`](Self::is_gone).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether ARI knows no such path, which is so where the module is not loaded that serves it.
    pub fn is_unknown_path(&self) -> bool {
        matches!(&self.failure, RequestFailure::Refused { status: StatusCode::NOT_FOUND, message, .. } if message == NO_RESOURCE)
    }

    /// Whether a proxy on the way did not pass the path on as it is: there was a slash in a name, which is `%2F` in the path,
    /// and the answer is a 404 of the proxy, or of ARI about a path that does not exist.
    pub fn is_slash_lost(&self) -> bool {
        let of_proxy = match &self.failure {
            RequestFailure::Refused { status, origin, .. } => {
                *status == StatusCode::NOT_FOUND && origin.speaker != Speaker::Ari
            }
            _ => false,
        };
        self.path.contains("%2F") && (of_proxy || self.is_unknown_path())
    }

    /// Whether it does not go with what there is (409), as an id that is in use or a channel outside of Stasis.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }
}

/// Why a connection ended, or was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The WebSocket broke off.
    #[error("the connection broke off: {reason}")]
    Cut {
        /// What the socket said.
        reason: String,
    },
    /// Asterisk closed the WebSocket.
    #[error("Asterisk closed the connection (code {code}{}{reason})", if .reason.is_empty() { "" } else { ": " })]
    Closed {
        /// The WebSocket's close code.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// Nothing was heard, not even answers to pings.
    #[error("Asterisk was silent for {limit:?}")]
    Silent {
        /// The silence that was allowed.
        limit: Duration,
    },
    /// The consumer of unclaimed events fell behind.
    #[error("more than {capacity} unclaimed events were waiting")]
    IncomingFull {
        /// How many may wait.
        capacity: usize,
    },
    /// Another WebSocket took the application.
    #[error("another program connected to the same application")]
    Replaced,
    /// Another instance wrote its heartbeat over ours.
    #[error("the application was taken over by {owner}")]
    OwnedByOther {
        /// Its instance.
        owner: String,
    },
    /// An attempt to connect again failed.
    #[error("{error}")]
    NotConnected {
        /// The text of the [`ConnectError`](crate::ConnectError).
        error: String,
    },
    /// The client was closed or dropped.
    #[error("the client was closed")]
    ClosedByUs,
}

/// Why a round trip did not prove that we hear our events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoundTripError {
    /// The event could not be posted.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It was posted, and did not come back.
    #[error("an event that was posted did not come back within {after:?}")]
    NotHeard {
        /// How long the client waited.
        after: Duration,
    },
    /// There is no connection it could come back on.
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// The innermost cause, which is the one that says what happened.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_user_says_where_to_look_and_any_other_is_asterisks() {
        let refused = |status, message: &str| {
            let body = format!("{{\"message\": \"{message}\"}}");
            let origin = Box::new(Origin::new(None, None, body.as_bytes()));
            RequestFailure::Refused { status, message: message.into(), origin }.to_string()
        };
        let unauthorized = refused(StatusCode::UNAUTHORIZED, "Authentication required");
        assert_eq!(unauthorized, "401 Authentication required; is the user still in ari.conf, with the same password?");
        assert!(refused(StatusCode::FORBIDDEN, "Forbidden").contains("read_only"));
        assert_eq!(refused(StatusCode::NOT_FOUND, "Channel not found"), "404 Channel not found");
    }

    #[test]
    fn only_asterisk_having_looked_for_it_proves_that_something_is_gone() {
        let error = |status, message: &str| RequestError {
            method: Method::DELETE,
            path: "/channels/a".into(),
            failure: RequestFailure::Refused {
                status,
                message: message.into(),
                origin: Box::new(Origin::new(None, None, b"")),
            },
        };
        assert!(error(StatusCode::NOT_FOUND, "Channel not found").is_gone());
        for (status, message) in [
            (StatusCode::NOT_FOUND, "Resource not found"),
            (StatusCode::NOT_FOUND, "Not Found"),
            (StatusCode::NOT_FOUND, "404 page not found"),
            (StatusCode::NOT_FOUND, "<html>Channel not found</html>"),
            (StatusCode::CONFLICT, "Channel not found"),
        ] {
            assert!(!error(status, message).is_gone(), "{status} {message}");
        }
        let unknown = error(StatusCode::NOT_FOUND, "Resource not found");
        assert!(unknown.is_unknown_path() && !unknown.is_slash_lost());
        let path = || "/recordings/live/%2Ftmp%2Fa/stop".to_owned();
        assert!(RequestError { path: path(), ..unknown }.is_slash_lost());
        let of_proxy = error(StatusCode::NOT_FOUND, "an HTML page (404 Not Found)");
        assert!(!of_proxy.is_slash_lost() && RequestError { path: path(), ..of_proxy }.is_slash_lost());
    }
}
