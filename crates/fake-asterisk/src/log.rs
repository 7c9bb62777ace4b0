//! The log of requests, for tests to look at. It keeps the latest and forgets the rest.

use std::collections::VecDeque;
use std::time::Instant;

/// How many requests are kept.
const CAPACITY: usize = 10_000;

/// A request as it arrived, and what was answered.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method in capitals.
    pub method: String,
    /// The path below `/ari`, percent-decoded, such as `/channels/ct-1/dtmf`. A new WebSocket is `/events`.
    pub path: String,
    /// The query's pairs, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The body as text, or empty.
    pub body: String,
    /// When it was handled.
    pub at: Instant,
    /// The HTTP status of the answer, also when the answer was delayed or lost on the way.
    pub status: u16,
}

impl Request {
    /// The first query parameter of this name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The latest requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: VecDeque<Request>,
    count: u64,
}

impl Log {
    pub(crate) fn add(&mut self, request: Request) {
        self.count += 1;
        if self.requests.len() == CAPACITY {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    /// How many there were in all.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn requests(&self) -> impl DoubleEndedIterator<Item = &Request> {
        self.requests.iter()
    }
}
