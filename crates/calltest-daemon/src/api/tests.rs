//! Requests that take their time, without a network and in virtual time.

use std::time::Instant;

use axum::body::Body;
use futures_util::stream;
use tokio::time::{self, sleep};

use super::*;

/// The status that a request with this body gets, and the seconds that it took.
async fn answer(body: Body) -> (u16, u64) {
    let (handle, _messages) = Handle::new();
    let (history, _) = History::open(None);
    let interface = Interface::new(context(handle, history, PathBuf::new(), CancellationToken::new()));
    let request = Request::post("/silences").header("Content-Type", "application/json").body(body).unwrap();
    let started = time::Instant::now();
    let status = interface.answer(request).await.status();
    (status.as_u16(), started.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_or_comes_in_drops_is_given_up() {
    let started = Instant::now();
    let nothing = Body::from_stream(stream::pending::<Result<&str, std::io::Error>>());
    assert_eq!(answer(nothing).await, (408, 20));
    let drops = stream::unfold((), |()| async {
        sleep(Duration::from_secs(5)).await;
        Some((Ok::<_, std::io::Error>(" "), ()))
    });
    assert_eq!(answer(Body::from_stream(drops)).await, (408, 30));
    assert_eq!(answer(Body::from("{}")).await, (422, 0));
    assert!(started.elapsed() < Duration::from_secs(10), "the time is virtual");
}
