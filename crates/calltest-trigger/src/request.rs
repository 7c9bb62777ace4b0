//! The request that a trigger makes, with the call's number in every place that asks for it, written as each place needs it.

use calltest_core::plan::{Body, DialString, ExpectedAnswer, Fetch, Method, Query, Secret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::sent::is_like_a_token;

/// What stays as it is where a number goes into a URL or a form (RFC 3986, unreserved characters).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request that is about to be made.
pub(super) struct Request {
    pub(super) method: reqwest::Method,
    pub(super) url: Url,
    /// That of the body's type is among them.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
    pub(super) expected: ExpectedAnswer,
}

impl Request {
    /// Fills the number in.
    ///
    /// # Errors
    /// If the URL or a header that comes of it cannot be read.
    pub(super) fn new(fetch: &Fetch, number: &str) -> Result<Self, String> {
        let Fetch { url, method, query, headers, body, expected } = fetch;
        let url = filled_url(url, query, number)?;
        let mut headers = filled_headers(headers, number)?;
        let body = body.as_ref().map(|body| filled_body(body, number));
        if let Some((_, media_type)) = &body {
            let media_type =
                HeaderValue::from_str(media_type).map_err(|_| "the type of the trigger's body cannot be sent")?;
            headers.insert(CONTENT_TYPE, media_type);
        }
        let texts = expected.texts.iter().map(|text| text.replace(DialString::NUMBER, number)).collect();
        let expected = ExpectedAnswer { texts, ..expected.clone() };
        Ok(Self { method: method_of(*method), url, headers, body: body.map(|(text, _)| text), expected })
    }

    /// Method and URL, without anything that might be secret.
    pub(super) fn what(&self) -> String {
        format!("{} {}", self.method, shown(&self.url))
    }
}

fn filled_url(url: &str, query: &Query, number: &str) -> Result<Url, String> {
    let encoded = utf8_percent_encode(number, ENCODED).to_string();
    let mut url = Url::parse(&url.replace(DialString::NUMBER, &encoded))
        .map_err(|error| format!("the URL of the trigger cannot be read: {error}"))?;
    match query {
        Query::None => {}
        Query::Text(text) => {
            let text = text.trim_start_matches('?').replace(DialString::NUMBER, &encoded);
            let joined = url.query().map_or_else(|| text.clone(), |before| format!("{before}&{text}"));
            url.set_query(Some(&joined));
        }
        Query::Parameters(parameters) => {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in parameters {
                pairs.append_pair(name, &value.replace(DialString::NUMBER, number));
            }
        }
    }
    Ok(url)
}

fn filled_headers(headers: &[(String, Secret)], number: &str) -> Result<HeaderMap, String> {
    let mut filled = HeaderMap::new();
    for (name, value) in headers {
        let read = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = value.reveal().replace(DialString::NUMBER, number);
        let header = read.zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        let (read, mut value) = header.ok_or_else(|| format!("the header `{name}` of the trigger cannot be sent"))?;
        // What logs a request does not show such a value.
        value.set_sensitive(true);
        filled.insert(read, value);
    }
    Ok(filled)
}

/// The text of a body, and its media type.
fn filled_body(body: &Body, number: &str) -> (String, String) {
    let Body { text, media_type } = body;
    let with = |number: &str| text.replace(DialString::NUMBER, number);
    let in_json = serde_json::Value::from(number).to_string();
    let in_json = &in_json[1..in_json.len() - 1];
    let Some(media_type) = media_type else {
        let as_json = with(in_json);
        return match serde_json::from_str::<serde_json::Value>(&as_json) {
            Ok(_) => (as_json, "application/json".to_owned()),
            Err(_) => (with(number), "text/plain; charset=utf-8".to_owned()),
        };
    };
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = match essence.as_str() {
        "application/x-www-form-urlencoded" => with(&utf8_percent_encode(number, ENCODED).to_string()),
        "application/json" => with(in_json),
        essence if essence.ends_with("+json") => with(in_json),
        _ => with(number),
    };
    (text, media_type.clone())
}

fn method_of(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    }
}

/// A URL for people: user name, password and query may hold secrets, and so may a path and its parameters.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let segment = |segment: &str| {
        let (name, parameters) = segment.split_once(';').map_or((segment, ""), |(name, _)| (name, ";***"));
        let is_token = is_like_a_token(&percent_decode_str(name).decode_utf8_lossy());
        format!("{}{parameters}", if is_token { "***" } else { name })
    };
    let path: Vec<String> = url.path().split('/').map(segment).collect();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str, query: Query) -> String {
        Request::new(&Fetch { query, ..Fetch::get(url) }, "+49 911").unwrap().url.to_string()
    }

    #[test]
    fn the_number_is_encoded_where_it_goes_into_a_url() {
        assert_eq!(url("http://pbx/dial/{number}", Query::None), "http://pbx/dial/%2B49%20911");
        let text = Query::Text("to={number}&from=1".into());
        assert_eq!(url("http://pbx/dial?a=b", text), "http://pbx/dial?a=b&to=%2B49%20911&from=1");
        let map = Query::Parameters(vec![("to".into(), "{number}".into()), ("x y".into(), "&".into())]);
        assert_eq!(url("http://pbx/", map), "http://pbx/?to=%2B49+911&x+y=%26");
    }

    #[test]
    fn a_number_adds_nothing_to_a_query() {
        let of = |query| Request::new(&Fetch { query, ..Fetch::get("http://pbx/") }, "1&admin=yes#é%2B").unwrap().url;
        for query in [Query::Text("to={number}".into()), Query::Parameters(vec![("to".into(), "{number}".into())])] {
            let url = of(query);
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            assert_eq!(pairs, [("to".to_owned(), "1&admin=yes#é%2B".to_owned())], "{url}");
            assert_eq!(url.fragment(), None);
        }
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let url = Url::parse("https://me:hunter2@pbx:8443/dial?token=hunter2").unwrap();
        assert_eq!(shown(&url), "https://pbx:8443/dial");
        let url = Url::parse("https://pbx/hooks/T0K3N-abcdef99/%2B4991112345123").unwrap();
        assert_eq!(shown(&url), "https://pbx/hooks/***/%2B4991112345123");
        let url = Url::parse("https://pbx/login;jsessionid=T0K3N;a=b/done#T0K3N").unwrap();
        assert_eq!(shown(&url), "https://pbx/login;***/done");
    }

    // field real-lines-2 trigger 11 | A provider’s interface wants a login, JSON or a form, and its answer tells what it did | the request is as asked for; another answer than expected is `error` | each kind of body, with numbers that break it; headers over the URL’s login; statuses, classes, texts over two chunks, cut and packed answers; redirects that are expected or not
    #[test]
    fn the_number_is_written_as_the_type_of_the_body_needs_it() {
        const NUMBER: &str = "\"1\\&2=+";
        let json = r#"{"to": "{number}"}"#;
        let escaped = r#"{"to": "\"1\\&2=+"}"#;
        let table = [
            (json, None, escaped, "application/json"),
            ("to={number}", None, "to=\"1\\&2=+", "text/plain; charset=utf-8"),
            (json, Some("application/json"), escaped, "application/json"),
            (json, Some("Application/JSON ; charset=utf-8"), escaped, "Application/JSON ; charset=utf-8"),
            (json, Some("application/vnd.api+json"), escaped, "application/vnd.api+json"),
            (json, Some("text/plain"), r#"{"to": ""1\&2=+"}"#, "text/plain"),
            ("to={number}", Some("application/json"), r#"to=\"1\\&2=+"#, "application/json"),
            (
                "to={number}&a=b",
                Some("application/x-www-form-urlencoded"),
                "to=%221%5C%262%3D%2B&a=b",
                "application/x-www-form-urlencoded",
            ),
            ("<to>{number}</to>", Some("application/xml"), "<to>\"1\\&2=+</to>", "application/xml"),
        ];
        for (text, media_type, body, sent_as) in table {
            let of = Body { text: text.into(), media_type: media_type.map(Into::into) };
            let request = Request::new(&Fetch { body: Some(of), ..Fetch::get("http://pbx/") }, NUMBER).unwrap();
            assert_eq!(
                (request.body.as_deref(), request.headers[CONTENT_TYPE].as_bytes()),
                (Some(body), sent_as.as_bytes())
            );
        }
    }

    #[test]
    fn a_number_stands_without_quotes_in_json_too() {
        let body = Some(Body { text: r#"{"to": {number}}"#.into(), media_type: None });
        let request =
            |number| Request::new(&Fetch { body: body.clone(), ..Fetch::get("http://pbx/") }, number).unwrap();
        assert_eq!(request("4711").headers[CONTENT_TYPE], "application/json");
        assert_eq!(request("+49").headers[CONTENT_TYPE], "text/plain; charset=utf-8");
    }

    #[test]
    fn headers_have_the_number_and_hide_their_values() {
        let headers = vec![("X-To".to_owned(), Secret::new("tel:{number}")), ("x".to_owned(), Secret::new("é\t"))];
        let request = Request::new(&Fetch { headers, ..Fetch::get("http://pbx/") }, "+49é").unwrap();
        assert_eq!(request.headers["x-to"].as_bytes(), "tel:+49é".as_bytes());
        assert_eq!(format!("{:?}", request.headers["x-to"]), "Sensitive");
        for (name, value) in [("X To", "hunter2"), ("X-To", "hunter2\r\nX: y"), ("X-To", "hunter2{number}")] {
            let headers = vec![(name.to_owned(), Secret::new(value))];
            let refused = Request::new(&Fetch { headers, ..Fetch::get("http://pbx/") }, "1\n2").err().unwrap();
            assert_eq!(refused, format!("the header `{name}` of the trigger cannot be sent"));
        }
    }
}
