//! The tables of the matrix, as they are printed and as `docs/reliability.md` keeps them.

use std::fmt::Write as _;
use std::fs;

use anyhow::Context as _;

use super::cell::Tally;
use super::fake_faults::FAULTS;
use super::on_real::REAL_FAULTS;
use super::stage::Kind;
use crate::program::root;

/// Where the tables begin and end in the document.
const BEGIN: &str = "<!-- faults: written by `cargo xtask faults --write` -->\n";
const END: &str = "<!-- end of faults -->\n";

/// One part of the matrix, with what came of it.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// What a row is.
    pub(crate) of: &'static str,
    /// What is tried here, for people.
    pub(crate) about: &'static str,
    pub(crate) tally: Tally,
    pub(crate) seconds: f64,
}

impl Section {
    pub(crate) fn text(&self) -> String {
        let Self { title, of, about, tally, seconds } = self;
        let verdicts: Vec<String> = tally.verdicts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let (right, tried, verdicts) = (tally.right, tally.tried, verdicts.join(", "));
        format!(
            "### {title}\n\n{about}\n\n{right} of {tried} right in {seconds:.0} s ({verdicts}).\n\n{}\n",
            tally.table(of)
        )
    }
}

/// Which verdicts are right under each fault, and why.
fn reasons() -> String {
    let mut text = String::from("### What is right\n\nAt the stages where a call still has something to see:\n\n");
    text.push_str("| fault | verdict | why |\n|---|---|---|\n");
    // Writing to a string does not fail.
    for fault in FAULTS {
        let _ = writeln!(text, "| {} | {} | {} |", fault.name, fault.allowed_words(), fault.why);
    }
    for fault in REAL_FAULTS {
        let _ = writeln!(text, "| {}, real | {} | {} |", fault.name, fault.allowed_words(), fault.why);
    }
    text.push('\n');
    text
}

/// Puts the tables in their place.
pub(crate) fn write(sections: &[Section], command: &str) -> anyhow::Result<()> {
    let path = root().join("docs/reliability.md");
    let before = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    let (head, rest) = before.split_once(BEGIN).context("the document has no place for the tables")?;
    let (_, tail) = rest.split_once(END).context("the document does not say where the tables end")?;
    let modes: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    let mut text = format!("{head}{BEGIN}\n`{command}`, for the modes {}.\n\n", modes.join(", "));
    sections.iter().for_each(|section| text.push_str(&section.text()));
    text.push_str(&reasons());
    fs::write(&path, text + END + tail).with_context(|| format!("could not write {}", path.display()))
}
