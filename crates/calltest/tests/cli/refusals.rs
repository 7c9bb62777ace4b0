//! Servers that cannot be had: one sentence that says what to do, no more, no password in it, in time, and exit code 3.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use asterisk_lab::{AriUser, Lab, LoopbackAddress, ServerOptions};
use fake_asterisk::FakeAsterisk;

use crate::program::Program;
use crate::server::CONFIG;

/// How long the program may look for a server.
const PATIENCE: Duration = Duration::from_secs(1);
const PASSWORD: &str = "hunter2-no-one-may-see";

fn program() -> Program {
    Program::new().config(CONFIG).set("asterisk.init_timeout=1").set(format!("asterisk.password={PASSWORD}"))
}

fn at(port: u16) -> Program {
    program().set("asterisk.host=127.0.0.1").set(format!("asterisk.port={port}"))
}

/// It gives up in time with this one sentence.
#[track_caller]
fn gives_up(program: Program, sentence: &str) {
    let done = program.args(["run", "good", "busy"]).run().exits(3);
    assert!(done.sentence() == sentence, "expected {sentence:?}, got {done}");
    assert!(done.stdout.is_empty() && !done.stderr.contains(PASSWORD), "{done}");
    // On a busy machine it takes a moment to start the program at all.
    assert!(done.took < PATIENCE + Duration::from_secs(2), "{done}");
}

/// A server that does this to each connection, on a port of its own.
fn listener(serve: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().for_each(|stream| serve(stream.unwrap())));
    port
}

/// A server that answers every request in the same way.
fn answering(answer: &'static str) -> u16 {
    listener(move |mut stream| {
        let _request = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    })
}

#[test]
fn nothing_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sentence = format!(
        "cannot reach Asterisk at 127.0.0.1:{port}: Connection refused (os error 111); are host and port right, is it \
         running, and does its http.conf say enabled=yes?"
    );
    gives_up(at(port), &sentence);
    let nameless = at(port).set("asterisk.host=no.such.host.invalid").args(["run", "good"]).run().exits(3);
    let sentence = format!("cannot reach Asterisk at no.such.host.invalid:{port}: ");
    assert!(nameless.sentence().starts_with(&sentence), "{nameless}");
    assert!(nameless.sentence().contains("; are host and port right, "), "{nameless}");
}

#[test]
fn something_else_listens() {
    let port = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let sentence = format!(
        "127.0.0.1:{port} answers in HTTP but has no ARI at /ari (status 404): it is no Asterisk, or a proxy that does \
         not pass that path on; fix: correct `host` and `port`, set `path` to what stands before `/ari`, or have the proxy \
         pass /ari on to Asterisk"
    );
    gives_up(at(port), &sentence);
    let port = answering("SSH-2.0-OpenSSH_9.9\r\n");
    let done = at(port).args(["run", "good"]).run().exits(3);
    assert!(
        done.sentence().starts_with(&format!("127.0.0.1:{port} does not answer in HTTP, but speaks SSH: ")),
        "{done}"
    );
}

#[test]
fn somebody_listens_and_says_nothing() {
    let (keep, kept) = std::sync::mpsc::channel();
    let port = listener(move |stream| keep.send(stream).unwrap());
    let sentence = format!(
        "Asterisk at 127.0.0.1:{port} did not answer within 1s; is the address right, and does a firewall drop it?"
    );
    gives_up(at(port), &sentence);
    gives_up(at(port).set("asterisk.ssl=true"), &sentence);
    drop(kept);
}

#[test]
fn the_app_is_never_registered() {
    let fake = tokio::runtime::Runtime::new().unwrap().block_on(FakeAsterisk::start());
    fake.faults().never_register();
    let program = at(fake.port())
        .set(format!("asterisk.username={}", fake.user()))
        .set(format!("asterisk.password={}", fake.password()));
    let sentence = format!(
        "Asterisk at 127.0.0.1:{} did not register application `calltest` within 1s; are res_stasis and \
         res_ari_events loaded?",
        fake.port()
    );
    gives_up(program, &sentence);
}

/// A certificate authority, and a server's certificate that it vouches for.
struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    fn for_address(address: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = parameters.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new([address.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let certificates = Certificates { directory };
        fs::write(certificates.file("ca.pem"), authority.pem()).unwrap();
        fs::write(certificates.file("cert.pem"), certificate.pem()).unwrap();
        fs::write(certificates.file("key.pem"), key.serialize_pem()).unwrap();
        certificates
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

#[test]
fn a_real_server_refuses() {
    let address = LoopbackAddress::lease().unwrap();
    let certificates = Certificates::for_address(&address.ip().to_string());
    let options = ServerOptions::named("a")
        .address(address)
        .https(certificates.file("cert.pem"), certificates.file("key.pem"))
        .dialplan("[far]\nexten => rings,1,Ringing()\n same => n,Wait(60)\n")
        .user(AriUser { is_read_only: true, ..AriUser::new("reader", PASSWORD) });
    let lab = Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap();
    let ari = lab.server("a").ari();
    let (plain, encrypted) =
        (format!("{}:{}", ari.host, ari.port), format!("{}:{}", ari.host, ari.https_port.unwrap()));
    let on = || program().on(lab.server("a"));
    let over_tls = || on().set(format!("asterisk.port={}", ari.https_port.unwrap()));
    let ca = format!("asterisk.ssl={{ca: {}}}", certificates.file("ca.pem").display());

    // The way in that the others miss.
    over_tls().set(&ca).args(["run", "good"]).run().exits(0).complains("").prints("1 passed");

    let sentence =
        format!("Asterisk at {plain} refuses user `example`: compare user name and password with its ari.conf");
    gives_up(on().set(format!("asterisk.password={PASSWORD}")), &sentence);
    let reader = on().set("asterisk.username=reader").set(format!("asterisk.password={PASSWORD}"));
    let done = reader.args(["run", "good"]).run().exits(3);
    assert!(done.sentence().starts_with(&format!("Asterisk at {plain} forbids user `reader` to act (")), "{done}");
    assert!(done.sentence().ends_with("): is it read_only in ari.conf?"), "{done}");

    let sentence = format!("{plain} does not speak TLS; is this the port of tlsbindaddr in its http.conf?");
    gives_up(on().set("asterisk.ssl=true"), &sentence);
    let done = over_tls().set("asterisk.ssl=true").args(["run", "good"]).run().exits(3);
    let certificate = format!("the certificate of {encrypted} is not trusted: ");
    assert!(done.sentence().starts_with(&certificate), "{done}");
    assert!(done.sentence().ends_with(": UnknownIssuer; name the file of its authority as CA"), "{done}");
    let done = over_tls().args(["run", "good"]).run().exits(3);
    assert!(
        done.sentence().starts_with(&format!("{encrypted} took the connection and closed it without an answer: ")),
        "{done}"
    );
    assert!(done.sentence().ends_with("; if the port is one for TLS, set `ssl: yes`"), "{done}");
    let missing = over_tls().set("asterisk.ssl={ca: /no/such/ca.pem}").args(["run", "good"]).run().exits(3);
    assert!(missing.sentence().contains("/no/such/ca.pem"), "{missing}");

    lab.server("a").freeze().unwrap();
    let sentence =
        format!("Asterisk at {plain} did not answer within 1s; is the address right, and does a firewall drop it?");
    gives_up(on(), &sentence);
}
