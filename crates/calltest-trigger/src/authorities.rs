//! Whom a fetch trusts to vouch for the far end: the authorities that the system trusts, as the connections to servers do.

use std::sync::Arc;

use reqwest::Url;
use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::task::spawn_blocking;

/// How TLS is spoken with `url`.
pub(super) async fn trusted(url: &Url) -> Result<ClientConfig, String> {
    // Some hundred certificates are read from the disk.
    let by_system = spawn_blocking(|| config().with_platform_verifier()).await.map_err(|error| error.to_string())?;
    match by_system {
        Ok(builder) => Ok(finished(builder)),
        // Nobody has to vouch for a URL without TLS.
        Err(_) if url.scheme() != "https" => Ok(finished(config().with_root_certificates(RootCertStore::empty()))),
        Err(_) => Err("this system trusts no certificate authority; fix: install ca-certificates".into()),
    }
}

fn config() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring offers the default versions of TLS")
}

fn finished(builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig {
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
