//! What causes a call that a test waits for.

/// What causes an incoming call. `{number}` stands for the number to call in every text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Fetch a URL.
    Url {
        /// The URL.
        url: String,
        /// The HTTP method.
        method: Method,
        /// The query: a text taken as it is, or parameters to be encoded.
        query: Query,
        /// The body, if any.
        body: Option<String>,
    },
    /// Run a program, without a shell.
    Exec {
        /// The program and its arguments; never empty.
        command: Vec<String>,
    },
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
