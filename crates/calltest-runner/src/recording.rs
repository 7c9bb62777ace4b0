//! Recordings of what comes in on a leg: begun by the script, fetched at the end, and kept in the archive.

use calltest_core::evidence::{Observation, Side, Stop};
use calltest_core::verdict::Trouble;
use calltest_engine::{Command, NotHeard};

use crate::archive::Archive;
use crate::call::Call;
use crate::wav;

impl Call<'_> {
    /// Records what comes in on a side from now on until the end of the call, if it is to be recorded at all.
    pub(crate) async fn record(&mut self, side: Side, name: Option<&str>) -> Result<(), Stop> {
        let Some(name) = name else { return Ok(()) };
        if let Some(leg) = self.legs.get_mut(side) {
            leg.recording = Some(name.to_owned());
        }
        match self.command(side, Command::Hear { name: name.to_owned() }).await {
            Err(Stop::Trouble(Trouble::RequestFailed { why, .. })) => {
                Err(Stop::Trouble(self.recording_trouble(side, name, why)))
            }
            done => done,
        }
    }

    /// Fetches all recordings, which have ended with their legs. What goes wrong is noted.
    pub(crate) async fn fetch_recordings(&mut self, archive: &Archive) {
        for side in [Side::Src, Side::Dst] {
            let Some(leg) = self.legs.get_mut(side) else { continue };
            let Some(name) = leg.recording.take() else { continue };
            let what = match leg.leg.fetch().await {
                None => continue,
                Some(Ok(bytes)) => self.keep(side, name, bytes, archive).await,
                Some(Err(NotHeard::Missing { why })) => Observation::RecordingMissing { name, why },
                Some(Err(NotHeard::Failed { why })) => Observation::Troubled(self.recording_trouble(side, &name, why)),
            };
            self.recorder.note(Some(side), what);
        }
    }

    async fn keep(&self, side: Side, name: String, bytes: bytes::Bytes, archive: &Archive) -> Observation {
        let duration = match wav::duration(&bytes) {
            Ok(duration) => duration,
            Err(error) => {
                let why = format!("it is no WAV file: {error}");
                return Observation::Troubled(self.recording_trouble(side, &name, why));
            }
        };
        let size = bytes.len() as u64;
        match archive.keep(self.run, side, bytes).await {
            Ok(path) => Observation::RecordingFetched { name, path, bytes: size, duration },
            Err(error) => {
                let why = format!("it could not be kept: {error}");
                Observation::Troubled(self.recording_trouble(side, &name, why))
            }
        }
    }

    fn recording_trouble(&self, side: Side, name: &str, why: String) -> Trouble {
        Trouble::RecordingFailed { link: self.link(side), name: name.to_owned(), why }
    }
}
