//! What is secret in a configuration, and how it is kept from being shown: in the line of a diagnostic, and in a dump.

use std::ops::Range;

use crate::keys::{Kind, Section};
use crate::suggest;
use crate::table;

/// What stands for a secret that is not shown.
pub(crate) const REDACTED: &str = "***";

/// Puts asterisks over the values of secret keys, misspelt ones too. It goes by the text alone, because a line is also
/// shown where it could not be read as YAML.
pub(crate) fn mask_secrets(line: &mut [char]) {
    for range in credentials(line) {
        line[range].fill('*');
    }
    let mut position = 0;
    let is_in_braces = line.contains(&'{');
    while position < line.len() {
        let word_length = line[position..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
        if word_length == 0 {
            position += 1;
            continue;
        }
        let word: String = line[position..position + word_length].iter().collect();
        position += word_length;
        if !is_secret(&word) {
            continue;
        }
        let Some(value) = value_after_key(line, position) else { continue };
        let end = value + value_length(&line[value..], is_in_braces);
        for character in line[value..end].iter_mut().filter(|c| !c.is_whitespace()) {
            *character = '*';
        }
        position = end;
    }
}

/// Where user name and password stand in the URLs of a text.
fn credentials(text: &[char]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].windows(3).position(|three| three == [':', '/', '/']) {
        let start = from + at + 3;
        let ends_host = |c: &char| matches!(c, '/' | '?' | '"' | '\'') || c.is_whitespace();
        let end = text[start..].iter().position(ends_host).map_or(text.len(), |length| start + length);
        found.extend(text[start..end].iter().rposition(|c| *c == '@').map(|at| start..start + at));
        from = end;
    }
    found
}

/// Whether the value of a key of that name is not to be shown.
pub(crate) fn is_secret(word: &str) -> bool {
    let word = word.to_lowercase();
    ["pass", "secret", "token", "api_key"].iter().any(|part| word.contains(part)) || is_near_a_secret_key(&word)
}

/// Where the value begins, if what stands before `position` is a key.
fn value_after_key(line: &[char], position: usize) -> Option<usize> {
    let is_quote = |c: &char| matches!(c, '"' | '\'');
    let after_quote = position + usize::from(line.get(position).is_some_and(is_quote));
    let blanks = |from: usize| line[from.min(line.len())..].iter().take_while(|c| c.is_whitespace()).count();
    let separator = after_quote + blanks(after_quote);
    let is_key = matches!(line.get(separator), Some(':' | '='));
    is_key.then(|| separator + 1 + blanks(separator + 1))
}

fn value_length(rest: &[char], is_in_braces: bool) -> usize {
    let end = match rest.first() {
        Some(quote @ ('"' | '\'')) => rest.iter().skip(1).position(|c| c == quote).map(|length| length + 2),
        _ if is_in_braces => rest.iter().position(|c| matches!(c, ',' | '}')),
        _ => None,
    };
    end.unwrap_or(rest.len())
}

/// Whether a word may be meant to be a key whose value must not be shown.
fn is_near_a_secret_key(word: &str) -> bool {
    fn is_near(section: &Section, word: &str) -> bool {
        section.keys.iter().any(|key| match key.kind {
            Kind::Secret => suggest::is_near(word, key.name),
            Kind::Section(section) | Kind::FlagOr(section) => is_near(section, word),
            Kind::Entries(entries) => is_near(entries.section, word),
            _ => false,
        })
    }
    is_near(&table::TOP, word)
}

/// A URL without user name, password, and the values of parameters that are meant to be secret.
pub(crate) fn without_secrets(url: &str) -> String {
    let mut characters: Vec<char> = url.chars().collect();
    for range in credentials(&characters).into_iter().rev() {
        characters.splice(range, REDACTED.chars());
    }
    let shown: String = characters.into_iter().collect();
    let Some((start, query)) = shown.split_once('?') else { return shown };
    let parameter = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    };
    format!("{start}?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        let mut line: Vec<char> = line.chars().collect();
        mask_secrets(&mut line);
        line.into_iter().collect()
    }

    #[test]
    fn user_and_password_in_a_url_are_masked() {
        let shown = masked("url: http://joe:s3cret@host/x, then ftp://me@there 'a://b@c@d/e@f'");
        assert_eq!(shown, "url: http://**********@host/x, then ftp://**@there 'a://***@d/e@f'");
    }

    #[test]
    fn secrets_are_masked() {
        let table = [
            ("password: hunter2 # mine", "password: ******* * ****"),
            ("pasword: 'hunter2' # mine", "pasword: ********* # mine"),
            ("{\"password\": hunter2, port: x}", "{\"password\": *******, port: x}"),
            ("asterisk.password=hunter2", "asterisk.password=*******"),
            ("my_secret = \"hunt", "my_secret = *****"),
            ("path: '/pbx?api_key=joe:hunter2'", "path: '/pbx?api_key=************"),
            ("user: compass", "user: compass"),
            ("password", "password"),
        ];
        for (line, shown) in table {
            assert_eq!(masked(line), shown);
        }
    }

    #[test]
    fn the_password_is_secret_even_misspelt() {
        assert!(is_near_a_secret_key("passwort") && !is_near_a_secret_key("app"));
    }

    #[test]
    fn a_url_is_dumped_without_its_secrets() {
        for (url, shown) in [
            ("http://joe:s3cret@host/x?to=1&token=abc&pass=x", "http://***@host/x?to=1&token=***&pass=***"),
            ("https://host:8443/{number}", "https://host:8443/{number}"),
            ("http://host/a@b?mail=c@d", "http://host/a@b?mail=c@d"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
