//! From the TLS settings to the configuration that HTTP and WebSocket connections share. Always rustls with ring,
//! whatever provider the process has installed.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::connect_error::ConnectError;
use crate::settings::Tls;

/// Reads the files that `tls` names, and the authorities of the system if it names none. Without `tls`, a configuration
/// that trusts nobody.
pub(crate) fn client_config(tls: Option<&Tls>) -> Result<Arc<ClientConfig>, ConnectError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers the default versions of TLS");
    let Some(tls) = tls else {
        return Ok(Arc::new(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()));
    };
    let builder = match &tls.ca_file {
        Some(file) => builder.with_root_certificates(authorities(file)?),
        None => builder.with_platform_verifier().map_err(|source| ConnectError::NoAuthorities { source })?,
    };
    let Some(client) = &tls.client else { return Ok(Arc::new(builder.with_no_client_auth())) };
    let chain = certificates(&client.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&client.key_file).map_err(|source| unusable(&client.key_file, source))?;
    let config = builder.with_client_auth_cert(chain, key).map_err(|source| unusable(&client.key_file, source))?;
    Ok(Arc::new(config))
}

/// The authorities in a file, and no others.
fn authorities(file: &Path) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|source| unusable(file, source))?;
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|source| unusable(file, source))?;
    if certificates.is_empty() {
        return Err(unusable(file, "it holds no certificate"));
    }
    Ok(certificates)
}

fn unusable(file: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectError {
    ConnectError::TlsFile { path: file.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let message =
            |ca_file| client_config(Some(&Tls { ca_file: Some(ca_file), client: None })).unwrap_err().to_string();
        assert!(message(empty).ends_with("empty.pem for TLS: it holds no certificate"));
        assert!(message(directory.path().join("none.pem")).contains("none.pem"));
    }
}
