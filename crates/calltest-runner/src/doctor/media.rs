//! Whether a server plays and records: a tone is played to a bridge that holds nothing else, recorded there, and the
//! recording fetched and listened to. No call is needed for that, and all of it is removed again.

use std::io::Cursor;
use std::time::Duration;

use calltest_ari::RequestError;
use calltest_ari::models::PlaybackState;
use calltest_ari::requests::{bridges, playbacks, recordings};
use calltest_core::event::{Check, Outcome};
use calltest_core::run::RunId;
use tokio::time::{Instant, sleep};

use super::modules::Modules;
use super::reach::load;
use super::{Complaint, Notes, Patient};
use crate::channel_id::{Part, channel_id};

/// Hertz; any that a telephone carries.
const TONE: &str = "tone:425";
/// How long the tone is recorded.
const LENGTH: Duration = Duration::from_millis(600);
/// Asterisk's own limit, should we vanish meanwhile.
const LONGEST_SECONDS: i64 = 5;
/// What counts as loud, of 32767: the tone is some 20 dB above it, noise of a quiet line below.
const LOUD: i16 = 500;
/// How long what is removed may take to go.
const GO: Duration = Duration::from_secs(2);

/// What the trial itself needs. Calls do not need these.
const NEEDED: [&str; 3] = ["res_ari_bridges", "chan_bridge_media", "bridge_simple"];

pub(super) async fn look(patient: &Patient<'_>, modules: &Modules, notes: &mut Notes<'_>) {
    if let Some(missing) = modules.lacks(&NEEDED) {
        let fix = format!("load {missing} and look again: {}", load("NAME"));
        for check in [Check::Playing, Check::Recording] {
            let what = format!("could not be tried, since {missing} is not loaded");
            notes.about_server(check, Outcome::Unknown, Complaint::new(what, fix.clone()));
        }
        return;
    }
    let trial = Trial::new(patient);
    let created = bridges::CreateWithId {
        bridge_id: trial.bridge.clone(),
        kind: Some("mixing".into()),
        name: Some("calltest doctor".into()),
        ..Default::default()
    };
    if let Err(error) = patient.client.request(created).await {
        for check in [Check::Playing, Check::Recording] {
            let what = format!("could not be tried, since no bridge could be made: {error}");
            notes.about_server(check, Outcome::Unknown, Complaint::new(what, "see what Asterisk's log says"));
        }
        return trial.clean_up(notes).await;
    }
    let recording = trial.record().await;
    let playing = trial.play().await;
    sleep(LENGTH).await;
    let plays = trial.is_playing(playing).await;
    let recorded = trial.fetch(recording).await;
    trial.clean_up(notes).await;
    match &plays {
        Ok(()) => notes.ok(Check::Playing, None, "it plays"),
        Err(complaint) => tell(notes, Check::Playing, complaint),
    }
    match recorded.and_then(|wav| check_recording(&wav, plays.is_ok())) {
        Ok(()) => notes.ok(Check::Recording, None, "it records, and hands recordings out"),
        Err(complaint) => tell(notes, Check::Recording, &complaint),
    }
}

fn tell(notes: &mut Notes<'_>, check: Check, complaint: &Complaint) {
    notes.about_server(check, Outcome::Problem, Complaint::new(complaint.what.as_str(), complaint.fix.as_str()));
}

/// One trial, and the names of all that is made for it.
struct Trial<'p> {
    patient: &'p Patient<'p>,
    bridge: String,
    playback: String,
    recording: String,
}

impl<'p> Trial<'p> {
    fn new(patient: &'p Patient<'p>) -> Self {
        let number: u64 = rand::random();
        // What a run of ours would leave is swept up by the next one; the same goes for this bridge.
        let bridge = channel_id(&patient.server.app, RunId(number), Part::Outbound);
        let playback = format!("calltest-doctor-{number:016x}");
        let recording = format!("{}{playback}", patient.server.record_base);
        Self { patient, bridge, playback, recording }
    }

    async fn record(&self) -> Result<(), RequestError> {
        let record = bridges::Record {
            bridge_id: self.bridge.clone(),
            name: self.recording.clone(),
            format: "wav".into(),
            max_duration_seconds: Some(LONGEST_SECONDS),
            ..Default::default()
        };
        self.patient.client.request(record).await.map(drop)
    }

    async fn play(&self) -> Result<(), RequestError> {
        let play = bridges::PlayWithId {
            bridge_id: self.bridge.clone(),
            playback_id: self.playback.clone(),
            media: vec![TONE.into()],
            ..Default::default()
        };
        self.patient.client.request(play).await.map(drop)
    }

    /// Whether the tone is being played by now; it never ends by itself.
    async fn is_playing(&self, started: Result<(), RequestError>) -> Result<(), Complaint> {
        let fix =
            "see what Asterisk's log says about playing a tone, and whether format_sln and codec_resample are loaded";
        let state = match started {
            Ok(()) => {
                let get = playbacks::Get { playback_id: self.playback.clone() };
                self.patient.client.request(get).await.map(|playback| playback.state)
            }
            Err(error) => Err(error),
        };
        match state {
            Ok(PlaybackState::Playing) => Ok(()),
            Ok(state) => Err(Complaint::new(format!("a tone was to be played, but that is still {state}"), fix)),
            Err(error) => Err(Complaint::new(format!("a tone could not be played: {error}"), fix)),
        }
    }

    /// Ends the recording and fetches it.
    async fn fetch(&self, started: Result<(), RequestError>) -> Result<Vec<u8>, Complaint> {
        let fix = "see that the directory `recording` below astspooldir (mostly /var/spool/asterisk/recording) is there, \
                   that Asterisk's user may write to it, and that the disk has room; Asterisk's log tells more";
        let name = &self.recording;
        started.map_err(|error| Complaint::new(format!("recording `{name}` was refused: {error}"), fix))?;
        let stop = recordings::Stop { recording_name: name.clone() };
        if let Err(error) = self.patient.client.request(stop).await {
            let what = if error.is_not_found() {
                format!("recording `{name}` did not come about: Asterisk could not write it")
            } else {
                format!("recording `{name}` could not be ended: {error}")
            };
            return Err(Complaint::new(what, fix));
        }
        let get = recordings::GetStoredFile { recording_name: name.clone() };
        let wav = self.patient.client.request(get).await;
        let wav =
            wav.map_err(|error| Complaint::new(format!("recording `{name}` could not be fetched: {error}"), fix))?;
        Ok(wav.to_vec())
    }

    /// Removes everything, and looks whether it is gone.
    async fn clean_up(&self, notes: &mut Notes<'_>) {
        let client = &self.patient.client;
        let name = &self.recording;
        let mut failures = Vec::new();
        let mut note = |what: &str, done: Result<(), RequestError>| match done {
            Err(error) if !error.is_not_found() => failures.push(format!("{what} ({error})")),
            _ => {}
        };
        note("playback", client.request(playbacks::Stop { playback_id: self.playback.clone() }).await);
        note("recording", client.request(recordings::Cancel { recording_name: name.clone() }).await);
        note("recording", client.request(recordings::DeleteStored { recording_name: name.clone() }).await);
        note("bridge", client.request(bridges::Destroy { bridge_id: self.bridge.clone() }).await);
        let give_up = Instant::now() + GO;
        while client.request(bridges::Get { bridge_id: self.bridge.clone() }).await.is_ok() {
            if Instant::now() >= give_up {
                failures.push(format!("bridge {}", self.bridge));
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        if !failures.is_empty() {
            let what = format!("what the trial made could not be removed: {}", failures.join(", "));
            let fix = format!("remove bridge {} and recording `{name}`, or restart Asterisk", self.bridge);
            notes.about_server(Check::Recording, Outcome::Warning, Complaint::new(what, fix));
        }
    }
}

/// Whether the tone is in the recording.
fn check_recording(wav: &[u8], was_played: bool) -> Result<(), Complaint> {
    let samples = samples(wav).map_err(|error| {
        let what = format!("the recording is no WAV file of 16 bits: {error}");
        Complaint::new(what, "see that format_wav is Asterisk's own")
    })?;
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > LOUD.unsigned_abs()).count();
    if samples.is_empty() || (was_played && loud * 2 < samples.len()) {
        let what = format!("a tone was recorded, but only {loud} of {} samples are louder than silence", samples.len());
        return Err(Complaint::new(what, "see what Asterisk's log says, and that the disk has room"));
    }
    Ok(())
}

fn samples(wav: &[u8]) -> Result<Vec<i16>, hound::Error> {
    hound::WavReader::new(Cursor::new(wav))?.into_samples::<i16>().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(samples: impl Iterator<Item = i16>) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        samples.for_each(|sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn verdict(wav: &[u8], was_played: bool) -> String {
        check_recording(wav, was_played).map_or_else(|complaint| complaint.what, |()| String::from("fine"))
    }

    #[test]
    fn a_recording_has_to_contain_the_tone() {
        let tone = wav((0..800).map(|at| if at % 20 < 10 { 7000 } else { -7000 }));
        assert_eq!(verdict(&tone, true), "fine");
        let silence = wav((0..800).map(|_| 3));
        assert!(verdict(&silence, true).contains("only 0 of 800 samples"), "{}", verdict(&silence, true));
        assert_eq!(verdict(&silence, false), "fine", "without a tone there is nothing to hear");
        assert!(verdict(&wav([].into_iter()), false).contains("0 of 0"));
        assert!(verdict(b"RIFF", true).contains("no WAV file"), "{}", verdict(b"RIFF", true));
    }
}
