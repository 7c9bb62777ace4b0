//! The configuration texts that an Asterisk server needs for calltest: one source for the lab's servers, for the
//! README and for `calltest asterisk-config`.
//!
//! Every text is made by a small value that prints itself (`Display`), so that a user who copies it and a lab that
//! starts with it get the same lines. Nothing here reads or writes a file, and nothing knows how Asterisk is started.
//!
//! The texts suit Asterisk 18 and newer.

mod ari_conf;
mod asterisk_conf;
mod conf_file;
mod conf_text;
mod dialplan;
mod http_conf;
mod media_conf;
mod modules_conf;
mod pjsip_conf;

pub use ari_conf::{AriConf, AriUser};
pub use asterisk_conf::{AsteriskConf, AsteriskOptions, CDR_CONF, Directories, EMPTY_FILES, LOGGER_CONF};
pub use conf_file::ConfFile;
pub use dialplan::{Dialplan, DialplanLanguage, Incoming, NumberContext, NumberLine};
pub use http_conf::{HttpConf, HttpsConf};
pub use media_conf::{INDICATIONS_CONF, RtpConf};
pub use modules_conf::{MODULES, ModulesConf, NeededModules};
pub use pjsip_conf::{Credentials, DtmfMode, PJSIP_ADVICE, Peer, PjsipConf, Transport, Trunk};

/// The Stasis app of the example: `asterisk.app` in `example.cfg`.
pub const EXAMPLE_APP: &str = "calltest";

/// The ARI user of the example: `asterisk.username` in `example.cfg`.
pub const EXAMPLE_USER: &str = "example";

/// The ARI password of the example: `asterisk.password` in `example.cfg`. Fit for loopback, as it says itself.
pub const EXAMPLE_PASSWORD: &str = "oh_no_you_do_not";
