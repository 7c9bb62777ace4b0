//! The calltest YAML: defaults, overrides, located diagnostics; its product is a checked [`Plan`].
//!
//! Three steps: a text becomes a tree with places (`parse`, `overrides`); the tree is checked, first each key by itself
//! (`shape`), then all together (`check`); what passes is a plan. The keys themselves are one `table`, from which the check
//! of names and types, the defaults, [`Loaded::dump`] and [`schema()`] are made. What a plan means is left to
//! `calltest-core`.

mod caller_id;
mod check;
mod configuration;
mod diagnostic;
mod dump;
mod excerpt;
mod headers;
mod http;
mod keys;
mod kind;
mod mode;
mod overrides;
mod parse;
mod path;
mod quoting;
mod readers;
mod report;
mod rules;
mod scalar;
mod schema;
mod secret_places;
mod secrets;
mod shape;
mod size;
mod source;
mod suggest;
mod table;
mod tree;
mod view;

use calltest_core::plan::Plan;

use crate::configuration::Configuration;
pub use crate::diagnostic::{Diagnostic, Diagnostics, Palette, Severity};
pub use crate::dump::Secrets;
use crate::parse::Start;
use crate::report::{Report, Sources};
pub use crate::schema::schema;
use crate::secret_places::secret_places;
pub use crate::source::{Directories, MAX_FILE_SIZE, ReadError, Source, default_paths};
pub use crate::suggest::nearest;
use crate::tree::{Node, Origin};

/// What a plan is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The configuration file.
    pub source: Source,
    /// What `-C` gave, in that order: `a.b.c=value`, or `a.b.c` to delete the key.
    pub overrides: Vec<String>,
    /// Whether unknown keys are only warned of, for files that calltest 0.7 took.
    pub is_lenient: bool,
}

/// A configuration that is in order.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The plan.
    pub plan: Plan,
    /// Warnings and notes.
    pub notes: Diagnostics,
    root: Node,
}

impl Loaded {
    /// The effective configuration as YAML, with defaults filled in and entries expanded. Loading it gives the same plan;
    /// without secrets, it gives a warning as well.
    pub fn dump(&self, secrets: Secrets) -> String {
        dump::dump(Configuration::new(&self.root), &self.plan.log_levels, secrets)
    }
}

/// A configuration that cannot be used. Shown as text, it is the rendered diagnostics without colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .diagnostics.render(Palette::Plain).trim_end())]
pub struct Rejected {
    /// Why, all of it: at least one error, and warnings and notes besides.
    pub diagnostics: Diagnostics,
}

/// Checks a configuration and makes a plan of it.
///
/// # Errors
/// Everything that was found, if there is an error in it.
pub fn load(input: &Input) -> Result<Loaded, Rejected> {
    let origin = input.source.origin();
    let sources = Sources { file_name: &origin, file: input.source.text(), overrides: &input.overrides };
    let mut report = Report::new(&sources);
    match check(input, &origin, &mut report) {
        Some((root, plan)) => Ok(Loaded { plan, notes: report.finish(), root }),
        None => Err(Rejected { diagnostics: report.finish() }),
    }
}

fn check(input: &Input, origin: &str, report: &mut Report<'_>) -> Option<(Node, Plan)> {
    let start = Start { origin: Origin::File, columns: 0 };
    let mut root = parse::parse(input.source.text(), start, report).ok()?;
    report.hide(secret_places(&root));
    // A key that could not be overridden is checked as it is in the file.
    let overridden = overrides::apply(&mut root, &input.overrides, report);
    if !input.overrides.is_empty() {
        report.hide(secret_places(&root));
    }
    size::check(&root, report).ok()?;
    shape::check(&root, input.is_lenient, report);
    let plan = check::plan(Configuration::new(&root), origin, report);
    overridden.and(plan).ok().map(|plan| (root, plan))
}
