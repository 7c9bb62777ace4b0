//! `http.conf`: the HTTP server inside Asterisk that carries ARI. Who may use it is `ari.conf`'s.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::conf_text::conf_value;

/// The whole `http.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConf {
    /// Where to listen for plain HTTP.
    pub bind: SocketAddr,
    /// How many connections Asterisk keeps at once, WebSockets included (its own default is 100).
    pub session_limit: u32,
    /// What precedes every path, without slashes around it.
    pub prefix: Option<String>,
    /// Where to listen for HTTPS besides, if at all.
    pub https: Option<HttpsConf>,
}

/// HTTPS beside plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsConf {
    /// Where to listen.
    pub bind: SocketAddr,
    /// The certificate, and after it those that vouch for it, as PEM.
    pub certificate_file: PathBuf,
    /// The certificate's private key, as PEM.
    pub private_key_file: PathBuf,
}

impl Default for HttpConf {
    /// Plain HTTP for programs on the same machine, on Asterisk's usual port.
    fn default() -> Self {
        let bind = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8088);
        Self { bind, session_limit: 1000, prefix: None, https: None }
    }
}

impl fmt::Display for HttpConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[general]")?;
        writeln!(f, "enabled = yes")?;
        writeln!(f, "bindaddr = {}", self.bind.ip())?;
        writeln!(f, "bindport = {}", self.bind.port())?;
        writeln!(f, "; Connections at once; each WebSocket is one. The default is 100.")?;
        writeln!(f, "sessionlimit = {}", self.session_limit)?;
        if let Some(prefix) = &self.prefix {
            writeln!(f, "prefix = {}", conf_value(prefix))?;
        }
        if let Some(https) = &self.https {
            writeln!(f, "tlsenable = yes")?;
            writeln!(f, "tlsbindaddr = {}", https.bind)?;
            writeln!(f, "tlscertfile = {}", https.certificate_file.display())?;
            writeln!(f, "tlsprivatekey = {}", https.private_key_file.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_serves_this_machine_only() {
        let text = HttpConf::default().to_string();
        assert!(text.starts_with("[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = 8088\n"), "{text}");
        assert!(text.ends_with("\nsessionlimit = 1000\n"), "{text}");
        assert!(!text.contains("tls"), "{text}");
    }

    #[test]
    fn a_prefix_is_named_only_if_there_is_one() {
        assert!(!HttpConf::default().to_string().contains("prefix"));
        let text = HttpConf { prefix: Some("pbx".into()), ..HttpConf::default() }.to_string();
        assert!(text.ends_with("\nprefix = pbx\n"), "{text}");
    }

    #[test]
    fn https_has_an_address_a_certificate_and_a_key() {
        let https = HttpsConf {
            bind: SocketAddr::from(([127, 1, 2, 3], 8089)),
            certificate_file: "/etc/asterisk/cert.pem".into(),
            private_key_file: "/etc/asterisk/key.pem".into(),
        };
        let text = HttpConf { https: Some(https), ..HttpConf::default() }.to_string();
        assert!(
            text.ends_with(
                "\ntlsenable = yes\ntlsbindaddr = 127.1.2.3:8089\n\
                 tlscertfile = /etc/asterisk/cert.pem\ntlsprivatekey = /etc/asterisk/key.pem\n"
            ),
            "{text}"
        );
    }
}
