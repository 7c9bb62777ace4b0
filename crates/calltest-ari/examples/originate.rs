//! Calls somebody, and prints what happens until the call is over:
//!
//! `cargo run --example originate -- HOST USER PASSWORD PJSIP/100@trunk`

use std::error::Error;

use calltest_ari::requests::channels;
use calltest_ari::{Event, Settings, connect, event_queue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, user, password, endpoint] = &arguments[..] else {
        return Err("expected HOST USER PASSWORD ENDPOINT".into());
    };
    let (client, _incoming) = connect(Settings::new(host, 8088, user, password.as_str(), "originate")).await?;
    let channel_id = "originate-example";
    let (sender, mut events) = event_queue(100);
    // Before the call, so that nothing about it is missed.
    let _subscription = client.subscribe(channel_id, &sender);
    let originate = channels::OriginateWithId {
        channel_id: channel_id.into(),
        endpoint: endpoint.clone(),
        app: Some(client.app().to_owned()),
        // Asterisk counts this one in seconds.
        timeout: Some(30),
        ..Default::default()
    };
    client.request(originate).await?;
    loop {
        match &*events.next().await?.event {
            Event::ChannelStateChange(change) => println!("{}", change.channel.state),
            Event::ChannelDestroyed(end) => {
                println!("over: {}", end.cause_txt);
                break;
            }
            other => println!("({})", other.kind()),
        }
    }
    client.close().await;
    Ok(())
}
