//! Where a trial takes place: a server with far ends, a bystander whose call is none of our business, and somebody who calls
//! in.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use asterisk_lab::Ari;
use calltest_ari::requests::channels;
use calltest_ari::{RestClient, Settings};
use fake_asterisk::FakeAsterisk;
use futures_util::future::BoxFuture;

use super::plan::SOUND;
use crate::network::{FAR_ENDS, ms};

/// The bystander's channel.
const BYSTANDER: &str = "1234567890.1";
/// How long the bystander lets it ring, in seconds.
const BYSTANDER_WAITS: i64 = 24 * 3600;
/// How long the caller listens before it presses a key or hangs up.
pub(crate) const CALLER_LISTENS: Duration = Duration::from_millis(700);

/// A server, as a trial needs it.
pub(crate) trait TestBed: Send + Sync {
    /// Where calltest finds it.
    fn ari(&self) -> Ari;

    /// Somebody calls the link `trunk`. Gives the channel's id where it is known.
    fn call_in(&self) -> BoxFuture<'_, Option<String>>;

    /// That caller, who has been answered for a while, ends the call.
    fn end_call(&self, channel: &str);

    /// The channels that there are, the bystander's not among them.
    fn channels_left(&self) -> BoxFuture<'_, anyhow::Result<Vec<String>>>;

    /// Whether the bystander's call is still up.
    fn has_bystander(&self) -> BoxFuture<'_, anyhow::Result<bool>>;
}

/// A fake server.
pub(crate) struct FakeBed {
    pub(crate) fake: FakeAsterisk,
}

impl FakeBed {
    pub(crate) async fn open() -> anyhow::Result<Arc<Self>> {
        let fake = FakeAsterisk::start().await;
        fake.add_sound(SOUND, ms(300));
        for far_end in &FAR_ENDS {
            fake.set_far_end(&format!("Local/{}@far", far_end.name), (far_end.on_fake)());
        }
        let bed = Arc::new(Self { fake });
        start_bystander_call(&bed.ari()).await?;
        Ok(bed)
    }
}

impl TestBed for FakeBed {
    fn ari(&self) -> Ari {
        Ari {
            host: Ipv4Addr::LOCALHOST,
            port: self.fake.port(),
            https_port: None,
            path: String::new(),
            username: self.fake.user().into(),
            password: self.fake.password().into(),
        }
    }

    fn call_in(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { Some(self.fake.call_in("trunk", "trunk", ("Eve", "+4930555"))) })
    }

    fn end_call(&self, channel: &str) {
        self.fake.send_digits(channel, "1#");
    }

    fn channels_left(&self) -> BoxFuture<'_, anyhow::Result<Vec<String>>> {
        Box::pin(async {
            let channels = self.fake.open_channels().into_iter();
            Ok(channels.map(|channel| channel.id).filter(|id| !is_bystanders(id)).collect())
        })
    }

    fn has_bystander(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async { Ok(self.fake.open_channels().iter().any(|channel| is_bystanders(&channel.id))) })
    }
}

/// Whether a channel is the bystander's, either half of it.
pub(crate) fn is_bystanders(id: &str) -> bool {
    id.split(';').next() == Some(BYSTANDER)
}

/// A client of a server's ARI, beside calltest.
pub(crate) fn client(ari: &Ari, app: &str) -> anyhow::Result<RestClient> {
    Ok(RestClient::new(Settings::new(&ari.host.to_string(), ari.port, &ari.username, ari.password.as_str(), app))?)
}

/// Somebody else, in an app of his own, makes a call that stays up.
pub(crate) async fn start_bystander_call(ari: &Ari) -> anyhow::Result<()> {
    let originate = channels::OriginateWithId {
        channel_id: BYSTANDER.into(),
        endpoint: "Local/rings-all-day@far".into(),
        app: Some("bystander".into()),
        timeout: Some(BYSTANDER_WAITS),
        formats: Some("slin".into()),
        ..Default::default()
    };
    client(ari, "bystander")?.request(originate).await.context("the bystander could not call")?;
    Ok(())
}
