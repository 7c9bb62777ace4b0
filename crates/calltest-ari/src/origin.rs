//! Who gave an answer: ARI, the HTTP server of Asterisk, or a proxy or web server before it or in its place. What follows
//! from that while connecting is `diagnosis`'s business.

use serde_json::Value;

/// The longest piece of a foreign text that an error repeats, in characters.
const SHOWN: usize = 100;

/// How far into a body it is looked for what tells that it is a page, in bytes.
const LOOK: usize = 4 << 10;

/// Who gave an answer, as far as the answer shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What kind of program spoke.
    pub speaker: Speaker,
    /// What it calls itself: its header field `Server` (RFC 9110 §10.2.4), shortened.
    pub server: Option<String>,
    /// Where it sends us: scheme, host, port and path of its header field `Location` (RFC 9110 §10.2.2). Whatever may hold a
    /// secret is left out.
    pub location: Option<String>,
    /// The title of the HTML page that the answer is, shortened; empty if the page has none.
    pub page: Option<String>,
    /// It says that the port expects TLS.
    pub expects_tls: bool,
}

/// What web servers say to plain HTTP on a port for TLS: nginx, Apache, Go.
const TLS_EXPECTED: [&str; 3] =
    ["sent to HTTPS port", "plain HTTP to an SSL-enabled", "HTTP request to an HTTPS server"];

/// What kind of program gave an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// ARI: the body is JSON, with Asterisk's words in it. Proxies pass it on as it is.
    Ari,
    /// The HTTP server of Asterisk, which has nothing of ARI at that path.
    AsteriskHttp,
    /// Anything else.
    Other,
}

impl Origin {
    /// What an answer with these header fields and this body shows.
    pub(crate) fn new(server: Option<&str>, location: Option<&str>, body: &[u8]) -> Self {
        let page = is_page(body).then(|| title(body).unwrap_or_default());
        let start = String::from_utf8_lossy(&body[..body.len().min(LOOK)]);
        // A proxy puts its own name into the header, and leaves the foot of the page.
        let has_foot = page.is_some() && start.contains("<address>Asterisk");
        let speaker = if words(body).is_some() {
            Speaker::Ari
        } else if server.is_some_and(|server| server.starts_with("Asterisk/")) || has_foot {
            Speaker::AsteriskHttp
        } else {
            Speaker::Other
        };
        let expects_tls = TLS_EXPECTED.into_iter().any(|words| start.contains(words));
        Self { speaker, server: server.map(shortened), location: location.and_then(target), page, expects_tls }
    }
}

/// Asterisk's own words in the JSON with which ARI refuses something.
pub(crate) fn words(body: &[u8]) -> Option<String> {
    let value = serde_json::from_slice::<Value>(body).ok()?;
    value.get("message").or_else(|| value.get("error"))?.as_str().map(str::to_owned)
}

/// Whether a body is an HTML page. ARI never answers with one.
pub(crate) fn is_page(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.first() != Some(&b'<') {
        return false;
    }
    let start = body[..body.len().min(LOOK)].to_ascii_lowercase();
    let has = |tag: &str| start.windows(tag.len()).any(|piece| piece == tag.as_bytes());
    ["<!doctype html", "<html", "<head", "<title", "<body"].into_iter().any(has)
}

fn title(body: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&body[..body.len().min(LOOK)]);
    let (_, after) = start.split_at_checked(start.to_ascii_lowercase().find("<title")?)?;
    let (title, _) = after.split_once('>')?.1.split_once('<')?;
    Some(shortened(title))
}

/// In one line, and not long.
pub(crate) fn shortened(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// A URL or path without user, password, parameters, query and fragment. `None` for what is neither.
fn target(location: &str) -> Option<String> {
    let location = location.trim();
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let shown = location.split(['?', '#', ';']).next().filter(|shown| !shown.is_empty() && !shown.contains(is_odd))?;
    let start = shown.find("//").map_or(0, |slashes| slashes + 2);
    let (scheme, rest) = shown.split_at(start);
    let host = rest.find('/').unwrap_or(rest.len());
    let start = rest[..host].rfind('@').map_or(0, |at| at + 1);
    Some(format!("{scheme}{}", &rest[start..]).chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker(server: Option<&str>, body: &str) -> Speaker {
        Origin::new(server, None, body.as_bytes()).speaker
    }

    #[test]
    fn asterisk_is_known_behind_a_proxy_too() {
        let page = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\r\n<html><head>\r\n<title>404 Not Found</title>\r\n</head>\
                    <body><hr />\r\n<address>Asterisk/22.10.1</address>\r\n</body></html>";
        assert_eq!(speaker(Some("nginx/1.30"), page), Speaker::AsteriskHttp);
        assert_eq!(speaker(Some("Asterisk/22.10.1"), ""), Speaker::AsteriskHttp);
        assert_eq!(speaker(Some("nginx/1.30"), r#"{"message":"Channel not found"}"#), Speaker::Ari);
        assert_eq!(speaker(None, r#"{"error":"Allocation failed"}"#), Speaker::Ari);
        for (server, body) in [
            (Some("nginx/1.30"), "<html><head><title>404 Not Found</title></head></html>"),
            (None, "404 page not found"),
            (Some("AsteriskNow"), ""),
            (None, "{}"),
            (None, r#"{"message":5}"#),
        ] {
            assert_eq!(speaker(server, body), Speaker::Other, "{body}");
        }
    }

    #[test]
    fn what_expects_tls_is_understood() {
        for body in [
            "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
            "<html><title>400 Bad Request</title><p>Reason: You're speaking plain HTTP to an SSL-enabled server port.</p></html>",
            "Client sent an HTTP request to an HTTPS server.\n",
        ] {
            assert!(Origin::new(None, None, body.as_bytes()).expects_tls, "{body}");
        }
        assert!(!Origin::new(None, None, b"<html><title>400 Bad Request</title></html>").expects_tls);
    }

    #[test]
    fn a_page_is_told_by_its_title() {
        let page = |body: &str| Origin::new(None, None, body.as_bytes()).page;
        assert_eq!(
            page("\r\n<HTML><Title lang=en>\n 502\tBad \u{7}Gateway </TITLE>").as_deref(),
            Some("502 Bad Gateway")
        );
        assert_eq!(page("\u{feff}<!doctype html><p>no title"), Some(String::new()));
        assert_eq!(page("<html><title>never ends"), Some(String::new()));
        assert_eq!(page(&format!("<html><title>{}</title>", "ä".repeat(5000))), Some(String::new()));
        assert_eq!(page(&format!("<html><title>{}</title>", "ä".repeat(500))), Some("ä".repeat(SHOWN)));
        for other in ["", "<", "<?xml version='1.0'?><error/>", "{\"message\":\"<html>\"}", "html", "RIFF<html>"] {
            assert_eq!(page(other), None, "{other}");
        }
    }

    #[test]
    fn a_target_is_told_without_its_secrets() {
        for (location, told) in [
            (
                "https://pbx.example.org/ari/asterisk/info?api_key=joe:s3cret",
                Some("https://pbx.example.org/ari/asterisk/info"),
            ),
            ("https://joe:s3cret@pbx.example.org:8443/#s3cret", Some("https://pbx.example.org:8443/")),
            ("https://joe:s3@cret@pbx.example.org", Some("https://pbx.example.org")),
            ("//joe:s3cret@pbx.example.org/a", Some("//pbx.example.org/a")),
            ("joe:s3cret@pbx.example.org/a@b", Some("pbx.example.org/a@b")),
            ("/login;jsessionid=s3cret", Some("/login")),
            (" /pbx/ari/ ", Some("/pbx/ari/")),
            ("?api_key=s3cret", None),
            ("https:\\\\joe:s3cret@pbx", None),
            ("", None),
        ] {
            assert_eq!(target(location).as_deref(), told, "{location}");
        }
        assert_eq!(target(&format!("/{}", "a".repeat(9000))).map(|shown| shown.len()), Some(SHOWN));
    }
}
