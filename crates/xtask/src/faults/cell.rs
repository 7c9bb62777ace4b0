//! Cells: what the matrix consists of. Runs many of them at a time, and counts what came of them by row and column.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::trial::{Finding, attempt};

/// One thing to be tried.
pub(crate) struct Cell {
    /// By which `--only` finds it.
    pub(crate) name: String,
    pub(crate) row: String,
    pub(crate) column: String,
    /// Makes the trial, on a server of its own.
    pub(crate) make: Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Finding>> + Send + Sync>,
}

impl Cell {
    /// A cell with a name such as `fake/websocket-reset/dtmf/answered`, in this row and column of its table.
    pub(crate) fn new<F, T>(name: &[&str], row: impl Into<String>, column: impl Into<String>, make: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = anyhow::Result<Finding>> + Send + 'static,
    {
        let make = move || -> BoxFuture<'static, _> { Box::pin(make()) };
        Self { name: name.join("/"), row: row.into(), column: column.into(), make: Box::new(make) }
    }
}

/// What came of a set of cells.
#[derive(Default)]
pub(crate) struct Tally {
    rows: Vec<String>,
    columns: Vec<String>,
    counts: BTreeMap<(usize, usize), (u32, u32)>,
    /// How often each verdict was given.
    pub(crate) verdicts: BTreeMap<String, u32>,
    pub(crate) tried: u32,
    pub(crate) right: u32,
}

/// Runs all of them, so many at a time. What is wrong is told at once, with how to try it again by itself.
pub(crate) async fn run_all(cells: Vec<Cell>, at_once: usize, replay: &str) -> Tally {
    let mut tally = Tally::default();
    for cell in &cells {
        tally.place(&cell.row, &cell.column);
    }
    let places = Arc::new(Semaphore::new(at_once.max(1)));
    let mut under_way = JoinSet::new();
    for cell in cells {
        let places = Arc::clone(&places);
        under_way.spawn(async move {
            let _place = places.acquire_owned().await.expect("nobody closes it");
            let started = Instant::now();
            let finding = attempt(&cell.make).await;
            (cell.name, cell.row, cell.column, finding, started.elapsed())
        });
    }
    while let Some(done) = under_way.join_next().await {
        let (name, row, column, finding, took) = match done {
            Ok(done) => done,
            Err(error) => {
                println!("WRONG: a trial broke off: {error}");
                tally.tried += 1;
                continue;
            }
        };
        let is_right = finding.wrong.is_empty();
        tally.count(&row, &column, is_right);
        *tally.verdicts.entry(finding.verdict).or_default() += 1;
        if !is_right {
            println!("WRONG: {name} ({:.1} s): {}", took.as_secs_f64(), finding.wrong.join("; "));
            println!("{}  again: cargo xtask faults {replay} --only {name}", finding.account);
        }
    }
    tally
}

impl Tally {
    fn place(&mut self, row: &str, column: &str) -> (usize, usize) {
        (index_of(&mut self.rows, row), index_of(&mut self.columns, column))
    }

    fn count(&mut self, row: &str, column: &str, is_right: bool) {
        let place = self.place(row, column);
        let (right, tried) = self.counts.entry(place).or_default();
        *tried += 1;
        *right += u32::from(is_right);
        self.tried += 1;
        self.right += u32::from(is_right);
    }

    /// A Markdown table: right ones of those tried.
    pub(crate) fn table(&self, of: &str) -> String {
        let width = self.rows.iter().map(String::len).chain([of.len()]).max().unwrap_or(0);
        let mut text = format!("| {of:width$} |");
        for column in &self.columns {
            let _ = write!(text, " {column} |");
        }
        let _ = write!(text, "\n|{}|{}\n", "-".repeat(width + 2), "---|".repeat(self.columns.len()));
        for (row, name) in self.rows.iter().enumerate() {
            let _ = write!(text, "| {name:width$} |");
            for (column, head) in self.columns.iter().enumerate() {
                let counted = self.counts.get(&(row, column)).map(|(right, tried)| format!("{right}/{tried}"));
                let _ = write!(text, " {:head$} |", counted.unwrap_or_else(|| "–".into()), head = head.len());
            }
            text.push('\n');
        }
        text
    }
}

fn index_of(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}
