//! A scripted server with what the promises need around it.

use std::sync::Arc;
use std::time::Duration;

use calltest_core::number::Dialplan;
use calltest_core::number_rule::NumberRules;
use calltest_core::plan::{Address, Asterisk, DialString, Link, Secret, Server, ServerKind};
use calltest_core::quiet::QuietTimes;
use calltest_engine::contract::{Bench, FarEnd, Guests, Target};
use calltest_engine::scripted::{ScriptedServer, Story, World};
use calltest_engine::{BoxFuture, Connector as _, Engine};

pub(crate) struct ScriptedBench {
    world: World,
    server: Arc<Server>,
    engine: Arc<dyn Engine>,
    guests: Arc<Guests>,
}

/// What is to be broken of a bench whose engine keeps everything.
pub(crate) struct Parts {
    pub(crate) server: ScriptedServer,
    /// Calls from end to end.
    pub(crate) through: Story,
    pub(crate) rings: Story,
    pub(crate) answers: Story,
    pub(crate) is_busy: Story,
}

impl Default for Parts {
    fn default() -> Self {
        let soon = Duration::from_millis(100);
        Self {
            server: ScriptedServer::named("a"),
            through: Story::of_good_call(),
            rings: Story::of_call_out().rings(soon),
            answers: Story::of_call_out().rings(soon).answers(2 * soon),
            is_busy: Story::of_call_out().rejects(soon, 17, Some(486)),
        }
    }
}

impl ScriptedBench {
    pub(crate) async fn good() -> Self {
        Self::of(Parts::default()).await
    }

    pub(crate) async fn of(parts: Parts) -> Self {
        let world = World::of(Story::of_nothing())
            .with_server(parts.server)
            .with_story("through", parts.through)
            .with_story("rings", parts.rings)
            .with_story("answers", parts.answers)
            .with_story("busy", parts.is_busy);
        let (server, guests) = (Arc::new(server()), Arc::new(Guests::default()));
        let engine = world.connect(&server, Arc::clone(&guests) as _).await.unwrap();
        Self { world, server, engine, guests }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }
}

impl Bench for ScriptedBench {
    fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    fn guests(&self) -> &Arc<Guests> {
        &self.guests
    }

    fn server(&self) -> &Arc<Server> {
        &self.server
    }

    fn target_at_door(&self) -> Target {
        Target { link: link("through"), number: Some("door".into()) }
    }

    fn door(&self) -> Arc<Link> {
        link("door")
    }

    fn target(&self, far_end: FarEnd) -> Target {
        let name = match far_end {
            FarEnd::Rings => "rings",
            FarEnd::Answers => "answers",
            FarEnd::IsBusy => "busy",
        };
        Target { link: link(name), number: Some("1".into()) }
    }

    fn up(&self) -> BoxFuture<'_, usize> {
        Box::pin(async { self.world.calls_up().len() })
    }
}

fn link(name: &str) -> Arc<Link> {
    Arc::new(Link {
        address: Some(Address::Asterisk(DialString::new("PJSIP/{number}@far").unwrap())),
        ..Link::new(name, "a")
    })
}

fn server() -> Server {
    Server {
        name: "a".into(),
        dialplan: Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() },
        outgoing: NumberRules::default(),
        incoming: NumberRules::default(),
        max_calls: None,
        quiet: QuietTimes::default(),
        kind: ServerKind::Asterisk(Asterisk {
            host: "127.0.0.1".into(),
            port: 0,
            tls: None,
            path: String::new(),
            timeout: Duration::from_secs(5),
            username: String::new(),
            password: Secret::new(""),
            app: "calltest".into(),
            play_base: "sound:".into(),
            record_base: String::new(),
        }),
    }
}
