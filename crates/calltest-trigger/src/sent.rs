//! What a trigger hands to somebody else and may be secret: tokens, passwords, the body of a request. A reason repeats what
//! the other side answers, and that often repeats what it was sent; there, all of this is blotted out.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use calltest_core::plan::DialString;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;

/// How much of an answer or of the complaints of a program is repeated, in characters.
pub(super) const MAX_QUOTED: usize = 400;
/// How much of it is looked at for that, in bytes: before it is repeated, what was sent is blotted out in it.
pub(super) const MAX_KEPT: usize = 4096;
/// What stands in place of what was sent.
const BLOT: &str = "***";
/// The shortest part that is blotted out wherever it stands; something shorter is in many a harmless word.
const SHORTEST: usize = 4;
/// From this length on, a part is blotted out within a word too.
const WITHIN_WORDS: usize = 8;
/// The most parts that are looked for. Of who sends more, answers are not repeated at all.
const MAX_PARTS: usize = 2000;

/// The parts of what was sent, each in the forms in which an answer may have it.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Each on one line, the longest first once it is looked for.
    parts: Vec<String>,
    /// The number that was asked for, which is no secret: it is all that an answer can complain of.
    number: String,
}

impl Sent {
    /// Nothing yet. The call's number is filled in and may be repeated.
    pub(super) fn with_number(number: &str) -> Self {
        Self { parts: Vec::new(), number: number.to_owned() }
    }

    /// The URL of a request: who asks, its query, and what looks like a token in its path.
    pub(super) fn url(&mut self, url: &Url) {
        for part in [url.username(), url.password().unwrap_or_default()] {
            self.part(&decoded(part));
        }
        for segment in url.path().split('/').map(decoded).filter(|segment| is_like_a_token(segment)) {
            self.part(&segment);
        }
        let Some(query) = url.query() else { return };
        self.part(query);
        for (name, value) in url.query_pairs() {
            self.value(&name, &value);
        }
        // As they stand in the URL, whatever they mean.
        for pair in query.split('&') {
            self.part(pair.split_once('=').map_or(pair, |(_, value)| value));
        }
    }

    /// A header. An answer may repeat single words of its value, such as a cookie, or what is encoded in it.
    pub(super) fn header(&mut self, name: &str, value: &str) {
        self.header_value(value);
        if value.len() < SHORTEST {
            self.part(&format!("{name}: {value}"));
        }
        let (first, rest) = value.split_once(' ').unwrap_or((value, ""));
        self.words(rest);
        // The first of several words of a login says how to read it, and is no secret.
        if rest.is_empty() || !name.to_ascii_lowercase().ends_with("authorization") {
            self.words(first);
        }
        if first.eq_ignore_ascii_case("basic")
            && let Ok(login) = BASE64_STANDARD.decode(rest.trim())
        {
            let login = String::from_utf8_lossy(&login);
            self.part(&login);
            login.split(':').for_each(|part| self.part(part));
        }
    }

    /// The value of a header, whose first word may be how to read it.
    fn header_value(&mut self, value: &str) {
        self.part(value);
        self.part(value.split_once(' ').map_or(value, |(_, rest)| rest));
    }

    fn words(&mut self, text: &str) {
        let ends_a_word = |letter: char| letter.is_whitespace() || "=&;,\"'<>(){}[]".contains(letter);
        text.split(ends_a_word).for_each(|word| self.part(word));
    }

    /// The body of a request, of whatever kind.
    pub(super) fn body(&mut self, body: &str) {
        self.part(body);
        match serde_json::from_str::<serde_json::Value>(body) {
            Ok(value) => self.json(&value),
            Err(_) => {
                for pair in body.split(['&', '\n']) {
                    if let Some((name, value)) = pair.trim().split_once('=') {
                        self.value(name, &decoded(&value.replace('+', " ")));
                        self.part(value);
                    }
                }
                self.words(body);
            }
        }
    }

    /// The arguments of a program: URLs and headers in them, values, and what looks like a token.
    pub(super) fn arguments(&mut self, arguments: &[String]) {
        for argument in arguments {
            if let Some((_, value)) = argument.split_once(": ") {
                self.header_value(value);
            }
            for word in argument.split(|letter: char| letter.is_whitespace() || "\"'`".contains(letter)) {
                match Url::parse(word) {
                    Ok(url) if word.contains("://") => self.url(&url),
                    _ if is_like_a_token(word) => self.part(word),
                    _ => self.part(word.split_once('=').map_or("", |(_, value)| value)),
                }
            }
        }
    }

    fn json(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::String(text) => {
                self.part(text);
                text.split_whitespace().for_each(|word| self.part(word));
            }
            serde_json::Value::Number(number) => self.part(&number.to_string()),
            serde_json::Value::Array(values) => values.iter().for_each(|value| self.json(value)),
            serde_json::Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                if let serde_json::Value::String(text) = value {
                    self.value(name, text);
                }
                self.json(value);
            }),
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
        }
    }

    /// A value, which is blotted out with its name if it is too short alone.
    fn value(&mut self, name: &str, value: &str) {
        match value.is_empty() {
            true => self.part(name),
            false if value.len() < SHORTEST => self.part(&format!("{name}={value}")),
            false => self.part(value),
        }
    }

    fn part(&mut self, part: &str) {
        let part = on_one_line(part);
        if part.len() < SHORTEST || self.is_number(&part) || self.parts.len() > MAX_PARTS {
            return;
        }
        let in_json = serde_json::Value::from(&*part).to_string();
        let in_html = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        for form in [
            utf8_percent_encode(&part, NON_ALPHANUMERIC).to_string(),
            url_form(&part),
            in_json.trim_matches('"').to_owned(),
            in_html.replace('\'', "&#39;"),
            in_html,
            part,
        ] {
            if !self.parts.contains(&form) {
                self.parts.push(form);
            }
        }
    }

    fn is_number(&self, part: &str) -> bool {
        !self.number.is_empty() && (part == self.number || decoded(part) == self.number) || part == DialString::NUMBER
    }

    /// What somebody else said, on one line, with what was sent blotted out. Nothing of it if too much was sent to look for.
    /// `is_cut` says whether it goes on before or after what is here, where a part may have been cut in two.
    pub(super) fn blotted(&mut self, said: &[u8], is_cut: bool) -> String {
        if self.parts.len() > MAX_PARTS {
            return String::new();
        }
        self.parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        let text = on_one_line(&String::from_utf8_lossy(said));
        let mut rest = text.trim_matches('\u{fffd}');
        let mut blotted = String::with_capacity(rest.len());
        if is_cut && let Some(end) = self.parts.iter().filter_map(|part| end_at_start(part, rest)).max() {
            blotted.push_str(BLOT);
            rest = &rest[end..];
        }
        while let Some(letter) = rest.chars().next() {
            let is_within_word = blotted.chars().next_back().is_some_and(char::is_alphanumeric);
            match self.parts.iter().find_map(|part| at_start(part, rest, is_within_word, is_cut)) {
                Some(length) => {
                    blotted.push_str(BLOT);
                    rest = &rest[length..];
                }
                None => {
                    blotted.push(letter);
                    rest = &rest[letter.len_utf8()..];
                }
            }
        }
        blotted
    }
}

/// How much of the text's beginning is this part, if it begins with it, or if the part begins with all of a text that was
/// cut off.
fn at_start(part: &str, text: &str, is_within_word: bool, is_cut: bool) -> Option<usize> {
    if let Some(beginning) = text.get(..part.len()) {
        let goes_on = text[part.len()..].chars().next().is_some_and(char::is_alphanumeric);
        let may_be_there = part.len() >= WITHIN_WORDS || !(is_within_word || goes_on);
        return (may_be_there && beginning.eq_ignore_ascii_case(part)).then_some(part.len());
    }
    let begins_so = |beginning: &str| beginning.eq_ignore_ascii_case(text);
    (is_cut && text.len() >= SHORTEST && part.get(..text.len()).is_some_and(begins_so)).then_some(text.len())
}

/// How much of the text's beginning is the end of this part.
fn end_at_start(part: &str, text: &str) -> Option<usize> {
    let ends = part.char_indices().map(|(start, _)| &part[start..]).take_while(|end| end.len() >= SHORTEST);
    ends.filter_map(|end| text.get(..end.len()).filter(|beginning| beginning.eq_ignore_ascii_case(end)))
        .map(str::len)
        .next()
}

/// Whether a word is rather a token than a name: long, with letters and digits in it.
pub(super) fn is_like_a_token(word: &str) -> bool {
    let has = |is_so: fn(&char) -> bool| word.chars().any(|letter| is_so(&letter));
    let is_one_word = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.:~+/=".contains(letter));
    is_one_word && word.len() >= 12 && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic)
}

/// What somebody else said, as it ends a sentence; nothing if there was nothing.
pub(super) fn quoted(said: &str) -> String {
    let said = said.trim();
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// A text without line ends and other control characters, and with single blanks.
pub(super) fn on_one_line(text: &str) -> String {
    let is_gap = |letter: char| letter.is_whitespace() || letter.is_control();
    text.split(is_gap).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A text as the values of a URL's query are written.
fn url_form(text: &str) -> String {
    let mut url = Url::parse("http://x/").expect("this is a URL");
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blotted(send: impl FnOnce(&mut Sent), said: &str) -> String {
        let mut sent = Sent::with_number("+4991112345");
        send(&mut sent);
        sent.blotted(said.as_bytes(), false)
    }

    #[test]
    fn a_query_is_blotted_out_in_every_form_in_which_it_comes_back() {
        let url =
            Url::parse("http://me:hunter%202@pbx/dial?token=s3cr%26t/T&pin=12&to=%2B4991112345&act=dial").unwrap();
        for (said, expected) in [
            ("no: s3cr&t/T is wrong", "no: *** is wrong"),
            ("no: s3cr%26t/T, S3CR%26T%2FT and s3cr&amp;t/T", "no: ***, *** and ***"),
            ("GET /call?token=s3cr%26t/T&pin=12&to=%2B4991112345&act=dial", "GET /call?***"),
            ("<p>{\"token\":\"s3cr&t/T\"}</p>\r\n\tand  pin=12\u{7}", "<p>{\"token\":\"***\"}</p> and ***"),
            ("hunter 2 and hunter%202", "*** and ***"),
            // The number is no secret, and short values are blotted out as whole words only.
            (
                "cannot dial +4991112345 or %2B4991112345: dialling failed",
                "cannot *** +4991112345 or %2B4991112345: dialling failed",
            ),
            ("no such line", "no such line"),
        ] {
            assert_eq!(blotted(|sent| sent.url(&url), said), expected);
        }
    }

    #[test]
    fn bodies_headers_tokens_and_arguments_are_blotted_out() {
        let path = Url::parse("http://pbx/hooks/T0K3N-abcdef99/dial/now").unwrap();
        let json = r#"{"pin": "12345", "deep": [{"key": "se\"cret 77"}], "id": 987654, "number": "+4991112345"}"#;
        let arguments = ["-H", "Authorization: Bearer abcdef", "https://u:pass77@pbx/x?k=value7", "key=other7", "-v"];
        let arguments = arguments.map(String::from);
        type Send<'s> = &'s dyn Fn(&mut Sent);
        let table: [(Send, &str, &str); 15] = [
            (&|sent| sent.url(&path), "POST /hooks/T0K3N-abcdef99/dial: no", "POST /hooks/***/dial: no"),
            (&|sent| sent.body(json), "pin 12345, se\"cret 77, se\\\"cret 77, 987654", "pin ***, ***, ***, ***"),
            (&|sent| sent.body(json), &format!("got {json} from you"), "got *** from you"),
            (&|sent| sent.body(json), "no line +4991112345", "no line +4991112345"),
            (&|sent| sent.body("a=first+one&b=sec%2Fond"), "first one, sec/ond, sec%2Fond", "***, ***, ***"),
            (
                &|sent| sent.body("<pin>4711</pin> please"),
                "4711 is no pin, 47110 neither",
                "*** is no pin, 47110 neither",
            ),
            (
                &|sent| sent.header("Authorization", "Basic bWU6cHc="),
                "who is Basic bWU6cHc= or bWU6cHc=?",
                "who is *** or ***?",
            ),
            (&|sent| sent.header("Authorization", "Basic bWU6cHdkNzc="), "pwd77, me:pwd77, me", "***, ***, me"),
            (&|sent| sent.header("Authorization", "Bearer abcd"), "Bearer abcd, Bearer", "***, Bearer"),
            (&|sent| sent.header("Cookie", "id=abcd; key=efgh"), "abcd efgh id=abcd", "*** *** id=***"),
            (&|sent| sent.header("X-Pin", "123"), "x-pin: 123, 123", "***, 123"),
            (&|sent| sent.arguments(&arguments), "> Authorization: Bearer abcdef", "> Authorization: ***"),
            (&|sent| sent.arguments(&arguments), "pass77 value7 other7 abcdef", "*** *** *** ***"),
            (
                &|sent| sent.arguments(&arguments),
                "curl: (6) Could not resolve host: pbx",
                "curl: (6) Could not resolve host: pbx",
            ),
            (&|_| {}, " the phone\n is on fire\0", "the phone is on fire"),
        ];
        for (send, said, expected) in table {
            assert_eq!(blotted(send, said), expected);
        }
    }

    #[test]
    fn what_is_cut_in_two_leaves_no_half() {
        let mut sent = Sent::default();
        sent.header("Authorization", "Bearer abcdefghijkl");
        assert_eq!(sent.blotted(b"who is Bearer abcdefgh", true), "who is ***");
        assert_eq!(sent.blotted(b"efghijkl is nobody", true), "*** is nobody");
        assert_eq!(sent.blotted(b"who is Bearer abc", false), "who is Bearer abc");
    }

    #[test]
    fn of_who_sends_very_much_nothing_is_repeated() {
        let many: Vec<String> = (0..100_000).map(|number| format!("word{number}")).collect();
        assert_eq!(blotted(|sent| sent.body(&many.join(" ")), "no word7 here"), "");
    }

    #[test]
    fn a_token_is_long_and_has_letters_and_digits() {
        for token in ["T0K3N-abcdef99", "123e4567-e89b-12d3", "bot12345:AbCdEf", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="] {
            assert!(is_like_a_token(token), "{token}");
        }
        for name in ["", "dial", "v2", "+4991112345123", "originate-a-call-by-name", "room 12 of the house"] {
            assert!(!is_like_a_token(name), "{name}");
        }
    }
}
