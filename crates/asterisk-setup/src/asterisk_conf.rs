//! The files about the Asterisk process itself: `asterisk.conf`, `logger.conf`, and those that may be empty.

use std::fmt;
use std::path::PathBuf;

/// The whole `asterisk.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsteriskConf {
    /// Where everything is.
    pub directories: Directories,
    /// How Asterisk behaves.
    pub options: AsteriskOptions,
}

/// The section `[options]` of `asterisk.conf`, as far as calls are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AsteriskOptions {
    /// Whether Asterisk sends RTP while it has nothing to say. In-band DTMF needs that: without it the last digit
    /// is not heard to end, and equal digits run together. It doubles the load, so it is off otherwise.
    pub transmits_silence: bool,
}

/// Asterisk's directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Configuration files.
    pub etc: PathBuf,
    /// Loadable modules (`*.so`).
    pub modules: PathBuf,
    /// Sounds, documentation and the description of ARI; only read.
    pub data: PathBuf,
    /// The internal database and keys.
    pub state: PathBuf,
    /// Recordings (in `recording` below it) and call files.
    pub spool: PathBuf,
    /// The process id and the control socket, whose whole path must be shorter than 108 bytes.
    pub run: PathBuf,
    /// Log files.
    pub log: PathBuf,
    /// Downloaded media.
    pub cache: PathBuf,
}

impl fmt::Display for AsteriskConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.directories, self.options)?;
        writeln!(f, "nocolor = yes\nhideconnect = yes")
    }
}

impl fmt::Display for AsteriskOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[options]")?;
        writeln!(f, "; Only digits in band need RTP that goes on while there is nothing to say. It doubles the load.")?;
        writeln!(f, "{}transmit_silence = yes", if self.transmits_silence { "" } else { ";" })
    }
}

impl fmt::Display for Directories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { etc, modules, data, state, spool, run, log, cache } = self;
        let agi = data.join("agi-bin");
        writeln!(f, "[directories]")?;
        for (key, path) in [
            ("astetcdir", etc),
            ("astmoddir", modules),
            ("astdatadir", data),
            ("astagidir", &agi),
            ("astvarlibdir", state),
            ("astdbdir", state),
            ("astkeydir", state),
            ("astspooldir", spool),
            ("astrundir", run),
            ("astlogdir", log),
            ("astcachedir", cache),
        ] {
            writeln!(f, "{key} = {}", path.display())?;
        }
        Ok(())
    }
}

/// A `logger.conf` that writes everything of interest to the one file `full` in the log directory.
pub const LOGGER_CONF: &str = "\
[general]
dateformat = %F %T.%3q
queue_log = no

[logfiles]
full => notice,warning,error,verbose(3)
";

/// A `cdr.conf` without call detail records, of which calltest has no use.
pub const CDR_CONF: &str = "[general]\nenable = no\n";

/// Files of which Asterisk wants to see one, though its defaults do: these may be empty.
pub const EMPTY_FILES: [&str; 10] = [
    "acl.conf",
    "ccss.conf",
    "cel.conf",
    "chan_websocket.conf",
    "features.conf",
    "manager.conf",
    "pjproject.conf",
    "stasis.conf",
    "udptl.conf",
    "websocket_client.conf",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(transmits_silence: bool) -> String {
        let directories = Directories {
            etc: "/srv/a/etc".into(),
            modules: "/usr/lib/asterisk/modules".into(),
            data: "/usr/share/asterisk".into(),
            state: "/srv/a/state".into(),
            spool: "/srv/a/spool".into(),
            run: "/srv/a/run".into(),
            log: "/srv/a/log".into(),
            cache: "/srv/a/cache".into(),
        };
        AsteriskConf { directories, options: AsteriskOptions { transmits_silence } }.to_string()
    }

    #[test]
    fn every_directory_is_named() {
        let text = conf(false);
        assert!(text.starts_with("[directories]\nastetcdir = /srv/a/etc\n"), "{text}");
        assert!(text.contains("\nastagidir = /usr/share/asterisk/agi-bin\n"), "{text}");
        assert!(text.contains("\nastdbdir = /srv/a/state\n"), "{text}");
    }

    #[test]
    fn silence_is_sent_only_on_request() {
        assert!(conf(true).contains("\ntransmit_silence = yes\n"));
        assert!(conf(false).contains("\n;transmit_silence = yes\n"));
    }
}
