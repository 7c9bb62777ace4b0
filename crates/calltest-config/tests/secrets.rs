//! The values of headers and passwords are never shown, however the file is wrong: each text below has them in another way of
//! writing YAML, and is loaded with each of its characters replaced, removed, or preceded by another.

use calltest_config::{Input, Palette, Secrets, Source, load};

/// What must not be shown. It has no letter or digit twice, so that no single character breaks it unnoticed.
const SECRET: &str = "hunter9";
/// How many of its characters in a row give it away.
const TELLING: usize = 4;

/// What may be typed by mistake, and means something in YAML.
const TYPOS: &[char] = &['"', '\'', '{', '}', '[', ':', ',', '#', '&', '*', '!', '|', '-', ' ', '\n', 'x'];

const BLOCK: &str = "\
links: {a: {number: 1}}
asterisk:
  password: hunter9
calls:
  one:
    mode: wait
    dst: a
    url:
      url: http://example.org
      headers:
        X-Key: hunter9
        X-Other: >-
          hunter9
          hunter9
        X-Third: \"hunter9 \\
          hunter9\"
        \"X-Fourth\": 'hunter9'
      method: POST
";

const FLOW: &str = "\
links: {a: {number: 1}}
calls:
  one: {mode: wait, dst: a, url: {url: http://example.org, headers: {X-Key: hunter9, \"X-O\": \"hunter9\"}, method: POST}}
  two: {mode: wait, dst: a, url: {url: http://example.org, headers: {X-Key: hunter9,
        X-O: 'hunter9
          hunter9', X-P: hunter9}, method: POST}}
";

const ALIASES: &str = "\
x-login: &login {Authorization: hunter9}
links: {a: {number: 1}}
calls:
  ':default:': {mode: wait, dst: a, url: {url: http://example.org, headers: *login}}
  one: {}
  two: {url: {headers: {<<: *login, X-Key: hunter9}}}
";

fn shown(text: &str, overrides: &[&str]) -> String {
    let overrides = overrides.iter().map(|text| (*text).to_owned()).collect();
    let source = Source::File { path: "a.cfg".into(), text: text.to_owned() };
    match load(&Input { source, overrides, is_lenient: false }) {
        Ok(loaded) => loaded.notes.render(Palette::Plain) + &loaded.dump(Secrets::Redacted),
        Err(rejected) => rejected.diagnostics.render(Palette::Plain),
    }
}

fn tells(shown: &str) -> bool {
    (0..=SECRET.len() - TELLING).any(|start| shown.contains(&SECRET[start..start + TELLING]))
}

/// Every text that comes of this one by a single typo. Keys stay what they are: what is called otherwise is no secret.
fn with_a_typo(text: &str) -> impl Iterator<Item = String> {
    let is_key = |at: usize| {
        let word =
            |word: &str| text.match_indices(word).any(|(start, _)| (start - 1..=start + word.len()).contains(&at));
        ["headers", "password", "Authorization"].into_iter().any(word)
    };
    let places = text.char_indices().filter(move |(at, _)| !is_key(*at));
    places.flat_map(move |(at, letter)| {
        let (before, rest) = (&text[..at], &text[at..]);
        let after = &rest[letter.len_utf8()..];
        let typed =
            TYPOS.iter().flat_map(move |typo| [format!("{before}{typo}{rest}"), format!("{before}{typo}{after}")]);
        typed.chain([format!("{before}{after}"), before.to_owned()])
    })
}

#[test]
fn no_typo_shows_a_secret() {
    for text in [BLOCK, FLOW, ALIASES] {
        assert!(shown(text, &[]).contains("calls:"), "it loads as it is: {}", shown(text, &[]));
        for wrong in with_a_typo(text) {
            let shown = shown(&wrong, &[]);
            assert!(!tells(&shown), "{wrong}\n---\n{shown}");
        }
    }
}

#[test]
fn no_typo_in_an_override_shows_a_secret() {
    for override_ in [
        "calls.one.url.headers.X-Key=hunter9",
        "calls.one.url.headers.\"X.Key\"=hunter9",
        "calls.one.url.headers={X-Key: hunter9, X-O: hunter9}",
        "calls.one.url={url: http://example.org, headers: {X-Key: hunter9}, method: POST}",
        "asterisk.password=hunter9",
    ] {
        let (_, value) = override_.split_once('=').expect("each of them sets something");
        let key = &override_[..override_.len() - value.len()];
        for wrong in with_a_typo(value) {
            let shown = shown(FLOW, &[&format!("{key}{wrong}")]);
            assert!(!tells(&shown), "{key}{wrong}\n---\n{shown}");
        }
    }
}
