//! `ari.conf`: who may use ARI. The HTTP server that carries ARI is `http.conf`'s.

use std::fmt;
use std::time::Duration;

use crate::conf_text::conf_value;
use crate::{EXAMPLE_PASSWORD, EXAMPLE_USER};

/// The whole `ari.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AriConf {
    /// Who may log in.
    pub users: Vec<AriUser>,
    /// How long Asterisk waits for a slow reader of the events WebSocket before it drops the connection.
    /// Asterisk's own default, 100 ms, is less than a pause of a busy machine.
    pub websocket_write_timeout: Duration,
}

/// One ARI user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AriUser {
    /// The user's name, which is the name of a section of the file.
    pub name: String,
    /// The password in clear text; `None` leaves its place open, and Asterisk refuses the user until it is filled.
    pub password: Option<String>,
    /// Such a user may look (GET), but neither originate nor hang up: Asterisk answers 403.
    pub is_read_only: bool,
}

impl AriUser {
    /// A user who may do everything.
    #[must_use]
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { name: name.into(), password: Some(password.into()), is_read_only: false }
    }
}

impl Default for AriConf {
    /// The example's user, and a second of patience with a slow reader.
    fn default() -> Self {
        Self {
            users: vec![AriUser::new(EXAMPLE_USER, EXAMPLE_PASSWORD)],
            websocket_write_timeout: Duration::from_secs(1),
        }
    }
}

impl fmt::Display for AriConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[general]")?;
        writeln!(f, "enabled = yes")?;
        writeln!(f, "; Milliseconds. The default, 100, drops a program that reads slowly for a moment.")?;
        writeln!(f, "websocket_write_timeout = {}", self.websocket_write_timeout.as_millis())?;
        self.users.iter().try_for_each(|user| write!(f, "\n{user}"))
    }
}

impl fmt::Display for AriUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{}]", self.name)?;
        writeln!(f, "type = user")?;
        match &self.password {
            Some(password) => writeln!(f, "password = {}", conf_value(password))?,
            None => writeln!(f, "; Without a password Asterisk refuses the user: put it here.\n;password = ***")?,
        }
        writeln!(f, "password_format = plain")?;
        if self.is_read_only {
            writeln!(f, "read_only = yes")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_manuals_user() {
        let text = AriConf::default().to_string();
        assert!(text.starts_with("[general]\nenabled = yes\n"), "{text}");
        assert!(text.contains("\nwebsocket_write_timeout = 1000\n"), "{text}");
        assert!(
            text.ends_with("\n\n[example]\ntype = user\npassword = oh_no_you_do_not\npassword_format = plain\n"),
            "{text}"
        );
    }

    #[test]
    fn a_password_may_be_left_open() {
        let user = AriUser { password: None, ..AriUser::new("example", "hunter2") };
        let expected = "[example]\ntype = user\n; Without a password Asterisk refuses the user: put it here.\n\
                        ;password = ***\npassword_format = plain\n";
        assert_eq!(user.to_string(), expected);
    }

    #[test]
    fn a_reader_may_only_read() {
        let reader = AriUser { is_read_only: true, ..AriUser::new("reader", "a;b") };
        assert_eq!(
            reader.to_string(),
            "[reader]\ntype = user\npassword = a\\;b\npassword_format = plain\nread_only = yes\n"
        );
    }
}
