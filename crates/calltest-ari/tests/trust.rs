//! Whom the client trusts to vouch for a server: the authorities of the system, or those of a file and no others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltest_ari::{Settings, Tls, connect};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

/// The variable that tells the test's own program to connect to this port, and to say what comes of it.
const PORT: &str = "CALLTEST_ARI_TEST_PORT";

/// How what it says begins.
const SAYS: &str = "it says: ";

/// What is said of a server that is trusted: it is no Asterisk.
const TRUSTED: &str = "answers in HTTP but has no ARI at /ari (status 404)";

fn settings(port: u16, ca_file: Option<PathBuf>) -> Settings {
    Settings { tls: Some(Tls { ca_file, client: None }), ..Settings::new("127.0.0.1", port, "user", "password", "app") }
}

async fn error(settings: Settings) -> String {
    connect(settings).await.unwrap_err().to_string()
}

/// A server with a certificate of an authority of its own, which is in the file returned.
async fn server(directory: &Path) -> (u16, PathBuf) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (authority_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let mut parameters = rcgen::CertificateParams::new([]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, format!("authority {port}"));
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let certificate =
        rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let file = directory.join(format!("ca-{port}.pem"));
    fs::write(&file, authority.pem()).unwrap();

    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Whoever does not trust the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    (port, file)
}

#[tokio::test]
async fn a_file_names_all_that_are_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let ((port, ours), (_, another)) = (server(directory.path()).await, server(directory.path()).await);
    let trusted = error(settings(port, Some(ours))).await;
    assert!(trusted.contains(TRUSTED), "{trusted}");
    let untrusted = error(settings(port, Some(another))).await;
    assert!(untrusted.contains("is not trusted: invalid peer certificate: UnknownIssuer"), "{untrusted}");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it tells itself where to connect, by its own variable")]
async fn without_a_file_it_is_the_system_that_trusts() {
    if let Ok(port) = env::var(PORT) {
        println!("{SAYS}{}", error(settings(port.parse().unwrap(), None)).await);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let ((port, ours), (_, another)) = (server(directory.path()).await, server(directory.path()).await);
    for (store, expected) in [
        (ours.as_path(), TRUSTED),
        (&another, "is not trusted: invalid peer certificate: UnknownIssuer; name the file of its authority as CA"),
        (Path::new("/dev/null"), "this system trusts no certificate authority, and TLS needs one"),
    ] {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "without_a_file_it_is_the_system_that_trusts", "--nocapture"])
            .env(PORT, port.to_string())
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
