//! The fields of log lines, message included: what a caller, a server or a web page has written into one neither ends the
//! line nor commands the terminal. Every log line goes through here, so none of the places that log has to think of it.

use std::error::Error;
use std::fmt::{self, Debug};

use calltest_report::plain_text::shortened;
use tracing::field::{Field, Visit};
use tracing_subscriber::field::{RecordFields, VisitOutput as _};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};

/// The most characters of a field. The line of a run with a long reason fits.
const LONGEST: usize = 6000;

/// The usual form of fields, with each on one line.
pub(crate) struct OnOneLine;

impl<'writer> FormatFields<'writer> for OnOneLine {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor(DefaultVisitor::new(writer, true));
        fields.record(&mut visitor);
        visitor.0.finish()
    }
}

/// Hands the text of each field on as it may be shown; names and colours are ours.
struct Visitor<'writer>(DefaultVisitor<'writer>);

impl Visitor<'_> {
    fn record(&mut self, field: &Field, text: &str) {
        self.0.record_debug(field, &format_args!("{}", shortened(text, LONGEST)));
    }
}

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // A message is no value, and has no quotes.
        if field.name() == "message" { self.record(field, value) } else { self.record(field, &format!("{value:?}")) }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record(field, &value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use calltest_report::plain_text::is_harmful;

    use super::*;

    /// What a caller can send in SIP as a number.
    const FORGED: &str = "+49\u{1b}[2J\u{7}\n2026-11-28T00:00:00Z  WARN calltest: all is well\r\u{2028}\u{202e}\u{9b}";

    /// A value whose own form for developers escapes nothing.
    struct Raw;

    impl Debug for Raw {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(FORGED)
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while this logs.
    fn logged(is_coloured: bool, log: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let format = tracing_subscriber::fmt().fmt_fields(OnOneLine).with_ansi(is_coloured).without_time();
        tracing::subscriber::with_default(format.with_writer(move || writer.clone()).finish(), log);
        let text = kept.0.lock().unwrap().clone();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_ordinary_line_looks_as_it_always_did() {
        let line = logged(false, || tracing::warn!(caller = %"+49911", link = "trunk", "rejected {}", 7));
        assert_eq!(line, " WARN calltest::log_fields::tests: rejected 7 caller=+49911 link=\"trunk\"\n");
    }

    #[test]
    fn wherever_foreign_text_stands_the_line_is_one_and_harmless() {
        let error = io::Error::other(FORGED);
        let lines: [&dyn Fn(); 6] = [
            &|| tracing::warn!(caller = %FORGED, "rejected"),
            &|| tracing::warn!(caller = ?Raw, "rejected"),
            &|| tracing::warn!(caller = FORGED, "rejected"),
            &|| tracing::warn!("{FORGED}"),
            &|| tracing::warn!(error = &error as &(dyn Error + 'static), "rejected"),
            &|| tracing::warn_span!("run", caller = %FORGED).in_scope(|| tracing::warn!("rejected")),
        ];
        for (number, log) in lines.iter().enumerate() {
            let line = logged(false, log);
            let inside = line.strip_suffix('\n').unwrap();
            assert!(inside.starts_with(" WARN ") && !inside.contains(is_harmful), "{number}: {line:?}");
            assert!(inside.contains("all is well"), "{number}: {line:?}");
            // Where there are colours, no other escape than theirs is in it.
            let coloured = logged(true, log);
            assert!(coloured.contains("\u{1b}[33m WARN\u{1b}[0m"), "{number}: {coloured:?}");
            assert!(!coloured.contains("\u{1b}[2J") && coloured.matches('\n').count() == 1, "{number}: {coloured:?}");
        }
    }

    #[test]
    fn a_text_without_end_makes_no_line_without_end() {
        let line = logged(false, || tracing::warn!(caller = %"9".repeat(1 << 20), "rejected"));
        assert!(line.len() < LONGEST + 200 && line.ends_with(" more characters\n"), "{}", line.len());
    }
}
