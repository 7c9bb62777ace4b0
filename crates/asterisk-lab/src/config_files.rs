//! A server's directories and configuration files, filled with the texts of `asterisk-setup`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use asterisk_setup::{
    AriConf, AsteriskConf, AsteriskOptions, CDR_CONF, Dialplan, DialplanLanguage, Directories, EMPTY_FILES, HttpConf,
    HttpsConf, INDICATIONS_CONF, LOGGER_CONF, ModulesConf, PjsipConf, RtpConf, Transport,
};

use crate::far_end::FarEnd;
use crate::files::{create_directory, write};
use crate::options::ServerOptions;
use crate::trunk::{MAIN_TRANSPORT, TrunkEnd};
use crate::{Installation, LabError};

/// A UNIX socket's path has to fit, with a zero at its end, into 108 bytes (unix(7)).
const LONGEST_SOCKET_PATH: usize = 107;

/// The file without which nothing can be found.
const ASTERISK_CONF: &str = "asterisk.conf";

/// Everything that a server's configuration depends on.
pub(crate) struct ServerConfig<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) options: &'a ServerOptions,
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) sip: SocketAddr,
    pub(crate) trunks: &'a [TrunkEnd],
    pub(crate) far_ends: &'a [FarEnd],
    pub(crate) transmits_silence: bool,
}

/// Where things are in a server's directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
}

impl Layout {
    pub(crate) fn asterisk_conf(&self) -> PathBuf {
        self.root.join("etc/asterisk.conf")
    }

    /// What the server's clock is like, where it is one of its own.
    pub(crate) fn clock(&self) -> PathBuf {
        self.root.join("clock")
    }

    /// Asterisk's own log file.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log/full")
    }

    /// What Asterisk prints; it says there why it does not start.
    pub(crate) fn console(&self) -> PathBuf {
        self.root.join("log/console")
    }

    /// What is worth keeping when a test has failed.
    pub(crate) fn evidence(&self) -> [PathBuf; 2] {
        [self.root.join("log"), self.root.join("etc")]
    }

    fn directories(&self, installation: &Installation) -> Directories {
        Directories {
            etc: self.root.join("etc"),
            modules: installation.modules.clone(),
            data: installation.data.clone(),
            state: self.root.join("state"),
            spool: self.root.join("spool"),
            run: self.root.join("run"),
            log: self.root.join("log"),
            cache: self.root.join("cache"),
        }
    }
}

impl ServerConfig<'_> {
    /// Makes the directories and writes all files.
    pub(crate) fn write(&self, layout: &Layout) -> Result<(), LabError> {
        let socket = layout.root.join("run/asterisk.ctl");
        if socket.as_os_str().len() > LONGEST_SOCKET_PATH {
            return Err(LabError::PathTooLong { path: socket });
        }
        for name in ["etc", "state/keys", "spool/recording", "run", "log", "cache"] {
            create_directory(&layout.root.join(name))?;
        }
        let directories = layout.directories(self.installation);
        let etc = directories.etc.clone();
        let mut files: BTreeMap<&str, String> = EMPTY_FILES.into_iter().map(|name| (name, String::new())).collect();
        files.extend([
            (ASTERISK_CONF, self.asterisk_conf(directories)),
            ("ari.conf", self.ari_conf().to_string()),
            ("cdr.conf", CDR_CONF.to_owned()),
            ("http.conf", self.http_conf().to_string()),
            ("indications.conf", INDICATIONS_CONF.to_owned()),
            ("logger.conf", LOGGER_CONF.to_owned()),
            ("modules.conf", self.modules_conf()),
            ("pjsip.conf", self.pjsip_conf()),
            ("rtp.conf", RtpConf::default().to_string()),
        ]);
        files.extend(self.dialplan());
        let of_the_users = self.options.files.iter().filter(|(name, _)| *name != ASTERISK_CONF);
        files.extend(of_the_users.map(|(name, text)| (name.as_str(), text.clone())));
        for (name, text) in files {
            write(&etc.join(name), &text)?;
        }
        Ok(())
    }

    fn asterisk_conf(&self, directories: Directories) -> String {
        match self.options.files.get(ASTERISK_CONF) {
            Some(options) => format!("{directories}\n{options}"),
            None => {
                let options = AsteriskOptions { transmits_silence: self.transmits_silence };
                AsteriskConf { directories, options }.to_string()
            }
        }
    }

    fn ari_conf(&self) -> AriConf {
        let mut conf = AriConf::default();
        conf.users.extend_from_slice(&self.options.users);
        conf
    }

    fn http_conf(&self) -> HttpConf {
        let https = self
            .https
            .zip(self.options.https.clone())
            .map(|(bind, (certificate_file, private_key_file))| HttpsConf { bind, certificate_file, private_key_file });
        let default = HttpConf::default();
        let session_limit = self.options.session_limit.unwrap_or(default.session_limit);
        HttpConf { bind: self.http, https, session_limit, prefix: self.options.http_prefix.clone() }
    }

    fn modules_conf(&self) -> String {
        // Without a file to read, pbx_ael complains.
        let is_of_use = |name: &str| match self.options.dialplan_language {
            DialplanLanguage::Ael => true,
            DialplanLanguage::ExtensionsConf => name != "pbx_ael",
        };
        let is_wanted = |name: &str| is_of_use(name) && !self.options.missing_modules.iter().any(|left| left == name);
        ModulesConf { has_module: |name: &str| is_wanted(name) && self.installation.has_module(name) }.to_string()
    }

    fn pjsip_conf(&self) -> String {
        let main = Transport { name: MAIN_TRANSPORT.to_owned(), bind: self.sip };
        let transports = self.trunks.iter().map(|end| end.transport.clone());
        let far_ends = self.far_ends.iter().map(|far_end| far_end.seen_from(self.sip));
        let conf = PjsipConf {
            transports: [main].into_iter().chain(transports).collect(),
            trunks: self.trunks.iter().map(|end| end.trunk.clone()).chain(far_ends).collect(),
        };
        format!("{conf}\n{}\n", self.options.pjsip)
    }

    fn dialplan(&self) -> Vec<(&'static str, String)> {
        let incoming = self.trunks.iter().map(|end| end.incoming.clone()).collect();
        let dialplan = Dialplan { app: self.options.app.clone(), incoming, ..Dialplan::default() };
        let language = self.options.dialplan_language;
        let text = dialplan.text(language);
        let added = &self.options.dialplan;
        match language {
            DialplanLanguage::Ael => vec![("extensions.ael", text), ("extensions.conf", added.clone())],
            DialplanLanguage::ExtensionsConf => vec![("extensions.conf", format!("{text}\n{added}"))],
        }
    }
}
