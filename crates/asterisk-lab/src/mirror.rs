//! Which Debian mirror this machine uses, read from apt's own source lists.
//!
//! The lists are read as text because apt itself only knows the sources of which it has fetched an index, and on a
//! bare machine that is none.

use std::fs;
use std::path::Path;

use crate::files::paths_in;

/// Where Debian is when the machine has no mirror of its own.
const DEFAULT_MIRROR: &str = "http://deb.debian.org/debian";

/// The mirror of the main Debian archive in the source lists below `/etc/apt`, else Debian's own.
pub(crate) fn of_this_machine(etc_apt: &Path) -> String {
    let mut lists = vec![etc_apt.join("sources.list")];
    lists.extend(paths_in(&etc_apt.join("sources.list.d")));
    lists.iter().find_map(|list| mirror_in_file(list)).unwrap_or_else(|| DEFAULT_MIRROR.to_owned())
}

fn mirror_in_file(list: &Path) -> Option<String> {
    let text = fs::read_to_string(list).ok()?;
    match list.extension()?.to_str()? {
        "list" => mirror_in_one_line_list(&text),
        "sources" => mirror_in_deb822_sources(&text),
        _ => None,
    }
}

/// The format of sources.list(5) with one source a line: `deb [options] uri suite component…`.
fn mirror_in_one_line_list(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut rest = line.trim().strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
        if let Some(options) = rest.strip_prefix('[') {
            rest = options.split_once(']')?.1;
        }
        rest.split_whitespace().next().filter(|uri| is_debian_mirror(uri)).map(str::to_owned)
    })
}

/// The format of sources.list(5) with one source a stanza of `Field: value` lines.
fn mirror_in_deb822_sources(text: &str) -> Option<String> {
    // A comment line may stand within a stanza and does not end it.
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).find_map(|stanza| {
        let is_enabled = field(stanza, "Enabled").is_none_or(|value| value.trim() != "no");
        let has_binaries = field(stanza, "Types")?.split_whitespace().any(|kind| kind == "deb");
        let uris = field(stanza, "URIs").filter(|_| is_enabled && has_binaries)?;
        uris.split_whitespace().find(|uri| is_debian_mirror(uri)).map(str::to_owned)
    })
}

/// A field's value with its continuation lines. Names of fields have no case.
fn field(stanza: &[&str], name: &str) -> Option<String> {
    let mut lines = stanza.iter();
    let value = lines.find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })?;
    let continuation = lines.take_while(|line| line.starts_with([' ', '\t']));
    Some(continuation.fold(value.to_owned(), |text, line| format!("{text}\n{line}")))
}

/// Whether a source is the main archive: by convention its path ends in `/debian`, whereas security updates are in
/// `/debian-security` and other publishers' packages anywhere else.
fn is_debian_mirror(uri: &str) -> bool {
    let is_remote = ["http://", "https://"].iter().any(|scheme| uri.starts_with(scheme));
    is_remote && uri.trim_end_matches('/').ends_with("/debian")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_lists() {
        let text = "# deb http://old.example/debian trixie main\n\
                    deb-src http://src.example/debian trixie main\n\
                    deb http://security.example/debian-security trixie-security main\n\
                    deb cdrom:[Debian]/ trixie main\n\
                    deb\t[arch=amd64 signed-by=/x.gpg]  https://mirror.example/pub/debian/ trixie main contrib\n";
        assert_eq!(mirror_in_one_line_list(text).as_deref(), Some("https://mirror.example/pub/debian/"));
        assert_eq!(mirror_in_one_line_list("deb [broken http://mirror.example/debian x main"), None);
        assert_eq!(mirror_in_one_line_list("debian http://mirror.example/debian x main"), None);
    }

    #[test]
    fn deb822_sources() {
        let text = "Types: deb\nURIs: https://packages.example/tool\nSuites: stable\n\n\
                    Types: deb\nEnabled: no\nURIs: http://disabled.example/debian\n\n\
                    Types: deb-src\nURIs: http://src.example/debian\n\n\
                    types: deb deb-src\n# a comment in a stanza\nuris:\n http://security.example/debian-security\n \
                    http://mirror.example/debian\nSuites: trixie\n";
        assert_eq!(mirror_in_deb822_sources(text).as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(mirror_in_deb822_sources("URIs: http://mirror.example/debian\n"), None);
    }

    #[test]
    fn a_machine_without_lists_uses_debians_own_mirror() {
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(of_this_machine(nothing.path()), DEFAULT_MIRROR);
    }

    #[test]
    fn lists_are_read_by_their_names_and_in_order() {
        let etc_apt = tempfile::tempdir().unwrap();
        let parts = etc_apt.path().join("sources.list.d");
        fs::create_dir(&parts).unwrap();
        fs::write(parts.join("a.list.save"), "deb http://backup.example/debian x main\n").unwrap();
        fs::write(parts.join("b.sources"), "Types: deb\nURIs: http://b.example/debian\n").unwrap();
        fs::write(parts.join("c.list"), "deb http://c.example/debian x main\n").unwrap();
        assert_eq!(of_this_machine(etc_apt.path()), "http://b.example/debian");
        fs::write(etc_apt.path().join("sources.list"), "deb http://first.example/debian x main\n").unwrap();
        assert_eq!(of_this_machine(etc_apt.path()), "http://first.example/debian");
    }
}
