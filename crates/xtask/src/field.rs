//! `cargo xtask field`: the table of what was seen in the field or found by attacking calltest, made from the tests.
//!
//! A test that holds such a case has a line above it:
//!
//! ```text
//! // field attack 9 | a second server of ours is about to stop | `error` | before a stop and before a restart
//! ```
//!
//! with the source, what happens, what is right, relatives that were tried and, where that is so, why the real thing was
//! not. Other tests of the same case name the source alone: `// field attack 9`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

/// The page, and what encloses the table on it.
const PAGE: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- made by cargo xtask field -->\n";
const END: &str = "<!-- end -->\n";
/// How a line about a case begins.
const MARK: &str = "// field ";

/// Write the table of cases from the field into the documentation
#[derive(Args)]
pub(crate) struct Options {
    /// Only say whether the documentation has it as it is
    #[arg(long)]
    check: bool,
}

/// A case, with the tests that hold it.
#[derive(Default)]
struct Case {
    /// What happens, what is right, what else was tried, and what was not tried on the real thing.
    told: Option<[String; 4]>,
    tests: Vec<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cases = BTreeMap::new();
    for file in sources(&root.join("crates"))? {
        let text = fs::read_to_string(&file)?;
        let crates = root.join("crates");
        let name = file.strip_prefix(&crates).unwrap_or(&file).display().to_string();
        read(&name, &text, &mut cases)?;
    }
    let table = table(&cases)?;
    let page = root.join(PAGE);
    let text = fs::read_to_string(&page).with_context(|| format!("could not read {PAGE}"))?;
    let new = replaced(&text, &table).with_context(|| format!("{PAGE} has no place for the table"))?;
    match (new == text, options.check) {
        (true, _) => println!("{PAGE} has all {} cases", cases.len()),
        (false, true) => bail!("{PAGE} is not what the tests say; `cargo xtask field` writes it"),
        (false, false) => fs::write(&page, new)?,
    }
    Ok(())
}

fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Takes in the cases of one file. Each line about a case belongs to the next function.
fn read(file: &str, text: &str, cases: &mut BTreeMap<Source, Case>) -> anyhow::Result<()> {
    let mut waiting: Vec<Source> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(said) = line.strip_prefix(MARK) {
            let mut parts = said.split('|').map(|part| part.trim().to_owned());
            let source = Source::parse(&parts.next().unwrap_or_default()).with_context(|| format!("{file}: {line}"))?;
            let told: Vec<String> = parts.collect();
            if let [what, right, relatives, rest @ ..] = &told[..] {
                let case = cases.entry(source.clone()).or_default();
                ensure!(case.told.is_none(), "{file}: {} {} is told twice", source.kind, source.number);
                let untried = rest.first().cloned().unwrap_or_default();
                case.told = Some([what.clone(), right.clone(), relatives.clone(), untried]);
            } else {
                ensure!(told.is_empty(), "{file}: a case has what happens, what is right and relatives: {line}");
            }
            waiting.push(source);
        } else if let Some(name) = function(line) {
            for source in waiting.drain(..) {
                cases.entry(source).or_default().tests.push(format!("`{name}` in {file}"));
            }
        }
    }
    ensure!(waiting.is_empty(), "{file}: a case at the end belongs to no test");
    Ok(())
}

fn function(line: &str) -> Option<&str> {
    let name = line.split_once("fn ")?.1;
    let is_declared = line.starts_with("fn ") || line.starts_with("async fn ");
    is_declared.then(|| name.split(['(', '<']).next().unwrap_or(name))
}

/// Where a case comes from: `attack 9`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    kind: String,
    number: u32,
}

impl Source {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (kind, number) = text.rsplit_once(' ').context("a source has a kind and a number: `attack 9`")?;
        Ok(Self { kind: kind.to_owned(), number: number.parse().context("a source ends with its number")? })
    }
}

fn table(cases: &BTreeMap<Source, Case>) -> anyhow::Result<String> {
    let mut table = String::from("| source | what happens | right | relatives | tests |\n|---|---|---|---|---|\n");
    for (Source { kind, number }, Case { told, tests }) in cases {
        let [what, right, relatives, untried] =
            told.as_ref().with_context(|| format!("{kind} {number} is named by a test, and told by none"))?;
        let untried =
            if untried.is_empty() { String::new() } else { format!(" **Not tried on the real thing:** {untried}") };
        writeln!(table, "| {kind} {number} | {what} | {right} | {relatives}.{untried} | {} |", tests.join("; "))?;
    }
    Ok(table)
}

fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_gathered_over_tests() {
        let mut cases = BTreeMap::new();
        read("a.rs", "// field attack 9 | it stops | `error` | twice\n/// Why.\n#[test]\nfn one() {}\n", &mut cases)
            .unwrap();
        read("b.rs", "    // field attack 9\n    async fn two() {}\n", &mut cases).unwrap();
        let table = table(&cases).unwrap();
        assert!(
            table.ends_with("| attack 9 | it stops | `error` | twice. | `one` in a.rs; `two` in b.rs |\n"),
            "{table}"
        );
        let page = format!("x\n{BEGIN}old\n{END}y\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), format!("x\n{BEGIN}new\n{END}y\n"));
    }

    #[test]
    fn what_cannot_be_made_a_row_of_is_refused() {
        let refused = |text: &str| {
            let mut cases = BTreeMap::new();
            read("a.rs", text, &mut cases).and_then(|()| table(&cases).map(drop)).is_err()
        };
        assert!(refused("// field attack 9\nfn one() {}\n"), "told by none");
        assert!(refused("// field attack | a | b | c\nfn one() {}\n"), "no number");
        assert!(refused("// field attack 9 | a | b\nfn one() {}\n"), "no relatives");
        assert!(refused("// field attack 9 | a | b | c\n"), "no test");
        let twice = "// field attack 9 | a | b | c\nfn one() {}\n// field attack 9 | a | b | c\nfn two() {}\n";
        assert!(refused(twice), "told twice");
    }
}
