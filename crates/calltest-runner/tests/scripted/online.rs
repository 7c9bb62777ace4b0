//! Mode `online`: nobody calls.

use calltest_core::code::Code;
use calltest_engine::scripted::{ScriptedServer, Story, World};
use calltest_engine::{EndpointStatus, Refused};

use crate::modes::online;
use crate::stage::{Scene, check, passes};

/// A scene whose server tells this of the endpoint, one after the other.
fn telling(told: Vec<Result<EndpointStatus, Refused>>) -> Scene {
    let server = ScriptedServer::named("a").tells_of_endpoint(told);
    Scene::in_world(World::of(Story::of_nothing()).with_server(server))
}

fn is_online() -> Result<EndpointStatus, Refused> {
    Ok(EndpointStatus::Online { endpoint: "PJSIP/far".into() })
}

// field telephony 43 | An endpoint that is offline, goes offline, or is never asked | mode `online`: `fail`, and `error` where nobody can tell | online throughout; unknown; a server that does not answer
#[tokio::test(start_paused = true)]
async fn an_endpoint_has_to_be_online_and_to_stay_so() {
    let offline = || Ok(EndpointStatus::Offline { endpoint: "PJSIP/far".into() });
    let stage = telling(vec![is_online()]).open(&[online(0), online(5000)]).await;
    passes(&stage.run().await);
    let run = stage.start(1).await.unwrap();
    passes(&run);
    assert!(run.duration.as_secs() >= 5, "{:?}", run.duration);
    assert!(stage.world.given().is_empty(), "nobody calls");
    stage.close().await;

    let run = telling(vec![offline()]).run(&online(0)).await;
    check(&run, "fail", "foo: endpoint PJSIP/far is offline");
    let run = telling(vec![is_online(), is_online(), offline()]).run(&online(5000)).await;
    check(&run, "fail", "foo: endpoint PJSIP/far is offline");
    assert!(run.duration.as_secs() < 4, "{:?}", run.duration);

    let run = telling(vec![Ok(EndpointStatus::Unasked { why: "nobody asks".into() })]).run(&online(0)).await;
    check(&run, "error", "foo: nobody asks");
    assert_eq!(run.verdict.code(), Some(Code::EndpointUnqualified));
    let run = telling(vec![is_online(), Err(Refused::Unclear { why: "gone".into() })]).run(&online(5000)).await;
    check(&run, "error", "could not look at the endpoint on foo: gone");
}

/// Who only looks keeps nobody from calling.
#[tokio::test(start_paused = true)]
async fn a_link_that_is_watched_can_be_called_over() {
    let stage = telling(vec![is_online()]).open(&[online(8000), crate::modes::fail()]).await;
    let (watching, calling) = (stage.start(0), stage.start(1));
    let run = calling.await.unwrap();
    assert!(run.waited.as_secs() < 1, "{:?}", run.waited);
    passes(&watching.await.unwrap());
    stage.close().await;
}
