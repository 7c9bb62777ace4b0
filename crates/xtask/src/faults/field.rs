//! Where a trial takes place: a server with far ends, a stranger whose call is none of our business, and somebody who calls
//! in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use calltest_ari::requests::channels;
use calltest_ari::{RestClient, Settings};
use fake_asterisk::{FakeAsterisk, FarEnd, Faults};
use futures_util::future::BoxFuture;

use super::plan::{Address, SOUND};

/// The stranger's channel.
const STRANGER: &str = "1234567890.1";
/// How long the stranger lets it ring, in seconds.
const STRANGERS_PATIENCE: i64 = 24 * 3600;
/// How long the caller listens before it presses a key or hangs up.
pub(crate) const CALLER_LISTENS: Duration = Duration::from_millis(700);

/// A server, as a trial needs it.
pub(crate) trait Field: Send + Sync {
    /// Where calltest finds it.
    fn address(&self) -> Address;

    /// Somebody calls the link `trunk`. Gives the channel's id where it is known.
    fn call_in(&self) -> BoxFuture<'_, Option<String>>;

    /// That caller, who has been answered for a while, ends the call.
    fn end_call(&self, channel: &str);

    /// The channels that there are, the stranger's not among them.
    fn channels_left(&self) -> BoxFuture<'_, anyhow::Result<Vec<String>>>;

    /// Whether the stranger's call is still up.
    fn has_stranger(&self) -> BoxFuture<'_, anyhow::Result<bool>>;
}

/// A fake server.
pub(crate) struct FakeField {
    pub(crate) fake: FakeAsterisk,
}

impl FakeField {
    pub(crate) async fn open() -> anyhow::Result<Arc<Self>> {
        let fake = FakeAsterisk::start().await;
        fake.add_sound(SOUND, Duration::from_millis(300));
        let far_ends: [(&str, FarEnd); 7] = [
            ("rings", FarEnd::never_answers().into()),
            ("answers", FarEnd::rings_for(ms(200)).then_answers().into()),
            ("rejects", FarEnd::rings_for(ms(400)).then_rejects(21, Some(603)).into()),
            ("rings-out", FarEnd::rings_for(ms(900)).then_rejects(19, Some(480)).into()),
            ("busy", FarEnd::is_busy().into()),
            ("silent", FarEnd::is_silent().into()),
            ("hangs-up", FarEnd::answers_then_hangs_up_after(ms(500)).into()),
        ];
        for (name, far_end) in far_ends {
            fake.set_far_end(&format!("Local/{name}@far"), far_end);
        }
        let field = Arc::new(Self { fake });
        admit_stranger(&field.address(), "Local/rings@far").await?;
        Ok(field)
    }

    pub(crate) fn faults(&self) -> Faults {
        self.fake.faults()
    }
}

impl Field for FakeField {
    fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".into(),
            port: self.fake.port(),
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
            Ok(channels.map(|channel| channel.id).filter(|id| !is_strangers(id)).collect())
        })
    }

    fn has_stranger(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async { Ok(self.fake.open_channels().iter().any(|channel| is_strangers(&channel.id))) })
    }
}

/// Whether a channel is the stranger's, either half of it.
pub(crate) fn is_strangers(id: &str) -> bool {
    id.split(';').next() == Some(STRANGER)
}

/// Somebody else, in an app of his own, makes a call that stays up.
pub(crate) async fn admit_stranger(address: &Address, endpoint: &str) -> anyhow::Result<()> {
    let Address { host, port, username, password } = address;
    let client = RestClient::new(Settings::new(host, *port, username, password.as_str(), "stranger"))?;
    let originate = channels::OriginateWithId {
        channel_id: STRANGER.into(),
        endpoint: endpoint.into(),
        app: Some("stranger".into()),
        timeout: Some(STRANGERS_PATIENCE),
        formats: Some("slin".into()),
        ..Default::default()
    };
    client.request(originate).await.context("the stranger could not call")?;
    Ok(())
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
