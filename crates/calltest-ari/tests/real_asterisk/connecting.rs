//! What can be wrong with a server or with the way to it, and what the client does about it.

use std::path::Path;
use std::time::Duration;

use asterisk_lab::{AriUser, Lab, LoopbackAddress, ServerOptions};
use calltest_ari::requests::asterisk;
use calltest_ari::{
    ClientCertificate, ConnectError, Lost, QueueError, RequestFailure, RestClient, RoundTripError, Secret, Settings,
    State, Tls, connect, event_queue,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::certificates::Certificates;
use super::setup::{SOON, client, lab, settings, state_where};

async fn refusal(settings: Settings) -> String {
    let error = timeout(SOON, connect(settings)).await.expect("within the connect timeout").unwrap_err();
    assert!(!error.to_string().contains('\n'));
    error.to_string()
}

#[tokio::test]
async fn each_way_of_not_getting_in_has_its_own_sentence() {
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").user(AriUser { is_read_only: true, ..AriUser::new("reader", "pw") }))
        .start()
        .unwrap();
    let settings = || settings(lab.server("a"));
    let address = settings().address();

    let wrong = refusal(Settings { password: Secret::from("hunter2"), ..settings() }).await;
    assert_eq!(
        wrong,
        format!("Asterisk at {address} refuses user `example`: compare user name and password with its ari.conf")
    );
    let reader = Settings { username: "reader".into(), password: "pw".into(), ..settings() };
    assert!(refusal(reader).await.contains("forbids user `reader` to act"));
    let nobody = Settings { port: 1, ..settings() };
    let refused = refusal(nobody).await;
    assert!(refused.contains("cannot reach Asterisk") && refused.contains("refused"), "{refused}");
    let encrypted = Settings { tls: Some(Tls::default()), ..settings() };
    assert!(refusal(encrypted).await.contains("does not speak TLS"));
    let blank = Settings { instance: "two words".into(), ..settings() };
    assert!(refusal(blank).await.contains("contains a blank"));
    let nameless = Settings { host: "no.such.host.invalid".into(), ..settings() };
    assert!(refusal(nameless).await.contains("cannot reach Asterisk at no.such.host.invalid"));
}

#[tokio::test]
async fn a_client_that_only_asks_takes_nothing_away_and_finds_out_the_same() {
    let lab = lab();
    let (owner, _incoming) = client(lab.server("a")).await;
    let asking = RestClient::new(settings(lab.server("a"))).unwrap();
    let info = asking.request(asterisk::GetInfo::default()).await.unwrap();
    assert!(info.system.is_some(), "{info:?}");
    owner.round_trip().await.expect("the owner still hears its events");
    let stranger = Settings { password: Secret::from("hunter2"), ..settings(lab.server("a")) };
    let stranger = RestClient::new(stranger).unwrap();
    let refused = stranger.request(asterisk::GetInfo::default()).await.unwrap_err();
    assert!(matches!(stranger.diagnose(refused), ConnectError::WrongCredentials { .. }));
}

#[tokio::test]
async fn another_http_server_is_not_taken_for_asterisk() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _request = socket.read(&mut [0; 4096]).await.unwrap();
            let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            socket.write_all(answer).await.unwrap();
        }
    });
    let sentence = refusal(Settings::new("127.0.0.1", port, "user", "password", "app")).await;
    assert!(sentence.contains("answers in HTTP but has no ARI at /ari (status 404)"), "{sentence}");
}

#[tokio::test]
async fn a_server_that_says_nothing_runs_into_the_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = Settings::new("127.0.0.1", port, "user", "password", "app");
    let sentence = refusal(Settings { connect_timeout: Duration::from_millis(300), ..silent }).await;
    assert!(sentence.contains("did not answer within 300ms"), "{sentence}");
}

fn encrypted_lab(address: LoopbackAddress, certificate: &Path, key: &Path) -> Lab {
    let options = ServerOptions::named("a").address(address).https(certificate, key);
    Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap()
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named_and_only_then() {
    let address = LoopbackAddress::lease().unwrap();
    let certificates = Certificates::for_address(&address.ip().to_string());
    let others = Certificates::for_address(&address.ip().to_string());
    let lab = encrypted_lab(address, &certificates.file("cert.pem"), &certificates.file("key.pem"));
    let port = lab.server("a").ari().https_port.unwrap();
    let settings = |tls| Settings { port, tls, ..settings(lab.server("a")) };

    let client_certificate =
        ClientCertificate { certificate_file: certificates.file("cert.pem"), key_file: certificates.file("key.pem") };
    let tls = Tls { client: Some(client_certificate), ..certificates.tls() };
    let (client, _incoming) = connect(settings(Some(tls))).await.unwrap();
    client.round_trip().await.unwrap();
    client.close().await;

    for tls in [Tls::default(), others.tls()] {
        let error = connect(settings(Some(tls))).await.unwrap_err();
        assert!(matches!(error, ConnectError::UntrustedCertificate { .. }), "{error}");
    }
    let error = connect(settings(None)).await.unwrap_err();
    assert!(matches!(error, ConnectError::HungUp { with_tls: false, .. }), "{error}");
}

#[tokio::test]
async fn a_restarted_server_is_connected_to_again() {
    let lab = lab();
    let (client, mut incoming) = client(lab.server("a")).await;
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    lab.server("a").restart().unwrap();

    let error = timeout(SOON, queue.next()).await.expect("the queue ends").unwrap_err();
    assert!(matches!(&error, QueueError::Lost { server, .. } if server == client.name()), "{error}");
    state_where(&client, |state| matches!(state, State::Up { epoch: 2, .. })).await;
    client.round_trip().await.unwrap();
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-2", &sender);
    assert!(queue.try_next().unwrap().is_none(), "a queue of the new connection has not ended");

    client.close().await;
    assert!(matches!(*client.state().borrow(), State::Closed));
    assert!(timeout(SOON, incoming.next()).await.expect("the stream ends").is_none());
    let error = timeout(SOON, queue.next()).await.expect("the queue ends").unwrap_err();
    assert!(matches!(error, QueueError::Lost { why: Lost::ClosedByUs, .. }), "{error}");
}

#[tokio::test]
async fn a_killed_server_is_missed_and_nothing_works_meanwhile() {
    let lab = lab();
    let (client, _incoming) = client(lab.server("a")).await;
    lab.server("a").kill().unwrap();
    state_where(&client, |state| matches!(state, State::Down { .. })).await;
    let failure = client.request(asterisk::Ping {}).await.unwrap_err().failure;
    assert!(matches!(failure, RequestFailure::NotSent { .. }), "{failure}");
    assert!(matches!(client.round_trip().await, Err(RoundTripError::Lost(_))));
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    assert!(matches!(queue.try_next(), Err(QueueError::Lost { .. })));
    client.close().await;
}

#[tokio::test]
async fn a_frozen_server_counts_as_lost_after_the_silence_limit() {
    let lab = lab();
    let (client, _incoming) = client(lab.server("a")).await;
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    let start = tokio::time::Instant::now();
    lab.server("a").freeze().unwrap();
    let error = timeout(SOON, queue.next()).await.expect("the queue ends").unwrap_err();
    let why = Lost::Silent { limit: Duration::from_secs(1) };
    assert_eq!(error, QueueError::Lost { server: client.name().clone(), why });
    assert!(client.longest_silence_since(start) > Duration::from_millis(700));
    lab.server("a").thaw().unwrap();
    state_where(&client, |state| matches!(state, State::Up { epoch: 2, .. })).await;
    client.close().await;
}

#[tokio::test]
async fn nothing_is_left_when_the_last_handle_is_dropped() {
    let lab = lab();
    let (client, mut incoming) = client(lab.server("a")).await;
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    drop(client);
    assert!(timeout(SOON, incoming.next()).await.expect("the stream ends").is_none());
    assert!(timeout(SOON, queue.next()).await.expect("the queue ends").is_err());
}
