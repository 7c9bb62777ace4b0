//! `/ws`: all tests at first, then every change.

use std::net::TcpStream;
use std::time::{Duration, Instant};

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

#[test]
fn a_listener_that_does_not_read_is_dropped_and_keeps_nobody_waiting() {
    let lab = server();
    let often = "calls.:default:.test={skip: no, repeat: 0, retry: 0}";
    let program = Program::new().config(CONFIG).on(lab.server("a")).set(often).within(Duration::from_secs(90));
    let daemon = Daemon::start(program);
    // It takes nothing. What lies between has room for little, so it is full soon, however few changes a slow machine makes.
    let mut deaf = follow(&daemon.address);
    rustix::net::sockopt::set_socket_recv_buffer_size(deaf.get_ref(), 4096).unwrap();
    let mut listener = follow(&daemon.address);
    // Longer than it takes to fill what lies between, and to lose patience.
    let mut heard = 0;
    let give_up = Instant::now() + Duration::from_secs(25);
    while Instant::now() < give_up {
        assert_eq!(next(&mut listener)["action"], json!("update"));
        heard += 1;
    }
    // What it did not take is still there, but nothing after that.
    rustix::net::sockopt::set_socket_recv_buffer_size(deaf.get_ref(), 1 << 20).unwrap();
    deaf.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut taken = 0;
    while let Ok(message) = deaf.read() {
        taken += 1;
        assert!(taken < heard, "it was not dropped: it got {message} after {taken} others");
    }
    daemon.end();
}

#[test]
fn there_is_room_for_so_many_listeners_and_no_more() {
    let lab = server();
    let daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    let mut listeners: Vec<_> = (0..100).map(|_| follow(&daemon.address)).collect();
    let socket = TcpStream::connect(&daemon.address).unwrap();
    let refused = client(format!("ws://{}/ws", daemon.address), socket).unwrap_err().to_string();
    assert!(refused.contains("503"), "{refused}");
    drop(listeners.pop());
    // Its place is free as soon as the daemon has noticed.
    let give_up = Instant::now() + Duration::from_secs(10);
    while client(format!("ws://{}/ws", daemon.address), TcpStream::connect(&daemon.address).unwrap()).is_err() {
        assert!(Instant::now() < give_up, "the place of a listener that has gone is not free");
    }
}
