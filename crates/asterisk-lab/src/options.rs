//! What a server of a lab shall be like, beyond its name. What becomes of it is in `config_files`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use asterisk_setup::{AriUser, DialplanLanguage, EXAMPLE_APP};

use crate::{Faketime, LoopbackAddress};

/// What a server shall be like. A mere name stands for a server that is like the others.
#[derive(Debug)]
pub struct ServerOptions {
    pub(crate) name: String,
    pub(crate) app: String,
    pub(crate) dialplan_language: DialplanLanguage,
    pub(crate) dialplan: String,
    pub(crate) pjsip: String,
    pub(crate) users: Vec<AriUser>,
    pub(crate) transmits_silence: Option<bool>,
    pub(crate) https: Option<(PathBuf, PathBuf)>,
    pub(crate) http_prefix: Option<String>,
    pub(crate) session_limit: Option<u32>,
    pub(crate) address: Option<LoopbackAddress>,
    pub(crate) missing_modules: Vec<String>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) faketime: Option<Faketime>,
}

impl ServerOptions {
    /// A server with the example's dialplan in AEL, and the example's ARI user and app.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            app: EXAMPLE_APP.to_owned(),
            dialplan_language: DialplanLanguage::Ael,
            dialplan: String::new(),
            pjsip: String::new(),
            users: Vec::new(),
            transmits_silence: None,
            https: None,
            http_prefix: None,
            session_limit: None,
            address: None,
            missing_modules: Vec::new(),
            files: BTreeMap::new(),
            faketime: None,
        }
    }

    /// The Stasis app to which the dialplan hands its calls.
    #[must_use]
    pub fn app(self, app: impl Into<String>) -> Self {
        Self { app: app.into(), ..self }
    }

    /// The language of the dialplan that hands calls to the app. The contexts are the same in both.
    #[must_use]
    pub fn dialplan_language(self, dialplan_language: DialplanLanguage) -> Self {
        Self { dialplan_language, ..self }
    }

    /// More dialplan: contexts in the syntax of `extensions.conf`, whatever the language of the rest is.
    #[must_use]
    pub fn dialplan(self, dialplan: impl Into<String>) -> Self {
        Self { dialplan: dialplan.into(), ..self }
    }

    /// More of `pjsip.conf`. The transport for it is called `transport-udp`.
    #[must_use]
    pub fn pjsip(self, pjsip: impl Into<String>) -> Self {
        Self { pjsip: pjsip.into(), ..self }
    }

    /// One more ARI user.
    #[must_use]
    pub fn user(mut self, user: AriUser) -> Self {
        self.users.push(user);
        self
    }

    /// Whether RTP goes on while there is nothing to say. Unless told, it does where a trunk carries digits in band.
    #[must_use]
    pub fn transmits_silence(self, transmits_silence: bool) -> Self {
        Self { transmits_silence: Some(transmits_silence), ..self }
    }

    /// HTTPS beside HTTP, with a certificate and its private key in PEM files.
    #[must_use]
    pub fn https(self, certificate_file: impl Into<PathBuf>, private_key_file: impl Into<PathBuf>) -> Self {
        Self { https: Some((certificate_file.into(), private_key_file.into())), ..self }
    }

    /// What precedes every path of the HTTP server, ARI's `/ari` included, without slashes around it.
    #[must_use]
    pub fn http_prefix(self, prefix: impl Into<String>) -> Self {
        Self { http_prefix: Some(prefix.into()), ..self }
    }

    /// How many HTTP connections the server keeps at once, from 1.
    #[must_use]
    pub fn session_limit(self, limit: u32) -> Self {
        Self { session_limit: Some(limit), ..self }
    }

    /// Leaves a module out, named without `.so`. Asterisk leaves out those that depend on it.
    #[must_use]
    pub fn without_module(mut self, module: impl Into<String>) -> Self {
        self.missing_modules.push(module.into());
        self
    }

    /// A configuration file as a user would have it, in place of the lab's own; of `asterisk.conf` the section
    /// `[options]`. The lab relies on what it would have written there itself: the example's ARI user, and ARI and SIP on
    /// the server's own address.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.insert(name.into(), text.into());
        self
    }

    /// A clock that can be [stepped](crate::Server::set_clock).
    #[must_use]
    pub fn clock(self, faketime: &Faketime) -> Self {
        Self { faketime: Some(faketime.clone()), ..self }
    }

    /// The address to use, for a caller who has to know it before the server starts.
    #[must_use]
    pub fn address(self, address: LoopbackAddress) -> Self {
        Self { address: Some(address), ..self }
    }
}

impl From<&str> for ServerOptions {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}
