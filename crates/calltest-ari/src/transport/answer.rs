//! Understanding what a server answers over HTTP/1.1 (RFC 9112), as far as a client of ARI needs it: the head, whose
//! syntax is httparse's business, and where the body ends. Reads nothing itself; whoever does hands over what has come.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use httparse::{Header, ParserConfig, Response, Status};

use crate::transport::{Fields, RawReply};

/// The longest head that is understood, in bytes, and so is the longest line between the chunks of a body.
const HEAD_LIMIT: usize = 16 << 10;

/// The most header fields that are understood.
const MOST_FIELDS: usize = 64;

/// How much to make room for if no more is known to come, in bytes. Almost every answer is shorter, and memory of this
/// size costs the allocator the least.
const TYPICAL_ANSWER: usize = 1024;

/// The most to make room for at once, in bytes, whatever is announced.
const MOST_AT_ONCE: usize = 64 << 10;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: RawReply,
    /// Nothing may follow it on its connection.
    pub(crate) is_last: bool,
}

/// How much of what is not HTTP is kept, in bytes.
const BEGINNING: usize = 40;

/// Why what came is no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("what came is not HTTP")]
    NotHttp {
        /// How it begins.
        beginning: Vec<u8>,
    },
    #[error("the head of the answer is wrong: {0}")]
    Head(#[from] httparse::Error),
    #[error("the connection was closed before anything came")]
    Nothing,
    #[error("the head of the answer is longer than {HEAD_LIMIT} bytes")]
    HeadTooLong,
    #[error("the answer does not tell how long it is")]
    Length,
    #[error("the answer is transferred in a coding that is not understood")]
    Coding,
    #[error("a chunk of the answer is not of the form that it has to be")]
    Chunk,
    #[error("the answer is longer than allowed")]
    TooLarge,
    #[error("the connection was closed before the answer was complete")]
    Incomplete,
}

/// An answer of which some has come.
#[derive(Debug)]
pub(crate) struct Partial {
    /// The longest body allowed, in bytes.
    limit: usize,
    head: Option<Head>,
    /// Of a body in chunks, what was in those that have come.
    body: BytesMut,
}

/// What there is to know about the body.
#[derive(Debug)]
struct Head {
    status: StatusCode,
    end: End,
    is_last: bool,
    fields: Option<Box<Fields>>,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// After so many bytes.
    After(usize),
    /// After the last chunk.
    Chunked(Next),
    /// With the connection.
    WithConnection,
}

/// What comes next in a body in chunks.
#[derive(Debug, Clone, Copy)]
enum Next {
    Size,
    /// So many bytes of a chunk.
    Data(usize),
    /// The end of line after a chunk.
    LineEnd,
    /// Fields after the last chunk, and the empty line that ends them.
    Trailer,
}

impl Partial {
    /// An answer that begins with what comes next. Its body may not be longer than `limit`, in bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, head: None, body: BytesMut::new() }
    }

    /// How many bytes to make room for.
    pub(crate) fn room(&self, received: &BytesMut) -> usize {
        match &self.head {
            Some(Head { end: End::After(length), .. }) => {
                length.saturating_sub(received.len()).clamp(TYPICAL_ANSWER, MOST_AT_ONCE)
            }
            Some(_) => received.len().clamp(TYPICAL_ANSWER, MOST_AT_ONCE),
            None => TYPICAL_ANSWER,
        }
    }

    /// Takes from what was received as much as belongs to the answer; the answer once it is complete.
    pub(crate) fn take(&mut self, received: &mut BytesMut) -> Result<Option<Answer>, Malformed> {
        while self.head.is_none() {
            let Some((length, head)) = Head::parse(received)? else { return Ok(None) };
            received.advance(length);
            // What is said beforehand (RFC 9110 §15.2).
            self.head = Some(head).filter(|head| !head.status.is_informational());
        }
        let Some(head) = &mut self.head else { return Ok(None) };
        let body = match &mut head.end {
            End::After(length) if *length > self.limit => return Err(Malformed::TooLarge),
            End::After(length) if received.len() < *length => return Ok(None),
            End::After(length) => received.split_to(*length).freeze(),
            End::Chunked(next) => {
                if !next.take(received, &mut self.body, self.limit)? {
                    return Ok(None);
                }
                std::mem::take(&mut self.body).freeze()
            }
            End::WithConnection if received.len() > self.limit => return Err(Malformed::TooLarge),
            End::WithConnection => return Ok(None),
        };
        Ok(Some(head.answer(body)))
    }

    /// The answer, if it ends with its connection.
    pub(crate) fn end(&mut self, received: &mut BytesMut) -> Result<Answer, Malformed> {
        match &mut self.head {
            Some(head @ Head { end: End::WithConnection, .. }) => Ok(head.answer(received.split().freeze())),
            None if received.is_empty() => Err(Malformed::Nothing),
            _ => Err(Malformed::Incomplete),
        }
    }
}

impl Head {
    /// The head that `bytes` begin with, and how long it is; `None` if it is not whole yet.
    fn parse(bytes: &[u8]) -> Result<Option<(usize, Self)>, Malformed> {
        let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_FIELDS];
        let mut response = Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
        let parsed = parsed.map_err(|error| match error {
            httparse::Error::Version => Malformed::NotHttp { beginning: bytes[..bytes.len().min(BEGINNING)].to_vec() },
            error => error.into(),
        })?;
        let (Status::Complete(length), Some(code)) = (parsed, response.code) else {
            return if bytes.len() > HEAD_LIMIT { Err(Malformed::HeadTooLong) } else { Ok(None) };
        };
        if length > HEAD_LIMIT {
            return Err(Malformed::HeadTooLong);
        }
        let status = StatusCode::from_u16(code).map_err(|_| httparse::Error::Status)?;
        let (mut announced, mut coding, mut is_last) = (None, None, response.version != Some(1));
        for Header { name, value } in response.headers.iter() {
            if name.eq_ignore_ascii_case("content-length") {
                let length = length_of(value).ok_or(Malformed::Length)?;
                if announced.replace(length).is_some_and(|other| other != length) {
                    return Err(Malformed::Length);
                }
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                if coding.replace(*value).is_some() {
                    return Err(Malformed::Coding);
                }
            } else if name.eq_ignore_ascii_case("connection") {
                is_last |=
                    value.split(|byte| *byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"));
            }
        }
        let has_no_body =
            status.is_informational() || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        // In the order of RFC 9112 §6.3.
        let end = match (coding, announced) {
            _ if has_no_body => End::After(0),
            (Some(coding), _) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => End::Chunked(Next::Size),
            (Some(_), _) => return Err(Malformed::Coding),
            (None, Some(length)) => End::After(length),
            (None, None) => End::WithConnection,
        };
        // Two statements of where it ends are one too many to go on after it.
        is_last |= coding.is_some() && announced.is_some() || matches!(end, End::WithConnection);
        let fields = (!status.is_success()).then(|| Box::new(Fields::of(response.headers)));
        Ok(Some((length, Self { status, end, is_last, fields })))
    }

    fn answer(&mut self, body: Bytes) -> Answer {
        Answer { reply: RawReply { status: self.status, body, fields: self.fields.take() }, is_last: self.is_last }
    }
}

impl Fields {
    fn of(headers: &[Header<'_>]) -> Self {
        let field = |wanted: &str| {
            let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(wanted))?;
            Some(String::from_utf8_lossy(found.value).into_owned())
        };
        Self { server: field("server"), location: field("location") }
    }
}

/// Status and body of the answer that comes in pieces of so many bytes, after which the connection ends; or why it is none.
/// For the fuzz targets: a client has no use for it.
#[doc(hidden)]
pub fn read_answer(bytes: &[u8], piece: usize, limit: usize) -> Result<(u16, Bytes), String> {
    let (mut partial, mut received) = (Partial::new(limit), BytesMut::new());
    for piece in bytes.chunks(piece.max(1)) {
        received.extend_from_slice(piece);
        if let Some(answer) = partial.take(&mut received).map_err(|error| error.to_string())? {
            return Ok((answer.reply.status.as_u16(), answer.reply.body));
        }
    }
    let answer = partial.end(&mut received).map_err(|error| error.to_string())?;
    Ok((answer.reply.status.as_u16(), answer.reply.body))
}

/// A number of bytes, in decimal digits. One that this machine cannot count to is too large in any case.
fn length_of(value: &[u8]) -> Option<usize> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX))
}

impl Next {
    /// Moves what there is of chunks into `body`. Whether that was all of them.
    fn take(&mut self, received: &mut BytesMut, body: &mut BytesMut, limit: usize) -> Result<bool, Malformed> {
        loop {
            match self {
                Next::Size => match httparse::parse_chunk_size(received).map_err(|_| Malformed::Chunk)? {
                    Status::Complete((length, _)) if length > HEAD_LIMIT => return Err(Malformed::Chunk),
                    Status::Complete((length, size)) => {
                        received.advance(length);
                        let size = usize::try_from(size).unwrap_or(usize::MAX);
                        if size > limit - body.len() {
                            return Err(Malformed::TooLarge);
                        }
                        *self = if size == 0 { Next::Trailer } else { Next::Data(size) };
                    }
                    Status::Partial if received.len() > HEAD_LIMIT => return Err(Malformed::Chunk),
                    Status::Partial => return Ok(false),
                },
                Next::Data(left) => {
                    let come = received.split_to(received.len().min(*left));
                    body.extend_from_slice(&come);
                    *left -= come.len();
                    if *left > 0 {
                        return Ok(false);
                    }
                    *self = Next::LineEnd;
                }
                Next::LineEnd => {
                    let Some(line) = line(received)? else { return Ok(false) };
                    if !line.is_empty() {
                        return Err(Malformed::Chunk);
                    }
                    *self = Next::Size;
                }
                Next::Trailer => {
                    let Some(line) = line(received)? else { return Ok(false) };
                    if line.is_empty() {
                        return Ok(true);
                    }
                }
            }
        }
    }
}

/// Takes a line, and its end, if it is whole.
fn line(received: &mut BytesMut) -> Result<Option<BytesMut>, Malformed> {
    match received.iter().position(|byte| *byte == b'\n') {
        Some(end) if end > HEAD_LIMIT => Err(Malformed::Chunk),
        Some(end) => {
            let mut line = received.split_to(end);
            received.advance(1);
            match line.split_off(line.len().saturating_sub(1)) {
                carriage_return if *carriage_return == *b"\r" => Ok(Some(line)),
                _ => Err(Malformed::Chunk),
            }
        }
        None if received.len() > HEAD_LIMIT => Err(Malformed::Chunk),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 100;

    /// Status, body, whether the connection can go on, and what came after the answer, if that was whole.
    type Read<T> = Result<Option<(u16, T, bool, T)>, Malformed>;

    /// Reads an answer that comes in such pieces, and is perhaps followed by the end of the connection.
    fn read(pieces: &[&[u8]], ends: bool) -> Read<Vec<u8>> {
        let told = |answer: Answer, rest: &[u8]| {
            let Answer { reply: RawReply { status, body, .. }, is_last } = answer;
            Some((status.as_u16(), body.to_vec(), !is_last, rest.to_vec()))
        };
        let (mut partial, mut received) = (Partial::new(LIMIT), BytesMut::new());
        for (index, piece) in pieces.iter().enumerate() {
            received.extend_from_slice(piece);
            assert!((TYPICAL_ANSWER..=MOST_AT_ONCE).contains(&partial.room(&received)));
            if let Some(answer) = partial.take(&mut received)? {
                received.extend_from_slice(&pieces[index + 1..].concat());
                return Ok(told(answer, &received));
            }
        }
        if ends { partial.end(&mut received).map(|answer| told(answer, b"")) } else { Ok(None) }
    }

    fn whole(text: &str) -> Read<String> {
        let read = read(&[text.as_bytes()], false)?;
        Ok(read.map(|(status, body, goes_on, rest)| {
            (status, String::from_utf8(body).unwrap(), goes_on, String::from_utf8(rest).unwrap())
        }))
    }

    fn answer(status: u16, body: &str, goes_on: bool, rest: &str) -> Read<String> {
        Ok(Some((status, body.to_owned(), goes_on, rest.to_owned())))
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        for (text, expected) in [
            // As Asterisk answers.
            (
                "HTTP/1.1 200 OK\r\nServer: Asterisk\r\nContent-type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                answer(200, "{}", true, ""),
            ),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", answer(204, "", true, "")),
            ("HTTP/1.1 204 No Content\r\n\r\n", answer(204, "", true, "")),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", answer(304, "", true, "")),
            ("HTTP/1.1 200 OK\r\nCONTENT-LENGTH:  3 \r\n\r\nabcd", answer(200, "abc", true, "d")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", answer(200, "a", true, "")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: a, Close\r\n\r\na", answer(200, "a", false, "")),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", answer(200, "a", false, "")),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 \r\nContent-Length: 1\r\n\r\na", answer(404, "a", true, "")),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: x\r\n\r\nd",
                answer(200, "abc", true, "d"),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                answer(200, "a", false, ""),
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", Ok(None)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", Ok(None)),
            ("HTTP/1.1 200 OK\r\n\r\nab", Ok(None)),
        ] {
            assert_eq!(whole(text), expected, "{text:?}");
        }
    }

    #[test]
    fn without_a_length_the_end_of_the_connection_is_the_end() {
        let text = "HTTP/1.1 200 OK\r\n\r\nab";
        assert_eq!(read(&[text.as_bytes(), b"c"], true), Ok(Some((200, b"abc".to_vec(), false, vec![]))));
        assert_eq!(read(&[b""], true), Err(Malformed::Nothing));
        for cut in ["HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"] {
            assert_eq!(read(&[cut.as_bytes()], true), Err(Malformed::Incomplete), "{cut:?}");
        }
        let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n";
        assert_eq!(read(&[cut.as_bytes()], true), Err(Malformed::Incomplete));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let not_http = |beginning: &str| Malformed::NotHttp { beginning: beginning.into() };
        for (text, why) in [
            ("220 mail.example.org ESMTP\r\n".to_owned(), not_http("220 mail.example.org ESMTP\r\n")),
            ("S".to_owned(), not_http("S")),
            (format!("SSH-{}", "a".repeat(100)), not_http(&format!("SSH-{}", "a".repeat(BEGINNING - 4)))),
            ("HTTP/1.1 200 OK\r\nno field\r\n\r\n".to_owned(), Malformed::Head(httparse::Error::HeaderName)),
            ("HTTP/1.1 000 \r\n\r\n".to_owned(), Malformed::Head(httparse::Error::Status)),
            (format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(HEAD_LIMIT)), Malformed::HeadTooLong),
            (format!("HTTP/1.1 204 OK\r\nX: {}\r\n\r\n", "a".repeat(HEAD_LIMIT)), Malformed::HeadTooLong),
            (
                format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MOST_FIELDS + 1)),
                Malformed::Head(httparse::Error::TooManyHeaders),
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned(), Malformed::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n".to_owned(), Malformed::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(), Malformed::Length),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned(), Malformed::Coding),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
                Malformed::Coding,
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n".to_owned(), Malformed::TooLarge),
            (format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", "9".repeat(40)), Malformed::TooLarge),
            (format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(101)), Malformed::TooLarge),
            (format!("{chunked}65\r\n"), Malformed::TooLarge),
            (format!("{chunked}ffffffffffffffff\r\n"), Malformed::TooLarge),
            (format!("{chunked}64\r\n{}\r\n1\r\n", "a".repeat(100)), Malformed::TooLarge),
            (format!("{chunked}x\r\n"), Malformed::Chunk),
            (format!("{chunked}1\r\nab\r\n"), Malformed::Chunk),
            (format!("{chunked}1\r\na\n"), Malformed::Chunk),
            (format!("{chunked}1;{}", "a".repeat(HEAD_LIMIT)), Malformed::Chunk),
            (format!("{chunked}1;{}\r\na\r\n0\r\n\r\n", "a".repeat(HEAD_LIMIT)), Malformed::Chunk),
            (format!("{chunked}0\r\n{}", "a".repeat(HEAD_LIMIT + 1)), Malformed::Chunk),
            (format!("{chunked}0\r\n{}\r\n\r\n", "a".repeat(HEAD_LIMIT + 1)), Malformed::Chunk),
        ] {
            assert_eq!(whole(&text), Err(why), "{text:?}");
        }
    }

    /// Bytes that are an answer, or were one before something was done to them.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let text = prop::sample::select(vec![
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcdefg",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na;b\r\n0123456789\r\n0\r\nA: b\r\n\r\nz",
            "HTTP/1.0 500 Oops\r\n\r\nabc",
        ]);
        let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
        (text, damage).prop_map(|(text, damage)| {
            let mut bytes = text.as_bytes().to_vec();
            for (place, byte) in damage {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_come(bytes in bytes(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
            // How much of something else had come by then is another matter.
            let read = |pieces: &[&[u8]]| match read(pieces, true) {
                Err(Malformed::NotHttp { .. }) => Err(Malformed::NotHttp { beginning: Vec::new() }),
                read => read,
            };
            prop_assert_eq!(read(&pieces), read(&[&bytes]));
        }

        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes], true);
            let _ = read(&[&bytes], true);
        }
    }
}
