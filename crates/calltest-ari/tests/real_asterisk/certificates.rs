//! Certificates for servers with TLS.

use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use calltest_ari::Tls;

/// A certificate authority, and a server's certificate that it vouches for.
pub(crate) struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    pub(crate) fn for_address(address: &str) -> Self {
        Self::for_years(address, 1975..=4096)
    }

    /// Valid in these years.
    pub(crate) fn for_years(address: &str, years: RangeInclusive<i32>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = parameters.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new([address.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(*years.start(), 1, 1);
        parameters.not_after = rcgen::date_time_ymd(*years.end(), 12, 31);
        let certificate = parameters.signed_by(&key, &issuer).unwrap();
        let certificates = Certificates { directory };
        fs::write(certificates.file("ca.pem"), authority.pem()).unwrap();
        fs::write(certificates.file("cert.pem"), certificate.pem()).unwrap();
        fs::write(certificates.file("key.pem"), key.serialize_pem()).unwrap();
        certificates
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn tls(&self) -> Tls {
        Tls { ca_file: Some(self.file("ca.pem")), client: None }
    }
}
