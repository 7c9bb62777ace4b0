//! The owner of an open WebSocket: one task that reads it, pings, and passes each event to the router. It awaits
//! nothing but the socket, so that no event waits for anything else.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::delivery::router::Router;
use crate::delivery::silence::Silence;
use crate::error::Lost;
use crate::generated::events::Event;
use crate::settings::Settings;
use crate::socket::Socket;

/// How long Asterisk may take to confirm that the WebSocket is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// An open WebSocket and where its events go.
pub(crate) struct Connection {
    pub(crate) socket: Socket,
    pub(crate) router: Arc<Router>,
    /// What the router calls it.
    pub(crate) number: u64,
    /// By what the router ends it.
    pub(crate) end: oneshot::Receiver<Lost>,
    pub(crate) silence: Arc<Silence>,
    pub(crate) settings: Arc<Settings>,
}

impl Connection {
    /// Runs until the connection is lost, or until `order` comes: then it is lost for the reason ordered. An order
    /// that can no longer come means that nobody wants the connection.
    pub(crate) async fn run(mut self, order: oneshot::Receiver<Lost>) -> Lost {
        let (_, end) = oneshot::channel();
        let end = std::mem::replace(&mut self.end, end);
        let why = tokio::select! {
            why = self.read() => why,
            Ok(why) = end => why,
            why = order => why.unwrap_or(Lost::ClosedByUs),
        };
        self.router.lose(self.number, &why);
        // Whatever the reason, Asterisk may as well know; if it does not listen, the socket is dropped all the same.
        let _ = timeout(CLOSE_TIMEOUT, self.close_websocket()).await;
        why
    }

    async fn read(&mut self) -> Lost {
        let every = self.settings.ping_interval;
        let mut pings = interval(every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let limit = self.settings.silence_limit;
        let (mut pinged, mut listening_since) = (Instant::now(), Instant::now());
        self.silence.heard(pinged);
        // Set again only when it goes off: to do that for each frame would cost more than most frames do.
        let mut alarm = pin!(sleep(limit));
        loop {
            tokio::select! {
                // What has come in is heard before anybody complains of silence.
                biased;
                why = self.hear() => return why,
                _ = pings.tick() => {
                    // A process that was held up has not listened. The server gets its whole time again.
                    if pinged.elapsed() > 2 * every {
                        listening_since = Instant::now();
                    }
                    match timeout(limit, self.socket.send(Message::Ping(Default::default()))).await {
                        Ok(Ok(())) => pinged = Instant::now(),
                        Ok(Err(error)) => return cut(&error),
                        Err(_) => return Lost::Silent { limit },
                    }
                }
                () = &mut alarm => {
                    let patience_ends = self.silence.last_heard().max(listening_since) + limit;
                    if Instant::now() >= patience_ends {
                        return Lost::Silent { limit };
                    }
                    alarm.as_mut().reset(patience_ends);
                }
            }
        }
    }

    /// Takes in whatever comes, until the connection is lost. All frames that are there are read in one go, so that the
    /// socket is not asked once more than it has to be.
    async fn hear(&mut self) -> Lost {
        poll_fn(|context| {
            loop {
                let Poll::Ready(frame) = self.socket.poll_next_unpin(context) else { return Poll::Pending };
                // Each by itself: another thread may act while one lot is taken in, and what follows from that has not come
                // before it.
                let received = Instant::now();
                self.silence.heard(received);
                if let Err(why) = self.take(frame, received) {
                    return Poll::Ready(why);
                }
            }
        })
        .await
    }

    fn take(&self, frame: Option<tungstenite::Result<Message>>, received: Instant) -> Result<(), Lost> {
        match frame {
            Some(Ok(Message::Text(text))) => self.pass_on(Event::parse(&text), received),
            // Asterisk sends none; should one come, it is kept as an event that cannot be read.
            Some(Ok(Message::Binary(bytes))) => self.pass_on(Event::parse(&String::from_utf8_lossy(&bytes)), received),
            Some(Ok(Message::Close(frame))) => Err(closed(frame)),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
            Some(Err(error)) => Err(cut(&error)),
            None => Err(Lost::Cut { reason: "end of stream".to_owned() }),
        }
    }

    fn pass_on(&self, event: Event, received: Instant) -> Result<(), Lost> {
        if let Event::Unreadable { kind, error, .. } = &event {
            tracing::warn!(server = %self.router.server(), kind, error, "event not understood");
        }
        let is_end =
            matches!(&event, Event::ApplicationReplaced(replaced) if replaced.application == self.settings.app);
        self.router.route(event, received)?;
        if is_end { Err(Lost::Replaced) } else { Ok(()) }
    }

    async fn close_websocket(&mut self) {
        if self.socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = self.socket.next().await {}
        }
    }
}

fn cut(error: &tungstenite::Error) -> Lost {
    Lost::Cut { reason: error.to_string() }
}

fn closed(frame: Option<CloseFrame>) -> Lost {
    let frame = frame.unwrap_or(CloseFrame { code: CloseCode::Status, reason: Default::default() });
    Lost::Closed { code: frame.code.into(), reason: frame.reason.to_string() }
}
