//! The names of tests, links and servers.

use std::fmt;
use std::sync::Arc;

/// Declares a name: a cheap-to-clone string that cannot be mistaken for another kind of name.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as it is written in the configuration.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// The name of a configured test (a key of YAML `calls`).
    TestName
);
name!(
    /// The name of a link (a key of YAML `links`), which is also the first Stasis argument of a call that arrives on it.
    LinkName
);
name!(
    /// The name of a server: a key of YAML `servers`, or [`ServerName::default`] for the one under `asterisk`.
    ServerName
);

impl Default for ServerName {
    /// The server under the YAML key `asterisk`.
    fn default() -> Self {
        "asterisk".into()
    }
}
