//! Whom a trigger trusts: a real fetch from a real TLS server, by a process of its own, since the system's authorities are read
//! from its environment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

#[expect(dead_code, reason = "the scripted tests need more of it")]
#[path = "scripted/modes.rs"]
mod modes;
#[expect(dead_code, reason = "the scripted tests need more of it")]
#[path = "scripted/stage.rs"]
mod stage;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltest_core::plan::{Fetch, Route, Trigger};
use calltest_engine::scripted::Story;
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use modes::Changed as _;
use stage::run;

/// The variable that tells the test's own program to fetch this URL, and to say what comes of it.
const URL: &str = "CALLTEST_TEST_TRIGGER_URL";

/// How what it says begins.
const SAYS: &str = "it says: ";

/// A server, with a certificate of an authority of its own if there is a file for that.
async fn server(authority_file: Option<PathBuf>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = authority_file.map(|file| TlsAcceptor::from(Arc::new(vouched_for(&file))));
    tokio::spawn(async move {
        const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            match &acceptor {
                // Whoever does not trust the certificate hangs up.
                Some(acceptor) => {
                    let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(ANSWER).await;
                }
                None => {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(ANSWER).await;
                }
            }
        }
    });
    port
}

fn vouched_for(authority_file: &Path) -> ServerConfig {
    let (authority_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let mut parameters = rcgen::CertificateParams::new([]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, authority_file.display().to_string());
    fs::write(authority_file, parameters.self_signed(&authority_key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let certificate =
        rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it tells itself what to fetch, by its own variable")]
async fn the_systems_authorities_are_trusted_and_a_url_without_tls_needs_none() {
    if let Ok(url) = env::var(URL) {
        let test = modes::wait().lasts(700).changed(|test| {
            let Route::In { at, .. } = &mut test.route else { panic!("a test that waits only takes calls") };
            at.trigger = Some(Trigger::Url(Fetch::get(url)));
        });
        let run = run(&test, Story::of_nothing()).await;
        println!("{SAYS}{}", run.verdict.reason().unwrap_or_default());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (ours, another) = (directory.path().join("ours.pem"), directory.path().join("another.pem"));
    let (encrypted, plain) = (server(Some(ours.clone())).await, server(None).await);
    server(Some(another.clone())).await;
    let (encrypted, plain) = (format!("https://127.0.0.1:{encrypted}/"), format!("http://127.0.0.1:{plain}/"));
    for (store, url, expected) in [
        (ours.as_path(), &encrypted, "answered 200 OK"),
        (&another, &encrypted, "invalid peer certificate: UnknownIssuer"),
        (Path::new("/dev/null"), &encrypted, "trusts no certificate authority; fix: install ca-certificates"),
        (Path::new("/dev/null"), &plain, "answered 200 OK"),
    ] {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("the_systems_authorities_are_trusted_and_a_url_without_tls_needs_none")
            .env(URL, url)
            .env("SSL_CERT_FILE", store)
            .env_remove("SSL_CERT_DIR")
            .output()
            .await
            .unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let said = output.lines().find_map(|line| line.split_once(SAYS)).unwrap_or_else(|| panic!("{output}")).1;
        assert!(said.contains(expected), "{said}");
    }
}
