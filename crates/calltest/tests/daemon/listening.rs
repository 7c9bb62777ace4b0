//! `/ws`: all tests at first, then every change.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::server::{CONFIG, server};
use crate::{Daemon, Program};

fn follow(address: &str) -> WebSocket<TcpStream> {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client(format!("ws://{address}/ws"), socket).unwrap().0
}

fn next(socket: &mut WebSocket<TcpStream>) -> Value {
    let Message::Text(text) = socket.read().unwrap() else { panic!("a text was expected") };
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_listener_gets_a_snapshot_and_then_each_change() {
    let lab = server();
    let daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    let mut listener = follow(&daemon.address);
    let names: Vec<String> = (0..9)
        .map(|_| next(&mut listener))
        .map(|update| {
            assert_eq!((&update["action"], &update["state"]["status"]), (&json!("update"), &json!("new")), "{update}");
            update["name"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(names.contains(&"good".to_owned()) && names.is_sorted(), "{names:?}");
    // What a listener says is read and discarded.
    listener.send(Message::Text("hello".into())).unwrap();
    assert!(daemon.put("/test/good/start"));
    for status in ["waiting", "running", "idle"] {
        let update = next(&mut listener);
        assert_eq!((&update["name"], &update["state"]["status"]), (&json!("good"), &json!(status)), "{update}");
    }
    assert_eq!(daemon.get("/test/good")["n_run"], json!(1));
}
