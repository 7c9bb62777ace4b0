//! Records five seconds of the next call that the dialplan hands to the application `record`, and writes them to a file:
//!
//! `cargo run --example record -- HOST USER PASSWORD FILE.wav`, and in the dialplan `Stasis(record)`.

use std::error::Error;

use calltest_ari::requests::{channels, recordings};
use calltest_ari::{Event, Incoming, Settings, Unclaimed, connect, event_queue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, user, password, file] = &arguments[..] else {
        return Err("expected HOST USER PASSWORD FILE".into());
    };
    let (client, mut incoming) = connect(Settings::new(host, 8088, user, password.as_str(), "record")).await?;
    let call = arrival(&mut incoming).await.ok_or("the client was closed")?;
    let channel_id = call.channel().id.to_string();
    let (sender, mut events) = event_queue(100);
    let _subscription = call.claim(&sender);
    client.request(channels::Answer { channel_id: channel_id.clone() }).await?;
    let name = format!("example-{channel_id}");
    let record = channels::Record {
        channel_id: channel_id.clone(),
        name: name.clone(),
        format: "wav".into(),
        max_duration_seconds: Some(5),
        ..Default::default()
    };
    client.request(record).await?;
    // A recording also ends with its channel.
    while !matches!(&*events.next().await?.event, Event::RecordingFinished(_) | Event::RecordingFailed(_)) {}
    let sound = client.request(recordings::GetStoredFile { recording_name: name.clone() }).await?;
    std::fs::write(file, &sound)?;
    client.request(recordings::DeleteStored { recording_name: name }).await?;
    match client.request(channels::Hangup { channel_id, ..Default::default() }).await {
        // The caller was faster.
        Err(error) if error.is_not_found() => {}
        done => done?,
    }
    client.close().await;
    Ok(())
}

async fn arrival(incoming: &mut Incoming) -> Option<calltest_ari::Arrival> {
    loop {
        if let Unclaimed::Arrival(call) = incoming.next().await? {
            return Some(call);
        }
    }
}
