//! Who answers in Asterisk's place, or before it: each has a sentence of its own. What can be tried with a real Asterisk or a
//! real proxy, is tried in `real_asterisk/ways.rs` too.

use calltest_ari::Tls;

use super::*;

/// What a server says to a request, before it closes the connection.
#[derive(Clone, Copy)]
enum Says {
    /// This, as soon as there is a connection.
    AtOnce(&'static [u8]),
    /// This, to a request.
    Answers(&'static str),
    /// What ARI says to the first request, and this to the one for events.
    ToEvents(&'static str),
}

/// How a client of TLS begins (RFC 8446 §5.1).
const TLS_GREETING: &[u8] = &[22, 3];

/// A server that says so; its port.
async fn server(says: Says) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            if let Says::AtOnce(bytes) = says {
                stream.write_all(bytes).await.unwrap();
            }
            let is_whole = |request: &[u8]| request.ends_with(b"\r\n\r\n") || request.starts_with(TLS_GREETING);
            while !is_whole(&request) && stream.read_buf(&mut request).await.is_ok_and(|length| length > 0) {}
            let is_events = request.starts_with(b"GET /ari/events?");
            let answer = match says {
                Says::AtOnce(_) => "",
                Says::ToEvents(_) if !is_events => {
                    "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{\"system\": {\"version\": \"22.10.1\"}}\n"
                }
                Says::Answers(answer) | Says::ToEvents(answer) => answer,
            };
            // Whoever has heard enough may be gone.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

/// What is said about a server, without its address.
async fn sentence(says: Says) -> String {
    let port = server(says).await;
    let settings = Settings { connect_timeout: SOON, ..Settings::new("127.0.0.1", port, "user", "s3cret", "app") };
    let sentence = connect(settings).await.unwrap_err().to_string();
    assert!(!sentence.contains("s3cret") && !sentence.contains('\n'), "{sentence}");
    sentence.replace(&format!("127.0.0.1:{port}"), "HOST")
}

async fn check(says: Says, expected: &str) {
    assert_eq!(sentence(says).await, expected);
}

// field real-lines-2 set-up 3 | A redirect in place of ARI | `error` that names where it leads, without secrets, and the keys to set | http to https, another host, another port, a trailing slash, no target, user and password and query in the target; for the WebSocket alone; with real nginx
#[tokio::test]
async fn a_redirect_is_told_without_its_secrets() {
    let to = Says::Answers(
        "HTTP/1.1 301 Moved Permanently\r\nServer: nginx\r\nLocation: https://joe:hunter2@pbx.example.org/ari/asterisk/info?\
         only=system&api_key=joe:hunter2#hunter2\r\nContent-Length: 0\r\n\r\n",
    );
    let told =
        "HOST redirects to https://pbx.example.org/ari/asterisk/info (status 301), and redirects are not followed";
    check(to, told).await;
    let nowhere = Says::Answers("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    check(nowhere, "HOST redirects to nowhere (status 302), and redirects are not followed").await;
    let events = Says::ToEvents("HTTP/1.1 308 Permanent Redirect\r\nLocation: /ws/\r\nContent-Length: 0\r\n\r\n");
    check(events, "HOST redirects to /ws/ (status 308), and redirects are not followed").await;
}

// field real-lines-2 set-up 4 | An HTML page in place of ARI's JSON | `error` that gives the page's title | any status, 200 too; a captive portal, a page without title; text and foreign JSON; later requests; with real nginx
#[tokio::test]
async fn a_page_is_no_answer_of_aris() {
    let portal = Says::Answers(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\n<!DOCTYPE html><html><head><title>\nWelcome \
         to\n the hotel</title></head></html>",
    );
    let told = "HOST answers with an HTML page (Welcome to the hotel) and not as ARI does (status 200): another web server, \
                a proxy or a captive portal is there";
    check(portal, told).await;
    let nameless =
        Says::Answers("HTTP/1.1 511 Network Authentication Required\r\nConnection: close\r\n\r\n<html><body>");
    let told = "HOST answers with an HTML page and not as ARI does (status 511): another web server, a proxy or a captive \
                portal is there";
    check(nameless, told).await;
    let text = Says::Answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nIt works!");
    let told = "HOST answers in HTTP but has no ARI at /ari (status 200): it is no Asterisk, or a proxy \
                that does not pass that path on";
    check(text, told).await;
    let teapot = Says::Answers("HTTP/1.1 418 Teapot\r\nServer: Kettle\r\nContent-Length: 2\r\n\r\n[]");
    check(teapot, &told.replace("(status 200)", "(status 418, Kettle)")).await;
}

/// After a connection there is no captive portal, but a proxy whose server is down.
// field real-lines-2 set-up 4
#[tokio::test]
async fn a_later_request_tells_a_page_by_its_title() {
    let (fake, client, _incoming) = started().await;
    let page = "<html><head><title>502 Bad Gateway</title></head><body>…</body></html>";
    for (status, told) in [(502, "502 an HTML page (502 Bad Gateway)"), (200, "200 an HTML page (502 Bad Gateway)")] {
        fake.faults().heal();
        fake.faults().on("POST", "/channels/*").answers(status, page);
        let error = client.request(originate("call-1")).await.unwrap_err();
        assert_eq!(error.to_string(), format!("POST /channels/call-1: {told}"));
    }
    client.close().await;
}

// field real-lines-2 set-up 5 | A proxy that answers requests, and does not pass on the upgrade to a WebSocket | `error` that names the lines for nginx and Apache | 200, 400, 404, 405, 426, 501, 101 without its fields, 500; with real nginx, and Apache by hand
#[tokio::test]
async fn a_proxy_without_upgrade_is_named() {
    for status in ["200 OK", "400 Bad Request", "404 Not Found", "405 No", "426 Upgrade Required", "500 Oops", "501 No"]
    {
        let answer = format!("HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n");
        let told = format!(
            "HOST answers requests, but does not open the WebSocket for events (status {}): a proxy in between does not pass \
             on the upgrade",
            &status[..3]
        );
        check(Says::ToEvents(answer.leak()), &told).await;
    }
    let told = "HOST answers requests, but does not open the WebSocket for events: a proxy in between does not pass on the \
                upgrade";
    check(Says::ToEvents("HTTP/1.1 101 Switching Protocols\r\n\r\n"), told).await;
    // What is not the upgrade's fault.
    let module = "HTTP/1.1 404 Not Found\r\nContent-Length: 32\r\n\r\n{\"message\":\"Resource not found\"}";
    check(Says::ToEvents(module), "ARI at HOST does not know /events (status 404): res_ari_events is not loaded").await;
    let down = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let told = "a proxy or web server at HOST gets no answer from Asterisk behind it (status 502)";
    check(Says::ToEvents(down), told).await;
}

// field real-lines-2 set-up 6 | 401, 403, 502, 503, 504 of a proxy | `error` that blames the proxy, not the password or the user's rights | with and without a page and a name; 503 of an Asterisk that starts; real nginx; for the WebSocket alone
#[tokio::test]
async fn what_a_proxy_refuses_is_not_asterisks_refusal() {
    let login = "HTTP/1.1 401 Unauthorized\r\nServer: nginx/1.30.6\r\nWWW-Authenticate: Basic realm=\"x\"\r\nConnection: close\
                 \r\n\r\n<html><head><title>401 Authorization Required</title></head></html>";
    let told = "a proxy or web server at HOST (nginx/1.30.6) asks for a login of its own (status 401): the request did not \
                get to Asterisk";
    check(Says::Answers(login), told).await;
    let forbidden = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let told =
        "a proxy or web server at HOST forbids `GET /ari/asterisk/info` (status 403): it did not get to Asterisk";
    check(Says::Answers(forbidden), told).await;
    check(Says::ToEvents(forbidden), &told.replace("asterisk/info", "events")).await;
    for status in [502, 503, 504] {
        let down = format!(
            "HTTP/1.1 {status} Down\r\nServer: haproxy\r\nConnection: close\r\n\r\n<html><body>Down</body></html>"
        );
        let told =
            format!("a proxy or web server at HOST (haproxy) gets no answer from Asterisk behind it (status {status})");
        check(Says::Answers(down.leak()), &told).await;
    }
    let starts = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 33\r\n\r\n{\"message\":\"Asterisk not booted\"}";
    check(Says::Answers(starts), "Asterisk at HOST has not finished starting (status 503)").await;
    check(Says::ToEvents(starts), "Asterisk at HOST has not finished starting (status 503)").await;
}

// field real-lines-2 set-up 7 | Something else on the port | `error` that names what it is | SSH, SIP, RTSP, AMI, Redis, SMTP, bytes that cannot be printed; a broken answer; a hang-up in the middle
#[tokio::test]
async fn what_is_not_http_is_named() {
    for (says, told) in [
        (Says::AtOnce(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "speaks SSH: `SSH-2.0-OpenSSH_9.2p1 Debian-2`"),
        (Says::Answers("SIP/2.0 400 Bad Request\r\n\r\n"), "speaks SIP: `SIP/2.0 400 Bad Request`"),
        (Says::Answers("RTSP/1.0 400 Bad Request\r\n\r\n"), "speaks RTSP: `RTSP/1.0 400 Bad Request`"),
        (Says::AtOnce(b"Asterisk Call Manager/11.0.0\r\n"), "speaks AMI: `Asterisk Call Manager/11.0.0`"),
        (
            Says::Answers("-ERR wrong number of arguments for 'get' command\r\n"),
            "speaks Redis: `-ERR wrong number of arguments for 'get'`",
        ),
        (Says::AtOnce(b"220 mail.example.org ESMTP\r\n"), "speaks SMTP or FTP: `220 mail.example.org ESMTP`"),
        (Says::AtOnce(b"hello\x1b[2J, stranger\n"), "with `hello`"),
        (Says::AtOnce(b"\x4a\0\0\0\x0a8.0.36"), "with `J`"),
        (Says::AtOnce(b"\0\0\x12\x04\0\0\0\0\0"), "with something that cannot be printed"),
    ] {
        check(says, &format!("HOST does not answer in HTTP, but {told}")).await;
    }
    let broken = Says::Answers("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
    check(broken, "HOST gave an answer that is not understood: the answer does not tell how long it is").await;
    let torn = Says::Answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
    let told = "HOST gave an answer that is not understood: the connection was closed before the answer was complete";
    check(torn, told).await;
}

// field real-lines-2 set-up 8 | TLS spoken to a plain port, and plain HTTP to one for TLS | `error` that says which of the two | an alert, the pages of nginx, Apache and Go, a hang-up; Asterisk's own ports; real nginx
#[tokio::test]
async fn a_port_for_tls_is_told_from_one_without() {
    let apache = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html><title>400 Bad Request</title><p>Reason: You're \
                  speaking plain HTTP to an SSL-enabled server port.</p></html>";
    let go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    for says in [Says::AtOnce(b"\x15\x03\x03\0\x02\x02\x46"), Says::Answers(apache), Says::Answers(go)] {
        check(says, "HOST expects TLS, and was spoken to without").await;
    }
    for says in [Says::Answers("HTTP/1.1 400 Bad Request\r\n\r\n"), Says::AtOnce(b"SSH-2.0-OpenSSH_9.2p1\r\n")] {
        let settings = Settings::new("127.0.0.1", server(says).await, "user", "s3cret", "app");
        let error = connect(Settings { tls: Some(Tls::default()), ..settings }).await.unwrap_err();
        assert!(matches!(error, ConnectError::NoTlsThere { .. }), "{error}");
    }
}

// field real-lines-2 set-up 1
#[tokio::test]
async fn a_server_that_hangs_up_without_a_word_may_have_too_many_connections() {
    let told = "HOST took the connection and closed it without an answer: Asterisk does that when it has as many connections \
                as sessionlimit of its http.conf allows, and a port for TLS may do it";
    check(Says::Answers(""), told).await;
    let told = "HOST answers requests, but closed the connection for events without an answer: Asterisk does that when it \
                has as many connections as sessionlimit of its http.conf allows";
    check(Says::ToEvents(""), told).await;
}

/// Another path may be another program's.
// field telephony 15
#[tokio::test]
async fn a_look_for_another_path_does_not_say_who_looks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = RestClient::new(Settings::new("127.0.0.1", port, "user", "s3cret", "app")).unwrap();
    let ari = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 37\r\n\r\n{\"message\":\"Authentication required\"}";
    let asked = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(ari).await.unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    };
    let (is_there, asked) = tokio::join!(client.is_below("/pbx"), asked);
    assert!(is_there && asked.starts_with("GET /pbx/ari/asterisk/ping HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.to_lowercase().contains("authorization") && !asked.contains("user"), "{asked}");
}
