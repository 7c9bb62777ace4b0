//! What causes a call that a test waits for.

use std::fmt;

use super::server::Secret;

/// What causes an incoming call. `{number}` stands for the number to call in every text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Fetch a URL.
    Url(Fetch),
    /// Run a program, without a shell.
    Exec {
        /// The program and its arguments; never empty.
        command: Vec<String>,
    },
}

/// An HTTP request, and the answer that it has to get.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetch {
    /// The URL.
    pub url: String,
    /// The HTTP method.
    pub method: Method,
    /// The query: a text taken as it is, or parameters to be encoded.
    pub query: Query,
    /// Name and value of each header, in the order of the file; no two names differ only in case.
    pub headers: Vec<(String, Secret)>,
    /// The body, if any.
    pub body: Option<Body>,
    /// Which answer counts as done.
    pub expected: ExpectedAnswer,
}

impl Fetch {
    /// A GET request for this URL, with nothing else configured.
    pub fn get(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

/// The HTTP methods that a trigger may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// GET, unless configured otherwise.
    #[default]
    Get,
    /// POST
    Post,
    /// PUT
    Put,
}

/// The query of a trigger's URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Query {
    /// No query beyond what the URL has.
    #[default]
    None,
    /// Taken as it is.
    Text(String),
    /// Name and value, to be percent-encoded.
    Parameters(Vec<(String, String)>),
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The text, sent as UTF-8.
    pub text: String,
    /// Its media type (RFC 9110, section 8.3.1); it depends on the text if `None`.
    pub media_type: Option<String>,
}

/// Which answer counts as done. The default is any status 2xx, with any body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedAnswer {
    /// The status has to be one of these; any 2xx if there are none.
    pub statuses: Vec<ExpectedStatus>,
    /// The body has to have all of these texts in it.
    pub texts: Vec<String>,
}

impl ExpectedAnswer {
    /// Whether an answer with this status may count as done.
    pub fn takes(&self, status: u16) -> bool {
        match self.statuses.is_empty() {
            true => ExpectedStatus::Class(2).fits(status),
            false => self.statuses.iter().any(|expected| expected.fits(status)),
        }
    }
}

/// The status of a final answer, or a class of them (RFC 9110, section 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedStatus {
    /// This one, from 200 to 599.
    Code(u16),
    /// All that begin with this digit, from 2 to 5.
    Class(u16),
}

impl ExpectedStatus {
    /// Reads `202` or `2xx`; nothing else is a status.
    pub fn parse(text: &str) -> Option<Self> {
        let status = match text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
            Some(class) => Self::Class(class.parse().ok().filter(|_| class.len() == 1)?),
            None => Self::Code(text.parse().ok().filter(|_| text.len() == 3)?),
        };
        let is_final = match status {
            Self::Code(code) => (200..600).contains(&code),
            Self::Class(class) => (2..6).contains(&class),
        };
        is_final.then_some(status)
    }

    fn fits(self, status: u16) -> bool {
        match self {
            Self::Code(code) => status == code,
            Self::Class(class) => status / 100 == class,
        }
    }
}

impl fmt::Display for ExpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_classes_are_read_and_nothing_else() {
        for (text, expected) in [
            ("200", ExpectedStatus::Code(200)),
            ("599", ExpectedStatus::Code(599)),
            ("2xx", ExpectedStatus::Class(2)),
            ("5XX", ExpectedStatus::Class(5)),
        ] {
            assert_eq!(ExpectedStatus::parse(text), Some(expected), "{text}");
            assert_eq!(expected.to_string(), text.to_lowercase());
        }
        for text in ["", "xx", "1xx", "6xx", "22xx", "+xx", "100", "199", "600", "20", "2000", "+20", "20x", "ok"] {
            assert_eq!(ExpectedStatus::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_answer_has_one_of_the_statuses_or_any_2xx() {
        let answer = |statuses: &[ExpectedStatus]| ExpectedAnswer { statuses: statuses.into(), texts: Vec::new() };
        let table = [
            (answer(&[]), &[200, 204, 299][..], &[199, 300, 302, 404][..]),
            (answer(&[ExpectedStatus::Code(202)]), &[202], &[200, 201]),
            (answer(&[ExpectedStatus::Code(303), ExpectedStatus::Class(4)]), &[303, 400, 499], &[200, 302, 500]),
        ];
        for (answer, taken, others) in table {
            assert!(taken.iter().all(|status| answer.takes(*status)), "{answer:?}");
            assert!(others.iter().all(|status| !answer.takes(*status)), "{answer:?}");
        }
    }
}
