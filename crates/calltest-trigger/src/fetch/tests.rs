//! Requests to a server that answers once, as each test wants.

use std::net::TcpListener;
use std::time::Duration;

use calltest_core::plan::{Body, ExpectedStatus, Fetch, Method, Query, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// A server that gives this answer to the first request, in which `ECHO` is the request itself, and the request.
async fn answering(answer: impl Into<String>) -> (u16, JoinHandle<String>) {
    let answer = answer.into();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answered = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let read = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        // Whoever has read enough hangs up.
        let _ = stream.write_all(answer.replace("ECHO", &request).as_bytes()).await;
        request
    });
    (port, answered)
}

async fn outcome(request: Fetch) -> Result<String, String> {
    let number = "+4991112345";
    let answered = fetch(Request::new(&request, number).unwrap(), Sent::with_number(number));
    timeout(Duration::from_secs(20), answered).await.expect("the answer comes at once")
}

fn posting(url: String) -> Fetch {
    let query = Query::Parameters(vec![("token".into(), "s3cr&t".into()), ("to".into(), "{number}".into())]);
    let body = Body { text: r#"{"pin": "47110815", "to": "{number}"}"#.into(), media_type: None };
    Fetch { method: Method::Post, query, body: Some(body), ..Fetch::get(url) }
}

fn with_headers(request: Fetch, headers: &[(&str, &str)]) -> Fetch {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
    Fetch { headers, ..request }
}

/// What comes of a GET request, with `PORT` for the port, if that is expected of this answer.
async fn outcome_if(statuses: &[&str], texts: &[&str], answer: &str) -> Result<String, String> {
    let (port, _) = answering(answer).await;
    let statuses = statuses.iter().map(|status| ExpectedStatus::parse(status).unwrap()).collect();
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    let url = format!("http://127.0.0.1:{port}/dial");
    let outcome = outcome(Fetch { expected: ExpectedAnswer { statuses, texts }, ..Fetch::get(url) }).await;
    let with_port = |text: String| text.replace(&port.to_string(), "PORT");
    outcome.map(with_port).map_err(with_port)
}

// field attack 8 | A trigger’s redirect ends in a login page | `error`, and nothing is passed on | five statuses; query, body, path and header; an answer that repeats its request, encoded or cut
#[tokio::test]
async fn a_redirect_is_an_error_that_names_its_target_without_secrets_and_is_not_followed() {
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let at = format!("http://localhost:{}/login", elsewhere.local_addr().unwrap().port());
        for (place, target) in [
            (format!("{at}?next=T0K3N#T0K3N"), at.clone()),
            (at.replace("//", "//me:T0K3N@"), at.clone()),
            (format!("{at}/T0K3N-abcdef99;s=T0K3N"), format!("{at}/***;***")),
            (format!("{at}/47110815"), format!("{at}/***")),
            ("/login?next=T0K3N".into(), "http://127.0.0.1:PORT/login".into()),
            ("//evil.example/T0K3N-abcdef99".into(), "http://evil.example/***".into()),
            ("data:text/plain,T0K3N".into(), "a URL of the scheme data".into()),
            ("http://[".into(), "a place that cannot be read".into()),
            (format!("/{}", "x".repeat(5000)), format!("http://127.0.0.1:PORT/{}", "x".repeat(1000))),
        ] {
            let answer = format!("HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 9\r\n\r\nT0K3N T0K");
            let (port, answered) = answering(answer).await;
            let said = outcome(posting(format!("http://me:hunter2@127.0.0.1:{port}/dial"))).await.unwrap_err();
            let target: String = target.replace("PORT", &port.to_string()).chars().take(MAX_QUOTED).collect();
            let fix = format!("give the URL that causes the call by itself, or `expect: {}`", &status[..3]);
            let expected = format!(
                "POST http://127.0.0.1:{port}/dial answered {status}, which leads to {target} and is not followed; fix: {fix} if this is its answer"
            );
            assert_eq!(said, expected);
            assert!(!answered.await.unwrap().to_ascii_lowercase().contains("referer"));
        }
        assert!(elsewhere.accept().is_err(), "it was followed");
    }
}

// field real-lines-2 trigger 11
#[tokio::test]
async fn a_redirect_that_is_expected_is_done_and_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let place = format!("http://{}/queue", elsewhere.local_addr().unwrap());
    let answer = format!("HTTP/1.1 303 See Other\r\nLocation: {place}\r\nContent-Length: 6\r\n\r\nqueued");
    let done = "GET http://127.0.0.1:PORT/dial answered 303 See Other".to_owned();
    for (statuses, texts) in
        [(&["303"][..], &[][..]), (&["200", "303"], &[]), (&["3xx"], &["queued"]), (&["303"], &["ue"])]
    {
        assert_eq!(outcome_if(statuses, texts, &answer).await, Ok(done.clone()));
    }
    for (statuses, texts) in [(&["2xx"][..], &[][..]), (&["302"], &[]), (&[], &["queued"])] {
        let said = outcome_if(statuses, texts, &answer).await.unwrap_err();
        assert!(said.contains(" answered 303 See Other, which leads to http://127.0.0.1:"), "{said}");
    }
    assert!(elsewhere.accept().is_err(), "it was followed");
}

// field real-lines-2 trigger 11
#[tokio::test]
async fn an_answer_counts_as_done_if_it_is_as_expected() {
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"state\":\"queued\"}";
    const FULL: &str = "HTTP/1.1 503 Oops\r\nContent-Length: 5\r\n\r\nfull!";
    const IN_CHUNKS: &str =
        "HTTP/1.1 202 Yes\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nto \r\n8\r\n+4991112\r\n3\r\n345\r\n0\r\n\r\n";
    const NO_BODY: &str = "HTTP/1.1 204 No Content\r\n\r\n";
    const FIX: &str = "fix: correct the request, or `url.expect`";
    const SAYS: &str = ": {\"state\":\"queued\"}";
    type Row<'t> = (&'t [&'t str], &'t [&'t str], &'t str, Result<&'t str, String>);
    let table: [Row; 14] = [
        (&[], &[], OK, Ok("200 OK")),
        (&[], &[], NO_BODY, Ok("204 No Content")),
        (&[], &[], FULL, Err("503 Service Unavailable: full!".into())),
        (&["200"], &[], OK, Ok("200 OK")),
        (&["201"], &[], OK, Err(format!("200 OK, expected 201; {FIX}{SAYS}"))),
        (&["201", "202", "5xx"], &[], OK, Err(format!("200 OK, expected 201, 202 or 5xx; {FIX}{SAYS}"))),
        (&["5xx"], &["full"], FULL, Ok("503 Service Unavailable")),
        (&["5xx"], &[], NO_BODY, Err(format!("204 No Content, expected 5xx; {FIX}"))),
        (&[], &["\"queued\"", "state"], OK, Ok("200 OK")),
        (&[], &["state", "failed"], OK, Err(format!("200 OK, expected `failed` in the body; {FIX}{SAYS}"))),
        (&["202"], &["to {number}"], IN_CHUNKS, Ok("202 Accepted")),
        (
            &[],
            &["to\n{number}"],
            IN_CHUNKS,
            Err(format!("202 Accepted, expected `to +4991112345` in the body; {FIX}: to +4991112345")),
        ),
        (&[], &["queued"], NO_BODY, Err(format!("204 No Content, expected `queued` in the body; {FIX}"))),
        (&["202"], &["full"], FULL, Err(format!("503 Service Unavailable, expected 202; {FIX}: full!"))),
    ];
    for (statuses, texts, answer, expected) in table {
        let sentence = |end: &str| format!("GET http://127.0.0.1:PORT/dial answered {end}");
        let expected = expected.map(sentence).map_err(|end| sentence(&end));
        assert_eq!(outcome_if(statuses, texts, answer).await, expected);
    }
}

// field real-lines-2 trigger 11
#[tokio::test]
async fn a_text_is_looked_for_in_as_much_of_the_body_as_is_read() {
    let answer = |before: usize, head: &str| {
        format!("HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n{}queued", " ".repeat(before))
    };
    assert!(outcome_if(&[], &["queued"], &answer(MAX_READ - 6, "")).await.is_ok());
    let said = outcome_if(&[], &["queued"], &answer(MAX_READ - 5, "")).await.unwrap_err();
    assert!(said.contains(" answered 200 OK, expected `queued` in the first 1 MiB of the body; fix: "), "{said}");
    let said = outcome_if(&[], &["missing"], &answer(0, "Content-Encoding: gzip\r\n")).await.unwrap_err();
    assert!(
        said.contains(", expected `missing` in the body, which is compressed and cannot be searched; fix: "),
        "{said}"
    );
    let long = "x".repeat(1000);
    let said = outcome_if(&[], &[&long], &answer(0, "")).await.unwrap_err();
    assert!(said.contains(&format!(", expected `{}` in the body; fix: ", "x".repeat(MAX_EXPECTED))), "{said}");
}

// field attack 8
#[tokio::test]
async fn an_answer_that_repeats_the_request_is_quoted_without_what_was_sent() {
    let (port, answered) = answering("HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\nno such line in ECHO").await;
    let request = posting(format!("http://me:hunter2@127.0.0.1:{port}/hooks/T0K3N-abcdef99"));
    let said = outcome(request).await.unwrap_err();
    let request = answered.await.unwrap();
    assert!(request.contains("Basic ") && request.contains("47110815") && request.contains("s3cr%26t"), "{request}");
    let beginning = format!(
        "POST http://127.0.0.1:{port}/hooks/*** answered 500 Internal Server Error: no such line in POST /hooks/***?*** HTTP/1.1 "
    );
    assert!(said.starts_with(&beginning), "{said}");
    for secret in ["T0K3N", "s3cr", "47110815", "bWU6aHVudGVyMg", "hunter2"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

// field real-lines-2 trigger 11
#[tokio::test]
async fn headers_are_sent_and_never_repeated() {
    let headers = [
        ("Authorization", "Bearer T0K3N-one"),
        ("X-Api-Key", "T0K3N"),
        ("Cookie", "session=T0K3N2; user=T0K3N3"),
        ("X-To", "{number}"),
        ("X-Pin", "123"),
        ("Host", "pbx.example"),
    ];
    for (answer, expected) in [
        ("HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\nECHO", ExpectedAnswer::default()),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsession T0K3N2 of T0K3N3, T0K3N and t0k3n-ONE: ECHO",
            ExpectedAnswer { statuses: Vec::new(), texts: vec!["queued".into()] },
        ),
    ] {
        let (port, answered) = answering(answer).await;
        let request = with_headers(Fetch::get(format!("http://me:hunter2@127.0.0.1:{port}/dial")), &headers);
        let said = outcome(Fetch { expected, ..request }).await.unwrap_err();
        let request = answered.await.unwrap();
        for sent in [
            "\r\nauthorization: Bearer T0K3N-one\r\n",
            "\r\nx-api-key: T0K3N\r\n",
            "\r\ncookie: session=T0K3N2; user=T0K3N3\r\n",
            "\r\nx-to: +4991112345\r\n",
            "\r\nhost: pbx.example\r\n",
        ] {
            assert!(request.contains(sent), "{sent}: {request}");
        }
        assert!(!request.contains("Basic"), "the header is sent instead of what the URL has: {request}");
        for secret in ["T0K3N", "t0k3n", "123 ", "hunter2", "pbx.example"] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
        assert!(said.contains("+4991112345"), "the number is no secret: {said}");
    }
}
