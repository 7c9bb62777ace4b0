//! The table of verdicts: mode, demand, story, and what has to come of them, with the whole sentence.
//!
//! It joins what a test expects, how its mode goes about it, and how the evidence is judged. A row is added with `row`; its
//! first word says what it is about.

mod both;
mod faults;
mod incoming;
mod out;
mod out_rejected;

use calltest_core::plan::CallTest;
use calltest_core::run::FinishedRun;
use calltest_engine::scripted::{ScriptedServer, Story, World};

use crate::stage::{Scene, outcome};

/// One case.
struct Row {
    about: &'static str,
    test: CallTest,
    story: Story,
    /// How the address of `foo` reads, where that matters.
    address: &'static str,
    server: ScriptedServer,
    verdict: &'static str,
    reason: &'static str,
}

/// A test in a story, and what has to come of it.
fn row(about: &'static str, test: CallTest, story: Story, verdict: &'static str, reason: &'static str) -> Row {
    let (address, server) = ("PJSIP/{number}@far", ScriptedServer::named("a"));
    Row { about, test, story, address, server, verdict, reason }
}

impl Row {
    /// With `foo` dialled like this.
    fn dialled(self, address: &'static str) -> Self {
        Self { address, ..self }
    }

    async fn run(self) -> FinishedRun {
        let world = World::of(self.story).with_server(self.server);
        Scene::in_world(world).link("foo", "a", self.address, "+4930100").run(&self.test).await
    }

    /// On a server that is changed like this.
    fn on(self, change: impl FnOnce(ScriptedServer) -> ScriptedServer) -> Self {
        Self { server: change(self.server), ..self }
    }
}

/// Runs all rows of a table, and names every one that came out otherwise.
async fn hold(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for row in rows {
        let Row { about, verdict, reason, .. } = row;
        let mode = row.test.route.mode();
        let (word, said) = outcome(&row.run().await);
        if (word, said.as_str()) != (verdict, reason) {
            wrong.push(format!("{mode}, {about}:\n   expected {verdict}: {reason}\n    came to {word}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} rows came out otherwise\n{}", wrong.len(), wrong.join("\n"));
}
