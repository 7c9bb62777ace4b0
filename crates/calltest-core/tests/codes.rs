//! `docs/codes.md` is made from the table of codes.

use std::fmt::Write as _;
use std::path::Path;

use calltest_core::code::Code;
use calltest_core::judge;

#[test]
fn the_documentation_lists_each_code() {
    let mut page = String::from(
        "# Codes\n\n\
         Each reason for a `fail` or an `error` has a word for programs beside its sentence for people: `code` in\n\
         `run --format json`, in the history, in the timeline, and in the interface of the daemon. A sentence may be worded\n\
         better some day. A code keeps its name and its meaning in all versions; new ones may come.\n\n\
         *Where* says where to look first: at the link called out on (`src`), at the one where the call has to arrive (`dst`),\n\
         at the link that the sentence names (`link`), at a `server`, at the `setup` of the test or of a server, or at the\n\
         `tester` itself.\n\n\
         | code | verdict | where | meaning |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let (class, place) = (code.class().word(), code.place().word());
        writeln!(page, "| `{code}` | {class} | {place} | {} |", code.meaning()).unwrap();
    }
    page += "\n## What the judge asks\n\n\
        In this order. The first answer settles it, unless a server that stood still or is out of sight, lost events or the\n\
        tester itself may have spoilt the look at a fault: then the next question is asked, and if none finds a fault that is\n\
        beyond doubt, the verdict is `error`.\n\n";
    for (number, question) in judge::questions().enumerate() {
        writeln!(page, "{}. {question}", number + 1).unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes.md");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    if written != page && option_env!("BLESS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    assert_eq!(
        written, page,
        "docs/codes.md is not made from this table: BLESS=1 cargo test -p calltest-core --test codes"
    );
}
