//! Ways to ARI: below a prefix, through nginx, and with what an Asterisk or a proxy has against us.

use asterisk_lab::{Ari, Lab, LoopbackAddress, Proxy, ServerOptions, nginx_for_tests};
use calltest_ari::requests::recordings;
use calltest_ari::{RestClient, Secret, Settings, Tls, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::certificates::Certificates;
use super::setup::{SOON, settings};

/// The lines with which nginx passes ARI on, as `docs/asterisk.md` has them.
const DOCUMENTATION: &str = include_str!("../../../../docs/asterisk.md");

/// What those lines pass requests on to.
const DOCUMENTED_SERVER: &str = "http://127.0.0.1:8088";

fn lab_with(options: impl FnOnce(ServerOptions) -> ServerOptions) -> Lab {
    Lab::builder(&asterisk_lab::for_tests()).server(options(ServerOptions::named("a"))).start().unwrap()
}

/// Settings for what a proxy passes on.
fn through(proxy: &Proxy, lab: &Lab) -> Settings {
    let address = proxy.address();
    Settings { host: address.ip().to_string(), port: address.port(), ..settings(lab.server("a")) }
}

async fn refusal(settings: Settings) -> String {
    let address = settings.address();
    let error = timeout(SOON, connect(settings)).await.expect("within the connect timeout").unwrap_err();
    error.to_string().replace(&address, "HOST")
}

async fn works(settings: Settings) {
    let (client, _incoming) = timeout(SOON, connect(settings)).await.expect("within the connect timeout").unwrap();
    client.round_trip().await.unwrap();
    client.close().await;
}

// field telephony 15 | ARI below `prefix` of http.conf, or below a path of a reverse proxy | `path` leads there; without it, the sentence names it | several segments, TLS, a proxy that takes the path away; doctor finds usual paths; ARI that is switched off
#[tokio::test]
async fn a_prefix_is_part_of_the_way() {
    let lab = lab_with(|options| options.http_prefix("pbx/one"));
    let settings = || settings(lab.server("a"));
    works(settings()).await;
    works(Settings { path: "/PBX/one".into(), ..settings() }).await;
    for path in ["", "/pbx", "/pbx/one/more"] {
        let told = format!(
            "Asterisk answers at HOST, but has nothing at {path}/ari (status 404): its http.conf has another prefix, or its \
             ari.conf does not say enabled=yes, or res_ari is not loaded"
        );
        assert_eq!(refusal(Settings { path: path.into(), ..settings() }).await, told);
    }
    let client = RestClient::new(Settings { path: String::new(), ..settings() }).unwrap();
    assert!(client.is_below("/pbx/one").await && !client.is_below("/pbx").await && !client.is_below("").await);
}

/// A connection that the server has answered on, and so counts. It keeps it for 15 s more, unless told to close it: then it
/// has, and counts it no more.
async fn answered_connection(ari: &Ari, field: &str) -> TcpStream {
    let request = format!("GET /ari/asterisk/ping HTTP/1.1\r\nHost: a\r\n{field}\r\n");
    loop {
        let mut stream = TcpStream::connect((ari.host, ari.port)).await.unwrap();
        // One that is refused may be closed before it is written to.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let length =
            if field.is_empty() { stream.read_buf(&mut answer).await } else { stream.read_to_end(&mut answer).await };
        if length.is_ok_and(|length| length > 0) {
            return stream;
        }
    }
}

// field real-lines-2 set-up 1 | Asterisk has as many connections as `sessionlimit` allows, and closes each new one without a word | `error` that names sessionlimit | with TLS; for the WebSocket alone; doctor tells it from a port for TLS
#[tokio::test]
async fn a_session_limit_that_is_reached_is_named() {
    let address = LoopbackAddress::lease().unwrap();
    let certificates = Certificates::for_address(&address.ip().to_string());
    let lab = lab_with(|options| {
        let (certificate, key) = (certificates.file("cert.pem"), certificates.file("key.pem"));
        options.address(address).https(certificate, key).session_limit(1)
    });
    let settings = || settings(lab.server("a"));
    let ari = lab.server("a").ari();
    // That of the lab may still be counted.
    drop(
        timeout(SOON, answered_connection(ari, "Connection: close\r\n"))
            .await
            .expect("the lab's connection is gone soon"),
    );
    // The first request's connection is kept, and the only one that there may be.
    let told = "HOST answers requests, but closed the connection for events without an answer: Asterisk does that when it has \
                as many connections as sessionlimit of its http.conf allows";
    assert_eq!(refusal(settings()).await, told);

    let held = timeout(SOON, answered_connection(ari, "")).await.expect("the connection before is gone soon");
    let told = "HOST took the connection and closed it without an answer: Asterisk does that when it has as many connections \
                as sessionlimit of its http.conf allows";
    assert_eq!(refusal(settings()).await, format!("{told}, and a port for TLS may do it"));
    let tls = Some(certificates.tls());
    assert_eq!(refusal(Settings { port: ari.https_port.unwrap(), tls, ..settings() }).await, told);
    let client = RestClient::new(settings()).unwrap();
    assert!(!client.speaks_tls().await);
    drop(held);
}

// field real-lines-2 set-up 2 | 403 of an ACL in ari.conf, of one in http.conf, of a proxy and for a user who may only look | each has its own sentence | the ACL of a user, of a path; for the WebSocket alone
#[tokio::test]
async fn an_acl_is_told_from_a_user_who_may_only_look() {
    let address = LoopbackAddress::lease().unwrap();
    let acl = "deny = 0.0.0.0/0.0.0.0\npermit = 192.0.2.0/24\n";
    let http = format!(
        "[general]\nenabled = yes\nbindaddr = {}\nbindport = 8088\n[/ari/events]\ntype = restriction\n{acl}",
        address.ip()
    );
    let example = "[general]\nenabled = yes\n[example]\ntype = user\npassword = oh_no_you_do_not\n";
    let ari = format!("{example}[walled]\ntype = user\npassword = pw\n{acl}");
    let lab = lab_with(|options| options.address(address).file("ari.conf", ari).file("http.conf", http));
    let told = "Asterisk at HOST denies access from the address of this machine, by an ACL in its";
    assert_eq!(refusal(settings(lab.server("a"))).await, format!("{told} http.conf"));
    let walled = Settings { username: "walled".into(), password: Secret::from("pw"), ..settings(lab.server("a")) };
    assert_eq!(refusal(walled).await, format!("{told} ari.conf"));
}

/// The lines for nginx in the documentation, for this server.
fn documented_lines(lab: &Lab) -> String {
    let (_, after) = DOCUMENTATION.split_once("```nginx\n").expect("the documentation has lines for nginx");
    let (lines, _) = after.split_once("```").unwrap();
    assert!(lines.contains(DOCUMENTED_SERVER), "{lines}");
    let ari = lab.server("a").ari();
    lines.replace(DOCUMENTED_SERVER, &format!("http://{}:{}", ari.host, ari.port))
}

// field telephony 15
#[tokio::test]
async fn the_documented_lines_for_nginx_work() {
    let lab = lab_with(|options| options.http_prefix("pbx"));
    let proxy = Proxy::start(&nginx_for_tests(), &documented_lines(&lab)).unwrap();
    works(through(&proxy, &lab)).await;
    // A slash in a name stays what it is.
    let client = RestClient::new(through(&proxy, &lab)).unwrap();
    let gone = client.request(recordings::GetStored { recording_name: "/tmp/none".into() }).await.unwrap_err();
    assert!(gone.is_gone(), "{gone}");

    // With a slash after the port, nginx decodes it.
    let lab = lab_with(|options| options);
    let base = lab.server("a").ari().base_url();
    let proxy = Proxy::start(&nginx_for_tests(), &documented_lines(&lab).replace(&base, &format!("{base}/"))).unwrap();
    let client = RestClient::new(Settings { path: "/pbx".into(), ..through(&proxy, &lab) }).unwrap();
    let broken = client.request(recordings::GetStored { recording_name: "/tmp/none".into() }).await.unwrap_err();
    assert!(broken.is_unknown_path(), "{broken}");
}

// field real-lines-2 set-up 8
#[tokio::test]
async fn tls_of_a_proxy_is_told_from_plain_http() {
    let lab = lab_with(|options| options.http_prefix("pbx"));
    let lines = documented_lines(&lab);
    let address = LoopbackAddress::lease().unwrap();
    let certificates = Certificates::for_address(&address.ip().to_string());
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| certificates.file(name));
    let encrypted = Proxy::start_with_tls(address, &nginx_for_tests(), [&certificate, &key], &lines).unwrap();
    let settings = |tls| Settings { tls, ..through(&encrypted, &lab) };
    works(settings(Some(certificates.tls()))).await;
    assert_eq!(refusal(settings(None)).await, "HOST expects TLS, and was spoken to without");
    assert!(RestClient::new(settings(None)).unwrap().speaks_tls().await);

    let plain = Proxy::start(&nginx_for_tests(), &lines).unwrap();
    let settings = |tls| Settings { tls, ..through(&plain, &lab) };
    let told = "HOST does not speak TLS; is this the port of tlsbindaddr in its http.conf?";
    assert_eq!(refusal(settings(Some(Tls::default()))).await, told);
    assert!(!RestClient::new(settings(None)).unwrap().speaks_tls().await);
}

// field real-lines-2 set-up 9 | A certificate for another name, or out of date | `error` that gives the names, or says what to renew | an address; names of hosts; expired; not valid yet
#[tokio::test]
async fn a_certificate_for_another_name_says_for_which() {
    let lab = lab_with(|options| options);
    let invalid = "is not valid at this time: invalid peer certificate: certificate";
    for (name, years, told) in [
        (Some("pbx.example.org"), 2000..=4000, "is for another name: pbx.example.org"),
        (Some("192.0.2.7"), 2000..=4000, "is for another name: 192.0.2.7"),
        (None, 2000..=2001, &format!("{invalid} expired")),
        (None, 3999..=4000, &format!("{invalid} not valid yet")),
    ] {
        let address = LoopbackAddress::lease().unwrap();
        let own = address.ip().to_string();
        let certificates = Certificates::for_years(name.unwrap_or(&own), years);
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| certificates.file(name));
        let proxy = Proxy::start_with_tls(address, &nginx_for_tests(), [&certificate, &key], "").unwrap();
        let settings = Settings { tls: Some(certificates.tls()), ..through(&proxy, &lab) };
        let sentence = refusal(settings).await;
        assert!(sentence.starts_with(&format!("the certificate of HOST {told}")), "{sentence}");
    }
}

// field real-lines-2 set-up 5
#[tokio::test]
async fn each_fault_of_a_proxy_has_its_sentence() {
    let lab = lab_with(|options| options);
    let nginx = nginx_for_tests();
    let upstream = lab.server("a").ari().base_url();
    let pass = format!("proxy_pass {upstream};");
    for (lines, told) in [
        (
            format!("location / {{ {pass} }}"),
            "HOST answers requests, but does not open the WebSocket for events (status 426): a proxy in between does not pass \
             on the upgrade",
        ),
        (
            "return 301 https://pbx.example.org$request_uri;".to_owned(),
            "HOST redirects to https://pbx.example.org/ari/asterisk/info (status 301), and redirects are not followed",
        ),
        (
            "location / { proxy_pass http://127.0.0.1:9; }".to_owned(),
            "a proxy or web server at HOST (nginx) gets no answer from Asterisk behind it (status 502)",
        ),
        (
            format!("location / {{ {pass} deny all; }}"),
            "a proxy or web server at HOST (nginx) forbids `GET /ari/asterisk/info` (status 403): it did not get to Asterisk",
        ),
        (
            format!("location / {{ {pass} auth_basic x; auth_basic_user_file /dev/null; }}"),
            "a proxy or web server at HOST (nginx) asks for a login of its own (status 401): the request did not get to \
             Asterisk",
        ),
        (
            format!("location /pbx/ {{ {pass} }}"),
            "HOST answers in HTTP but has no ARI at /ari (status 404, nginx): it is no Asterisk, or a \
             proxy that does not pass that path on",
        ),
        (
            format!("location /ari/events {{ return 302 /login?next=s3cret; }} location / {{ {pass} }}"),
            "HOST redirects to http://HOST/login (status 302), and redirects are not followed",
        ),
        (
            "default_type text/html; location / { return 200 '<html><title>Welcome</title></html>'; }".to_owned(),
            "HOST answers with an HTML page (Welcome) and not as ARI does (status 200): another web server, a proxy or a \
             captive portal is there",
        ),
        (
            format!("location / {{ proxy_pass {upstream}/pbx/; }}"),
            "Asterisk answers at HOST, but has nothing at /ari (status 404): its http.conf has another prefix, or its ari.conf \
             does not say enabled=yes, or res_ari is not loaded",
        ),
    ] {
        let proxy = Proxy::start(&nginx, &format!("server_tokens off;\n{lines}")).unwrap();
        assert_eq!(refusal(through(&proxy, &lab)).await, told, "{lines}");
    }
}
