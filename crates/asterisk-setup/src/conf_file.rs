//! The files that a user has to touch: what each is called, where it goes, and what makes a change to it effective.

/// A configuration file of Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfFile {
    /// `http.conf`
    Http,
    /// `ari.conf`
    Ari,
    /// `asterisk.conf`
    Asterisk,
    /// `modules.conf`
    Modules,
    /// `extensions.ael`
    ExtensionsAel,
    /// `extensions.conf`
    ExtensionsConf,
    /// `pjsip.conf`
    Pjsip,
}

impl ConfFile {
    /// All of them, in the order in which one sets up a server.
    pub const ALL: [Self; 7] =
        [Self::Http, Self::Ari, Self::Modules, Self::Asterisk, Self::ExtensionsAel, Self::ExtensionsConf, Self::Pjsip];

    /// Its name, in Asterisk's configuration directory.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http.conf",
            Self::Ari => "ari.conf",
            Self::Asterisk => "asterisk.conf",
            Self::Modules => "modules.conf",
            Self::ExtensionsAel => "extensions.ael",
            Self::ExtensionsConf => "extensions.conf",
            Self::Pjsip => "pjsip.conf",
        }
    }

    /// The file of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }

    /// The comment above its text: the file's name, where it goes, and what to do then.
    #[must_use]
    pub fn head(self) -> String {
        let mark = if self == Self::ExtensionsAel { "//" } else { ";" };
        let lines: &[&str] = match self {
            Self::Http => &["settings for its section [general]. `asterisk -rx \"module reload http\"` takes them up."],
            Self::Ari => &["add what yours lacks. `asterisk -rx \"module reload res_ari.so\"` takes it up."],
            Self::Asterisk => &["a setting for its section [options]. Asterisk has to be restarted."],
            Self::Modules => &[
                "with `autoload = yes` all of this is loaded, unless a `noload` names it. Else add",
                "what yours lacks, and restart Asterisk. Not every version has each of these: an error about a missing file",
                "does no harm.",
            ],
            Self::ExtensionsAel => &["add it to yours. `asterisk -rx \"ael reload\"` takes it up."],
            Self::ExtensionsConf => &["add it to yours. `asterisk -rx \"dialplan reload\"` takes it up."],
            Self::Pjsip => &[
                "add it to yours. `asterisk -rx \"module reload res_pjsip.so\"` takes it up; transports take",
                "a restart.",
            ],
        };
        format!("{mark} {}, in /etc/asterisk: {}\n", self.name(), lines.join(&format!("\n{mark} ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_found_by_its_name_and_headed_by_it() {
        for file in ConfFile::ALL {
            assert_eq!(ConfFile::named(file.name()), Some(file));
            let head = file.head();
            let mark = if file.name().ends_with(".ael") { "// " } else { "; " };
            assert!(head.starts_with(&format!("{mark}{}, in /etc/asterisk: ", file.name())), "{head}");
            let mark = &mark[..mark.len() - 1];
            assert!(head.ends_with('\n') && head.lines().all(|line| line.starts_with(mark)), "only comments: {head}");
        }
        assert_eq!(ConfFile::named("sip.conf"), None);
    }
}
