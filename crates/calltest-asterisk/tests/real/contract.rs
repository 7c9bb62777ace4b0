//! The engine on a real Asterisk keeps what every engine promises.

use std::sync::Arc;

use asterisk_lab::Lab;
use calltest_asterisk::{AsteriskConnector, Identity};
use calltest_core::plan::{Link, Server};
use calltest_engine::contract::{self, Bench, FarEnd, Guests, Target};
use calltest_engine::{BoxFuture, Connector as _, Engine};

use crate::scene::Scene;
use crate::{address, one_server};

/// Far ends of each kind.
const FAR_ENDS: &str = "[rings]\nexten => _[a-z]!,1,Ringing()\n same => n,Wait(60)\n\
                        [answers]\nexten => _[a-z]!,1,Ringing()\n same => n,Wait(0.2)\n same => n,Answer()\n same => n,Wait(60)\n\
                        [busy]\nexten => _[a-z]!,1,Hangup(17)\n";

/// A real Asterisk with what the promises need around it.
struct AsteriskBench {
    lab: Lab,
    server: Arc<Server>,
    links: Vec<Arc<Link>>,
    engine: Arc<dyn Engine>,
    guests: Arc<Guests>,
}

impl AsteriskBench {
    async fn start() -> Self {
        let lab = one_server(FAR_ENDS);
        let plan = Scene::new()
            .server("a", address(lab.server("a")))
            .link("through", "a", "Local/{number}@direct", "through")
            .link("door", "a", "", "door")
            .link("rings", "a", "Local/{number}@rings", "")
            .link("answers", "a", "Local/{number}@answers", "")
            .link("busy", "a", "Local/{number}@busy", "")
            .into_plan();
        let server = Arc::clone(plan.servers.values().next().expect("the scene has a server"));
        let identity = Identity { instance: "contract".into(), take_over: false };
        let guests = Arc::new(Guests::default());
        let engine = AsteriskConnector::new(identity).connect(&server, Arc::clone(&guests) as _).await.unwrap();
        Self { lab, server, links: plan.links.into_values().collect(), engine, guests }
    }

    fn link(&self, name: &str) -> Arc<Link> {
        Arc::clone(self.links.iter().find(|link| link.name.as_str() == name).expect("the scene has that link"))
    }
}

impl Bench for AsteriskBench {
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
        Target { link: self.link("through"), number: Some("door".into()) }
    }

    fn door(&self) -> Arc<Link> {
        self.link("door")
    }

    fn target(&self, far_end: FarEnd) -> Target {
        let name = match far_end {
            FarEnd::Rings => "rings",
            FarEnd::Answers => "answers",
            FarEnd::IsBusy => "busy",
        };
        Target { link: self.link(name), number: Some("somebody".into()) }
    }

    fn up(&self) -> BoxFuture<'_, usize> {
        Box::pin(async { self.lab.server("a").open_channels().unwrap() })
    }
}

/// Has the engine keep each promise, one after the other on one server.
macro_rules! keeps {
    ($($promise:ident),* $(,)?) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn every_promise_of_an_engine_is_kept() {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let bench = AsteriskBench::start().await;
            $(
                println!("{}", stringify!($promise));
                contract::$promise(&bench).await;
            )*
            bench.engine.close().await;
            crate::nothing_is_left(&bench.lab);
        }
    };
}

calltest_engine::promises!(keeps);
