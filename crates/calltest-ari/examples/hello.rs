//! Answers each call that the dialplan hands to the application `hello`, plays a greeting, and hangs up:
//!
//! `cargo run --example hello -- HOST USER PASSWORD`, and in the dialplan `Stasis(hello)`.

use std::error::Error;

use calltest_ari::requests::channels;
use calltest_ari::{Arrival, Client, Event, Settings, Unclaimed, connect, event_queue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, user, password] = &arguments[..] else { return Err("expected HOST USER PASSWORD".into()) };
    let (client, mut incoming) = connect(Settings::new(host, 8088, user, password.as_str(), "hello")).await?;
    println!("waiting for calls");
    while let Some(unclaimed) = incoming.next().await {
        let Unclaimed::Arrival(call) = unclaimed else { continue };
        let client = client.clone();
        tokio::spawn(async move {
            if let Err(error) = greet(client, call).await {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

async fn greet(client: Client, call: Arrival) -> Result<(), Box<dyn Error + Send + Sync>> {
    let channel_id = call.channel().id.to_string();
    println!("a call from {}", call.channel().caller.number);
    let (sender, mut events) = event_queue(100);
    // From here on the queue has all that happens to the channel, and all that happened since it arrived.
    let _subscription = call.claim(&sender);
    client.request(channels::Answer { channel_id: channel_id.clone() }).await?;
    let play = channels::Play {
        channel_id: channel_id.clone(),
        media: vec!["sound:hello-world".into()],
        ..Default::default()
    };
    client.request(play).await?;
    loop {
        match &*events.next().await?.event {
            Event::PlaybackFinished(_) => break,
            Event::StasisEnd(_) => return Ok(()),
            _ => {}
        }
    }
    client.request(channels::Hangup { channel_id, ..Default::default() }).await?;
    Ok(())
}
