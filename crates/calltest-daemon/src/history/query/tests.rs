//! No question reads more of the file than its answer: what SQLite means to do is looked at, since a small file hides it.

use super::super::retention::OLDEST;
use super::super::store::Store;
use super::*;

/// The steps in which SQLite answers a question.
fn plan(connection: &Connection, question: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {question}")).unwrap();
    let parameters = vec![1; explain.parameter_count()];
    let steps = explain.query_map(rusqlite::params_from_iter(parameters), |row| row.get("detail")).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

#[test]
fn no_question_looks_at_runs_that_are_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("history.db"), u32::MAX - 1).unwrap();
    let check = |question, expected: &str| {
        assert_eq!(plan(&store.connection, question), [expected], "{question}");
    };
    check(
        PLACES,
        "SEARCH runs USING COVERING INDEX runs_by_test_verdict (test=? AND verdict=? AND requested>? AND requested<?)",
    );
    check(BY_SEQ, "SEARCH runs USING INTEGER PRIMARY KEY (rowid=?)");
    check(SINCE, "SEARCH runs USING INDEX runs_by_test (test=? AND rowid>?)");
    check(REPORT_BY_ID, "SEARCH runs USING INDEX runs_by_id (id=?)");
    check(OLDEST, "SEARCH runs USING INDEX runs_by_verdict (verdict=? AND requested<?)");
}
