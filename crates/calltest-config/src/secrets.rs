//! What is secret in a configuration, and how it is kept from being shown: in the line of a diagnostic, and in a dump.

use std::ops::Range;
use std::sync::LazyLock;

use crate::keys::{Kind, Section};
use crate::path::{self, Typed};
use crate::quoting::quoted;
use crate::suggest;
use crate::table;

/// What stands for a secret that is not shown.
pub(crate) const REDACTED: &str = "***";

/// Puts asterisks over the values of secret keys, misspelt ones too. It goes by the text alone, because a line is also
/// shown where it could not be read as YAML. There, nobody knows where a value ends, or whether a key is a header.
pub(crate) fn mask_secrets(line: &mut [char], is_read: bool) {
    for range in credentials(line) {
        line[range].fill('*');
    }
    let mut position = 0;
    let is_in_braces = line.contains(&'{');
    while let Some(value) = next_secret(line, position, is_read) {
        let rest = &line[value..];
        position = value + if is_read { value_length(rest, is_in_braces) } else { rest.len() };
        cover(&mut line[value..position]);
    }
}

/// Puts an asterisk in place of every character but blanks.
pub(crate) fn cover(text: &mut [char]) {
    text.iter_mut().filter(|c| !c.is_whitespace()).for_each(|c| *c = '*');
}

/// Where the value of the next key begins that is secret; that may be secret unless the line `is_read`.
fn next_secret(line: &[char], from: usize, is_read: bool) -> Option<usize> {
    let mut position = from;
    while let Some((word, end)) = next_word(line, position) {
        position = end;
        let is_free = end == word.chars().count() && word.starts_with(table::FREE_PREFIX);
        if (is_secret(&word) || !is_read && !is_free && may_hold_secrets(&word))
            && let Some(value) = value_after_key(line, end)
        {
            return Some(value);
        }
    }
    None
}

/// The longest text that is looked through for secrets before it is quoted, in characters; less of it is shown.
const MAX_QUOTED: usize = 200;

/// A text of the user's for a message, without the secrets that may have got into it for want of a blank or a quote.
pub(crate) fn quoted_without_secrets(text: &str) -> String {
    let mut text: Vec<char> = text.chars().take(MAX_QUOTED).collect();
    mask_secrets(&mut text, false);
    quoted(&text.into_iter().collect::<String>())
}

/// The first word from a position on, and where it ends.
fn next_word(line: &[char], from: usize) -> Option<(String, usize)> {
    let start = from + line[from..].iter().position(|c| is_part_of_word(*c))?;
    let end = start + line[start..].iter().take_while(|c| is_part_of_word(**c)).count();
    Some((line[start..end].iter().collect(), end))
}

fn is_part_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

/// How many lines above one are looked at for the key of a secret, and how far into each, in characters.
const MAX_LINES_ABOVE: usize = 200;
const MAX_LOOKED_AT: usize = 1000;

/// Whether a line may be part of a secret: a key above it may be that of one, and no key between the two ends what is below
/// it. In a file that could not be read as YAML, nothing else tells.
pub(crate) fn may_be_secret(lines: &[&str], index: usize) -> bool {
    let start = index.saturating_sub(MAX_LINES_ABOVE);
    let Some((line, above)) = lines.get(start..=index).and_then(<[_]>::split_last) else { return false };
    let depth = |line: &str| line.chars().take_while(|c| c.is_whitespace()).count();
    let mut least_depth = if begins_with_key(line) { depth(line) } else { usize::MAX };
    let mut open_brackets = 0;
    for line in above.iter().rev() {
        open_brackets += line.matches(['{', '[']).count() as isize - line.matches(['}', ']']).count() as isize;
        let is_parent = depth(line) < least_depth;
        let has_secret = || {
            let line: Vec<char> = line.chars().take(MAX_LOOKED_AT).collect();
            next_secret(&line, 0, false).is_some()
        };
        if (is_parent || open_brackets > 0) && has_secret() {
            return true;
        }
        if is_parent && begins_with_key(line) {
            least_depth = depth(line);
        }
    }
    false
}

/// Whether a line begins with a key.
fn begins_with_key(line: &str) -> bool {
    let line = line.trim_start();
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''));
    let key = line.trim_start_matches(['"', '\'']);
    let end = key.find(|c| !is_part_of_word(c)).unwrap_or(key.len());
    let rest = match quote {
        Some(quote) => key[end..].strip_prefix(quote),
        None => Some(&key[end..]),
    };
    end > 0 && !key.starts_with('-') && rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
}

/// What may be secret in a line of an override, in characters from 0: the value of a secret key, and all after a line end.
pub(crate) fn hidden_in_override(text: &str, line: usize) -> Option<Range<usize>> {
    if line > 0 {
        return Some(0..usize::MAX);
    }
    let Typed { segments, value } = path::read(text).ok()?;
    let (_, column) = value.filter(|_| segments.iter().any(|segment| may_hold_secrets(&segment.key)))?;
    Some(column..usize::MAX)
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
    ["pass", "secret", "token", "api_key", "apikey"].iter().any(|part| word.contains(part))
        || is_near_a_secret_key(&word)
}

/// Whether all that is below a key of that name may be secret.
pub(crate) fn may_hold_secrets(word: &str) -> bool {
    is_headers(word) || is_header(word) || is_secret(word)
}

/// Whether a key of that name may be meant for headers, whose values are secrets.
fn is_headers(word: &str) -> bool {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| names_of(|kind| matches!(kind, Kind::Headers)));
    word.to_lowercase().contains("header") || NAMES.iter().any(|name| suggest::is_near(word, name))
}

/// Whether a key is rather a header that stands where it does not belong: our own keys have no `-` in them.
fn is_header(word: &str) -> bool {
    let is_compound = word.starts_with(char::is_alphabetic) && word.trim_end_matches('-').contains('-');
    is_compound || ["authorization", "cookie"].iter().any(|name| word.eq_ignore_ascii_case(name))
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
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| names_of(|kind| matches!(kind, Kind::Secret)));
    NAMES.iter().any(|name| suggest::is_near(word, name))
}

/// The names of all keys of such a kind.
fn names_of(is_such: fn(Kind) -> bool) -> Vec<&'static str> {
    fn gather(section: &'static Section, is_such: fn(Kind) -> bool, names: &mut Vec<&'static str>) {
        for key in section.keys {
            match key.kind {
                kind if is_such(kind) => names.push(key.name),
                Kind::Section(section) | Kind::FlagOr(section) => gather(section, is_such, names),
                Kind::Entries(entries) => gather(entries.section, is_such, names),
                _ => {}
            }
        }
    }
    let mut names = Vec::new();
    gather(&table::TOP, is_such, &mut names);
    names.sort_unstable();
    names.dedup();
    names
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

    fn masked(line: &str, is_read: bool) -> String {
        let mut line: Vec<char> = line.chars().collect();
        mask_secrets(&mut line, is_read);
        line.into_iter().collect()
    }

    #[test]
    fn user_and_password_in_a_url_are_masked() {
        let shown = masked("url: http://joe:s3cret@host/x, then ftp://me@there 'a://b@c@d/e@f'", true);
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
            assert_eq!(masked(line, true), shown);
        }
    }

    #[test]
    fn more_is_masked_where_the_line_could_not_be_read() {
        let table = [
            ("{password:} hunter2, port: x}", "{password:* ******** ***** **"),
            ("url: {headers: {A: b}, method: POST}", "url: {headers: *** *** ******* *****"),
            ("X-Api-Key: hunter2", "X-Api-Key: *******"),
            ("[-H, 'Authorization: Bearer hunter2']", "[-H, 'Authorization: ****** *********"),
            ("quiet: mon-fri 22:00-06:00", "quiet: mon-fri 22:00-06:00"),
        ];
        for (line, shown) in table {
            assert_eq!(masked(line, false), shown);
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
