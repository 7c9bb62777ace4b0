//! The example at the top of the source tree, as it is, on servers set up as `asterisk-setup` tells users to.

use std::thread;

use asterisk_lab::{DialplanLanguage, Lab, ServerOptions};

use crate::program::Program;
use crate::server::nothing_is_left;

const EXAMPLE: &str = include_str!("../../../../example.cfg");

#[test]
fn it_passes_with_both_dialplan_languages() {
    let pass = |language: DialplanLanguage| {
        let options = ServerOptions::named("a").dialplan_language(language);
        let lab = Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap();
        let ari = lab.server("a").ari();
        // The example's own address is the one thing that a test cannot have for itself.
        let done = Program::new()
            .config(EXAMPLE)
            .set(format!("asterisk.host={}", ari.host))
            .set(format!("asterisk.port={}", ari.port))
            .args(["run"])
            .run()
            .exits(0)
            .complains("");
        let tests = ["fone2line_dtmf", "line2fone_dtmf", "line2fone_call", "direct_ring", "direct_answer"];
        let done = tests.iter().fold(done, |done, test| done.prints(&format!("pass {test} (")));
        assert!(done.stdout.lines().count() == 6 && done.stdout.ends_with(": 5 passed\n"), "{done}");
        nothing_is_left(&lab);
    };
    thread::scope(|scope| {
        scope.spawn(|| pass(DialplanLanguage::Ael));
        pass(DialplanLanguage::ExtensionsConf);
    });
}
