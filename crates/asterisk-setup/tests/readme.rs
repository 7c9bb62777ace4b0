//! The README shows what this crate writes: each block below a line `<!-- asterisk-setup: NAME -->` is the text of that
//! name. `BLESS=1 cargo test -p asterisk-setup` writes the blocks anew, to be read before they are committed.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use asterisk_setup::{
    AriConf, Credentials, Dialplan, DtmfMode, EXAMPLE_APP, EXAMPLE_PASSWORD, EXAMPLE_USER, HttpConf, HttpsConf,
    Incoming, MODULES, Peer, PjsipConf, Transport, Trunk,
};

const IS_BLESSING: bool = option_env!("BLESS").is_some();

/// The beginning of the line before a block.
const MARK: &str = "<!-- asterisk-setup: ";

/// The groups of modules that a server has to have for calltest besides those that any server has.
const MODULE_GROUPS: [&str; 2] = ["both languages of the dialplan", "ARI"];

fn project_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// The trunk of the README: its name is the link's.
const TRUNK: &str = "carrier";

fn trunk(peer: Peer) -> PjsipConf {
    let transport = Transport { name: "transport-udp".into(), bind: SocketAddr::from(([0, 0, 0, 0], 5060)) };
    let trunk = Trunk {
        name: TRUNK.into(),
        transport: transport.name.clone(),
        context: format!("from-{TRUNK}"),
        peer,
        dtmf_mode: DtmfMode::Rfc4733,
        codecs: vec!["alaw".into(), "ulaw".into()],
        media_address: None,
        qualify_every: Some(Duration::from_secs(30)),
    };
    PjsipConf { transports: vec![transport], trunks: vec![trunk] }
}

fn trusted_by_address() -> PjsipConf {
    trunk(Peer::Address { address: "192.0.2.10:5060".into(), credentials: None })
}

fn registered() -> PjsipConf {
    trunk(Peer::Registrar {
        address: "sip.example.com".into(),
        credentials: Credentials { username: "493023125100".into(), password: "secret".into() },
        retry_after: Duration::from_secs(60),
        registers_at_once: false,
    })
}

/// What a trunk adds to the dialplan.
fn added_for_trunk(text: impl Fn(&Dialplan) -> String) -> String {
    let plain = Dialplan::default();
    let incoming = vec![Incoming { context: format!("from-{TRUNK}"), link: TRUNK.into() }];
    let whole = text(&Dialplan { incoming, ..plain.clone() });
    whole.strip_prefix(&text(&plain)).expect("a trunk only adds to the dialplan").trim_start().to_owned()
}

/// The lines of `modules.conf` for some groups.
fn modules(groups: &[&str]) -> String {
    let lines = |group: &&str| {
        let (purpose, modules) = MODULES.iter().find(|(purpose, _)| purpose == group).expect("the group exists");
        let lines: String = modules.iter().map(|module| format!("load = {module}.so\n")).collect();
        format!("; {purpose}\n{lines}")
    };
    groups.iter().map(lines).collect::<Vec<_>>().join("\n")
}

fn with_tls() -> HttpConf {
    let https = HttpsConf {
        bind: SocketAddr::from(([0, 0, 0, 0], 8089)),
        certificate_file: "/etc/asterisk/keys/asterisk.crt".into(),
        private_key_file: "/etc/asterisk/keys/asterisk.key".into(),
    };
    HttpConf { https: Some(https), ..HttpConf::default() }
}

/// Every text that the README has to show.
fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("http.conf", HttpConf::default().to_string()),
        ("http.conf with TLS", with_tls().to_string()),
        ("ari.conf", AriConf::default().to_string()),
        ("extensions.ael", Dialplan::default().to_ael()),
        ("extensions.conf", Dialplan::default().to_extensions_conf()),
        ("extensions.ael of a trunk", added_for_trunk(Dialplan::to_ael)),
        ("extensions.conf of a trunk", added_for_trunk(Dialplan::to_extensions_conf)),
        ("pjsip.conf", trusted_by_address().to_string()),
        ("pjsip.conf with registration", registered().to_string()),
        ("modules.conf, in part", modules(&MODULE_GROUPS)),
    ]
}

/// A block of the README that is not what it should be.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    name: String,
    shown: String,
    expected: String,
}

/// The README with the true text in each marked block, the names of those blocks, and what was different in them.
fn corrected(readme: &str, texts: &[(&str, String)]) -> (String, BTreeSet<String>, Vec<Difference>) {
    let (mut corrected, mut names, mut differences) = (String::new(), BTreeSet::new(), Vec::new());
    let mut lines = readme.split_inclusive('\n');
    while let Some(line) = lines.next() {
        corrected.push_str(line);
        let Some(name) = line.strip_prefix(MARK).and_then(|rest| rest.trim_end().strip_suffix(" -->")) else {
            continue;
        };
        let fence = lines.next().filter(|line| line.starts_with("```"));
        corrected.push_str(fence.unwrap_or_else(|| panic!("no block begins below the mark of {name}")));
        let shown: String = lines.by_ref().take_while(|line| line.trim_end() != "```").collect();
        let expected = texts.iter().find(|(known, _)| *known == name);
        let (_, expected) = expected.unwrap_or_else(|| panic!("there is no text of the name {name}"));
        corrected.push_str(expected);
        corrected.push_str("```\n");
        if shown != *expected {
            differences.push(Difference { name: name.into(), shown, expected: expected.clone() });
        }
        names.insert(name.into());
    }
    (corrected, names, differences)
}

#[test]
fn the_readme_shows_what_this_crate_writes() {
    let path = project_file("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let texts = texts();
    let (corrected, names, differences) = corrected(&readme, &texts);
    let missing: Vec<_> = texts.iter().map(|(name, _)| *name).filter(|name| !names.contains(*name)).collect();
    assert!(missing.is_empty(), "the README does not show {missing:?}");
    if IS_BLESSING && corrected != readme {
        fs::write(&path, &corrected).unwrap();
    }
    let report: String = differences
        .iter()
        .map(|Difference { name, shown, expected }| {
            format!("{name}\n--- README ---\n{shown}--- expected ---\n{expected}\n")
        })
        .collect();
    assert!(differences.is_empty(), "{report}");
    assert_eq!(corrected, readme);
}

#[test]
fn a_block_that_differs_is_found_and_corrected() {
    let texts = [("a", "one\n".to_owned()), ("b", "two\n".to_owned())];
    let readme = "x\n<!-- asterisk-setup: a -->\n```ini\none\n```\n<!-- asterisk-setup: b -->\n```\n2\n```\ny\n";
    let (corrected, names, differences) = corrected(readme, &texts);
    assert_eq!(corrected, readme.replace('2', "two"));
    assert_eq!(names, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(differences, [Difference { name: "b".into(), shown: "2\n".into(), expected: "two\n".into() }]);
}

#[test]
fn the_example_configuration_fits_these_texts() {
    let example = fs::read_to_string(project_file("example.cfg")).unwrap();
    let port = HttpConf::default().bind.port().to_string();
    for (key, value) in
        [("port", port.as_str()), ("username", EXAMPLE_USER), ("password", EXAMPLE_PASSWORD), ("app", EXAMPLE_APP)]
    {
        let line = format!("{key}: {value}");
        assert!(example.lines().any(|have| have.trim() == line), "example.cfg does not say {line}");
    }
}
