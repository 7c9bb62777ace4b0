//! A table of figures: for people as Markdown with aligned columns, for programs as rows of named values.

use std::fmt;

use serde_json::{Map, Value};

/// Figures in rows.
#[derive(Debug)]
pub(super) struct Table {
    /// What programs call it.
    pub(super) name: &'static str,
    /// What people read above it, with all that they need to understand it.
    caption: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// One entry.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// A figure, and how many digits of it after the point people are shown.
    Figure(f64, usize),
    Word(String),
}

impl Table {
    pub(super) fn new(name: &'static str, caption: impl Into<String>, columns: &[&'static str]) -> Self {
        Self { name, caption: caption.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, with an entry for each column.
    pub(super) fn push(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "a row has an entry for each column");
        self.rows.push(row);
    }

    /// The rows as objects. Figures are not rounded.
    pub(super) fn rows_by_column(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let named = self.columns.iter().zip(row).map(|(column, cell)| ((*column).to_owned(), cell.value()));
            Value::Object(named.collect::<Map<_, _>>())
        });
        rows.collect()
    }
}

impl Cell {
    /// A number of things.
    pub(super) fn count(count: usize) -> Self {
        Self::Figure(count as f64, 0)
    }

    fn value(&self) -> Value {
        match self {
            Self::Figure(figure, 0) => (figure.round() as i64).into(),
            // What could not be measured is null.
            Self::Figure(figure, _) => (*figure).into(),
            Self::Word(word) => word.as_str().into(),
        }
    }
}

impl From<&str> for Cell {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl From<String> for Cell {
    fn from(word: String) -> Self {
        Self::Word(word)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Figure(figure, _) if figure.is_nan() => formatter.write_str("–"),
            Self::Figure(figure, digits) => write!(formatter, "{figure:.digits$}"),
            Self::Word(word) => formatter.write_str(word),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
        let width = |column: usize| {
            let cells = texts.iter().map(|row| row[column].chars().count());
            cells.chain([self.columns[column].chars().count(), 3]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |formatter: &mut fmt::Formatter<'_>, cells: &[&str]| {
            for (cell, width) in cells.iter().zip(&widths) {
                write!(formatter, "| {cell:>width$} ")?;
            }
            writeln!(formatter, "|")
        };
        writeln!(formatter, "{}\n", self.caption)?;
        line(formatter, &self.columns)?;
        let rules: Vec<String> = widths.iter().map(|width| format!("{}:", "-".repeat(width - 1))).collect();
        line(formatter, &rules.iter().map(String::as_str).collect::<Vec<_>>())?;
        for row in &texts {
            line(formatter, &row.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_and_programs_get_the_same_figures() {
        let mut table = Table::new("costs", "What it costs.", &["program", "CPU ms"]);
        table.push(vec!["ours".into(), Cell::Figure(0.4567, 2)]);
        table.push(vec!["theirs".into(), Cell::Figure(f64::NAN, 2)]);
        let text = "What it costs.\n\n| program | CPU ms |\n| ------: | -----: |\n|    ours |   0.46 |\n|  theirs |      – |\n";
        assert_eq!(table.to_string(), text);
        let rows = json!([{"program": "ours", "CPU ms": 0.4567}, {"program": "theirs", "CPU ms": null}]);
        assert_eq!(table.rows_by_column(), rows);
    }
}
