//! Ways to ARI below a path and through a proxy: what `run` and `doctor` say when the way is blocked, and that all works when
//! it is not.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use asterisk_lab::{Lab, LoopbackAddress, Proxy, nginx_for_tests};

use crate::examination::{INSIDE, ask, nothing_is_left, server};
use crate::program::Program;

/// The program, with an address in place of the server's own.
fn at(lab: &Lab, address: SocketAddr) -> Program {
    let program = Program::new().config(INSIDE).on(lab.server("a"));
    program.set(format!("asterisk.host={}", address.ip())).set(format!("asterisk.port={}", address.port()))
}

fn own_address(lab: &Lab) -> SocketAddr {
    let ari = lab.server("a").ari();
    (ari.host, ari.port).into()
}

/// What `doctor` and `run` both say: what is wrong, and what to do. `HOST` stands for the address.
#[track_caller]
fn both_say(program: impl Fn() -> Program, address: SocketAddr, check: &str, what: &str, fix: &str) {
    let [what, fix] = [what, fix].map(|text| text.replace("HOST", &address.to_string()));
    let findings = ask(program()).exits(1);
    let [found] = &wrong(&findings.all, check)[..] else { panic!("{findings:#?}") };
    assert_eq!((found["what"].as_str().unwrap(), found["fix"].as_str().unwrap()), (&*what, &*fix), "{found:#}");
    ends_with(program(), &[&format!("{what}; fix: {fix}")]);
}

/// A run ends before any test, with all of this in its sentence.
#[track_caller]
fn ends_with(program: Program, parts: &[&str]) {
    let done = program.args(["run", "one"]).run().exits(3);
    let sentence = done.sentence();
    let missing: Vec<_> = parts.iter().filter(|part| !sentence.contains(**part)).collect();
    assert!(missing.is_empty(), "{missing:?} missing in {sentence:?}");
}

/// What the doctor did not find in order about a check.
fn wrong<'f>(all: &'f [serde_json::Value], check: &str) -> Vec<&'f serde_json::Value> {
    all.iter().filter(|found| found["check"] == check && found["outcome"] != "ok").collect()
}

// field telephony 15
#[test]
fn a_prefix_is_reached_with_path_and_named_without() {
    let lab = server(|options| options.http_prefix("pbx"));
    let program = || at(&lab, own_address(&lab));
    for path in ["pbx", "/pbx/"] {
        ask(program().set(format!("asterisk.path={path}"))).exits(0);
        program().set(format!("asterisk.path={path}")).args(["run", "one"]).run().exits(0);
    }
    nothing_is_left(lab.server("a"));
    // The doctor finds it where many have it.
    let address = own_address(&lab);
    let what = format!("ARI is not at {address}/ari, but at {address}/pbx/ari");
    ask(program()).exits(1).says(("", "reach"), "problem", &[&what, "set `path: /pbx`"]);
    let what = "has nothing at /ari (status 404): its http.conf has another prefix";
    let fix = "; fix: run `asterisk -rx \"http show status\"`: if it lists `/PREFIX/ari/...`, set `path: /PREFIX`";
    ends_with(program(), &[what, fix]);
}

// field telephony 15
#[test]
fn a_path_that_is_none_and_a_prefix_that_nobody_guesses() {
    let lab = server(|options| options);
    let address = own_address(&lab);
    let what = format!("ARI is not at {address}/pbx/ari, but at {address}/ari");
    let path = ask(at(&lab, address).set("asterisk.path=/pbx")).exits(1);
    path.says(("", "reach"), "problem", &[&what, "remove `path`"]);

    let lab = server(|options| options.http_prefix("f3f7"));
    let address = own_address(&lab);
    both_say(
        || at(&lab, address),
        address,
        "reach",
        "Asterisk answers at HOST, but has nothing at /ari (status 404): its http.conf has another prefix, or its ari.conf \
         does not say enabled=yes, or res_ari is not loaded",
        "run `asterisk -rx \"http show status\"`: if it lists `/PREFIX/ari/...`, set `path: /PREFIX`; if it lists no ari, set \
         enabled = yes in ari.conf, and see with `asterisk -rx \"module show like res_ari\"` whether res_ari is loaded, which \
         needs res_stasis and res_http_websocket",
    );
}

/// The page of the HTTP server shows that the prefix is right.
// field telephony 15
#[test]
fn ari_that_is_switched_off_is_told_from_a_prefix_where_asterisk_shows_its_own() {
    let lab = server(|options| options);
    let a = lab.server("a");
    let etc = a.directory().join("etc");
    let http = std::fs::read_to_string(etc.join("http.conf")).unwrap();
    std::fs::write(etc.join("http.conf"), http + "enable_status = yes\n").unwrap();
    std::fs::write(etc.join("ari.conf"), "[general]\nenabled = no\n").unwrap();
    a.cli("module reload http").unwrap();
    a.cli("module reload res_ari.so").unwrap();
    let address = own_address(&lab);
    let what = format!("Asterisk answers at {address}, with no prefix, but without ARI (status 404)");
    let fix = "set enabled = yes in ari.conf";
    ask(at(&lab, address)).exits(1).says(("", "reach"), "problem", &[&what, fix]);
}

// field telephony 15
#[test]
fn calls_are_made_and_recordings_fetched_through_a_proxy() {
    let lab = server(|options| options.http_prefix("pbx"));
    let ari = lab.server("a").ari();
    let lines = format!(
        "location /pbx/ {{ proxy_pass http://{}:{}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
         proxy_set_header Connection \"upgrade\"; }}",
        ari.host, ari.port
    );
    let proxy = Proxy::start(&nginx_for_tests(), &lines).unwrap();
    let program = || at(&lab, proxy.address()).set("asterisk.path=/pbx");
    // Sounds, recordings and the dialplan are looked at.
    ask(program()).exits(0);
    program().args(["run"]).run().exits(0);
    nothing_is_left(lab.server("a"));
}

/// Calls work, and no recording is found.
// field telephony 15
#[test]
fn a_proxy_that_decodes_slashes_is_named_by_the_doctor() {
    let lab = server(|options| options);
    let base = lab.server("a").ari().base_url();
    let lines = format!(
        "location /pbx/ {{ proxy_pass {base}/; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
         proxy_set_header Connection \"upgrade\"; }}"
    );
    let proxy = Proxy::start(&nginx_for_tests(), &lines).unwrap();
    let findings = ask(at(&lab, proxy.address()).set("asterisk.path=/pbx")).exits(1);
    let found = wrong(&findings.all, "recording");
    let fix = "have the proxy pass `%2F` in a path on as it is: in nginx write `proxy_pass` without a slash after the port, in \
               Apache add `AllowEncodedSlashes NoDecode` and `nocanon` in ProxyPass; or set `audio.record` to a text without a \
               slash";
    assert!(found.iter().any(|found| found["outcome"] == "problem" && found["fix"] == fix), "{findings:#?}");

    let without = at(&lab, proxy.address()).set("asterisk.path=/pbx").set("asterisk.audio.record=calltest-");
    let done = without.args(["doctor", "--format", "json"]).run().exits(0);
    done.prints("it records, and hands recordings out");
}

// field real-lines-2 set-up 5
#[test]
fn a_proxy_that_blocks_the_way_is_named_with_what_to_change() {
    let lab = server(|options| options);
    let pass = format!("proxy_pass {};", lab.server("a").ari().base_url());
    for (lines, check, what, fix) in [
        (
            format!("location / {{ {pass} }}"),
            "app",
            "HOST answers requests, but does not open the WebSocket for events (status 426): a proxy in between does not pass \
             on the upgrade",
            "in nginx add `proxy_http_version 1.1;`, `proxy_set_header Upgrade $http_upgrade;` and `proxy_set_header \
             Connection \"upgrade\";`, in Apache load mod_proxy_wstunnel and add `upgrade=websocket` to ProxyPass",
        ),
        (
            "return 301 https://$host$request_uri;".to_owned(),
            "reach",
            "HOST redirects to https://ADDRESS/ari/asterisk/info (status 301), and redirects are not followed",
            "set `ssl: yes` and `port: 443`",
        ),
        (
            "location / { proxy_pass http://127.0.0.1:9; }".to_owned(),
            "reach",
            "a proxy or web server at HOST (nginx) gets no answer from Asterisk behind it (status 502)",
            "start Asterisk, or correct the address that the proxy passes requests on to; the proxy's log says why",
        ),
        (
            format!("location / {{ limit_except GET {{ deny all; }} {pass} }}"),
            "rights",
            "a proxy or web server at HOST (nginx) forbids `METHOD` (status 403): it did not get to Asterisk",
            "have the proxy pass GET, POST, PUT and DELETE below /ari on from the address of this machine",
        ),
        (
            "default_type text/html; return 200 '<html><title>Welcome</title></html>';".to_owned(),
            "reach",
            "HOST answers with an HTML page (Welcome) and not as ARI does (status 200): another web server, a proxy or a \
             captive portal is there",
            "correct `host`, `port` and `path`, or have the proxy pass /ari on to Asterisk; a captive portal wants a login in \
             a browser first",
        ),
    ] {
        let proxy = Proxy::start(&nginx_for_tests(), &format!("server_tokens off;\n{lines}")).unwrap();
        let (address, what) = (proxy.address(), what.replace("ADDRESS", &proxy.address().ip().to_string()));
        if what.contains("METHOD") {
            // The two get to know it by different requests.
            let found = ask(at(&lab, address)).exits(1);
            let doctors =
                what.replace("HOST", &address.to_string()).replace("METHOD", "DELETE /ari/channels/calltest-doctor");
            found.says(("", check), "problem", &[&doctors, fix]);
            ends_with(at(&lab, address), &["forbids `POST /ari/asterisk/variable` (status 403)", fix]);
        } else {
            both_say(|| at(&lab, address), address, check, &what, fix);
        }
    }
}

/// Waits until no connection is counted any more: until one is answered, and closed by the server.
fn wait_until_free(address: SocketAddr) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let mut stream = TcpStream::connect(address).unwrap();
        // One that is refused may be closed before it is written to.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        if stream.read_to_end(&mut Vec::new()).is_ok_and(|length| length > 0) {
            return;
        }
        assert!(Instant::now() < deadline, "connections are still counted");
    }
}

// field real-lines-2 set-up 1
#[test]
fn a_session_limit_is_named_by_run_and_doctor() {
    let lab = server(|options| options.session_limit(1));
    let address = own_address(&lab);
    let fix = "if Asterisk's log says `HTTP session count exceeded`, raise sessionlimit in http.conf, or stop what holds the \
               connections";
    let what = format!(
        "{address} answers requests, but closed the connection for events without an answer: Asterisk does that when it has \
         as many connections as sessionlimit of its http.conf allows"
    );
    wait_until_free(address);
    ask(at(&lab, address)).exits(1).says(("", "app"), "problem", &[&what, fix]);
    wait_until_free(address);
    ends_with(at(&lab, address), &[&format!("{what}; fix: {fix}")]);
    assert!(lab.server("a").log().unwrap().contains("HTTP session count exceeded 1 sessions"));
}

/// Asterisk hangs up on plain HTTP there as it does with too many sessions. The doctor tries TLS.
// field real-lines-2 set-up 8
#[test]
fn the_doctor_tells_a_port_for_tls_from_too_many_sessions() {
    let address = LoopbackAddress::lease().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let signed = rcgen::generate_simple_self_signed([address.ip().to_string()]).unwrap();
    std::fs::write(&certificate, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let lab = server(|options| options.address(address).https(certificate, key));
    let ari = lab.server("a").ari();
    let encrypted: SocketAddr = (ari.host, ari.https_port.unwrap()).into();
    let what = format!("{encrypted} expects TLS, and was spoken to without");
    let fix = "set `ssl: yes`, or `port` to one without TLS: bindport of http.conf";
    ask(at(&lab, encrypted)).exits(1).says(("", "reach"), "problem", &[&what, fix]);
    // A run asks nothing more, and says both.
    ends_with(at(&lab, encrypted), &["and a port for TLS may do it", "if the port is one for TLS, set `ssl: yes`"]);
}

/// A server that closes each connection once it has heard something, or says this.
fn stranger(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            // Whoever has heard enough may be gone.
            let _ = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(answer.as_bytes()));
        }
    });
    address
}

// field real-lines-2 set-up 7
#[test]
fn what_is_no_asterisk_is_named_by_run_and_doctor() {
    let lab = server(|options| options);
    let what = "HOST took the connection and closed it without an answer: Asterisk does that when it has as many connections \
                as sessionlimit of its http.conf allows, and a port for TLS may do it";
    let fix = "if Asterisk's log says `HTTP session count exceeded`, raise sessionlimit in http.conf, or stop what holds the \
               connections; if the port is one for TLS, set `ssl: yes`";
    let silent = stranger("");
    both_say(|| at(&lab, silent), silent, "reach", what, fix);
    let ami = stranger("Asterisk Call Manager/11.0.0\r\n");
    let what = "HOST does not answer in HTTP, but speaks AMI: `Asterisk Call Manager/11.0.0`";
    let fix = "set `port` to bindport of Asterisk's http.conf, usually 8088: ARI has another port than AMI";
    both_say(|| at(&lab, ami), ami, "reach", what, fix);
    let ssh = stranger("SSH-2.0-OpenSSH_9.2p1\r\n");
    let what = "HOST does not answer in HTTP, but speaks SSH: `SSH-2.0-OpenSSH_9.2p1`";
    let fix = "correct `host` and `port`: the port is bindport of Asterisk's http.conf";
    both_say(|| at(&lab, ssh), ssh, "reach", what, fix);
}
