//! A connection to a server, which carries one request at a time. It has no task of its own: whoever waits for the answer
//! reads and writes it.

use std::io;

use bytes::BytesMut;
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::RequestFailure;
use crate::socket::Stream;
use crate::transport::RawReply;
use crate::transport::answer::{Malformed, Partial};

/// The longest answer whose memory is used for the next one, in bytes. A recording may have megabytes.
const MAX_RETAINED_BUFFER: usize = 64 << 10;

/// A connection to the server.
pub(crate) struct HttpConnection {
    stream: Box<dyn Stream>,
    received: BytesMut,
    /// Another request may follow the last one.
    is_reusable: bool,
}

/// Why a request was not answered.
pub(crate) enum Failure {
    /// Nothing of it went out.
    Unsent(io::Error),
    /// It may have gone out.
    Final(RequestFailure),
}

impl HttpConnection {
    /// A connection that has carried nothing yet.
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, received: BytesMut::new(), is_reusable: true }
    }

    /// Sends a request and reads the answer, whose body may not be longer than `limit`, in bytes.
    pub(crate) async fn carry(&mut self, message: &[u8], limit: usize) -> Result<RawReply, Failure> {
        self.is_reusable = false;
        self.send(message).await?;
        let mut partial = Partial::new(limit);
        let answer = loop {
            self.received.reserve(partial.room(&self.received));
            let come = self.stream.read_buf(&mut self.received).await;
            let answer = match come.map_err(|error| Failure::Final(RequestFailure::NoReply { source: error.into() }))? {
                0 => partial.end(&mut self.received).map(Some),
                _ => partial.take(&mut self.received),
            };
            match answer {
                Ok(Some(answer)) => break answer,
                Ok(None) => {}
                Err(Malformed::TooLarge) => return Err(Failure::Final(RequestFailure::TooLarge { limit })),
                Err(error) => return Err(Failure::Final(RequestFailure::NoReply { source: error.into() })),
            }
        };
        self.is_reusable = !answer.is_last;
        if answer.reply.body.len() > MAX_RETAINED_BUFFER && self.received.is_empty() {
            self.received = BytesMut::new();
        }
        Ok(answer.reply)
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        let mut rest = message;
        while !rest.is_empty() {
            let sent = match self.stream.write(rest).await {
                Ok(0) => Err(io::Error::from(io::ErrorKind::WriteZero)),
                sent => sent,
            };
            rest = match sent {
                Ok(length) => &rest[length..],
                Err(error) if rest.len() == message.len() => return Err(Failure::Unsent(error)),
                Err(error) => return Err(Failure::Final(RequestFailure::NoReply { source: error.into() })),
            };
        }
        let flushed = self.stream.flush().await;
        flushed.map_err(|error| Failure::Final(RequestFailure::NoReply { source: error.into() }))
    }

    /// Whether it can take another request. One that the server has closed cannot, nor one on which something came that
    /// nobody has asked for.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.is_reusable
            && self.received.is_empty()
            && self.stream.read_buf(&mut self.received).now_or_never().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_of_a_long_answer_is_given_back() {
        let body = "a".repeat(1 << 20);
        let (ours, mut theirs) = tokio::io::duplex(1 << 21);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        theirs.write_all(answer.as_bytes()).await.unwrap();
        let mut connection = HttpConnection::new(Box::new(ours));
        let Ok(reply) = connection.carry(b"GET", 1 << 21).await else { panic!("no answer") };
        assert_eq!(reply.body.len(), body.len());
        drop(reply);
        assert!(!connection.received.try_reclaim(body.len()), "the memory is still there");
        assert!(connection.is_ready());
    }
}
