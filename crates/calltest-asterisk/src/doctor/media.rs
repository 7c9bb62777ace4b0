//! Whether a server plays and records: a tone is played to a bridge that holds nothing else, recorded there, and the
//! recording fetched and listened to. No call is needed for that, and all of it is removed again.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use calltest_ari::models::PlaybackState;
use calltest_ari::requests::{bridges, playbacks, recordings};
use calltest_ari::{Operation, RequestError};
use calltest_core::event::{Check, Outcome};
use calltest_core::run::RunId;
use tokio::time::{Instant, sleep};

use super::modules::Modules;
use super::{Examined, Findings, Problem};
use crate::advice::KEEP_SLASHES;
use crate::channel_id::{Part, channel_id};

/// Hertz; any that a telephone carries.
const TONE: &str = "tone:425";
/// How long the tone is recorded, and how long if it was not heard: a machine under load may be late with it.
const LENGTHS: [Duration; 4] =
    [Duration::from_millis(600), Duration::from_millis(1200), Duration::from_millis(2400), Duration::from_millis(4800)];
/// Asterisk's own limit, should we vanish meanwhile.
const LONGEST_SECONDS: i64 = 10;
/// What counts as loud, of 32767: the tone is some 20 dB above it, noise of a quiet line below.
const LOUD: i16 = 500;
/// So many samples of the tone have to be heard: a tenth of a second.
const ENOUGH: usize = 800;
/// After this time a tone that cannot be played is over.
const SETTLING: Duration = Duration::from_millis(150);
/// How long what is begun may take to start, and what is removed to go.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the trial itself needs. Calls do not need these.
const NEEDED: [&str; 3] = ["res_ari_bridges", "chan_bridge_media", "bridge_simple"];

pub(super) async fn look(examined: &Examined<'_>, modules: &Modules, findings: &mut Findings<'_>) {
    if let Some(problem) = modules.prevent(&NEEDED) {
        findings.about_server(Check::Playing, Outcome::Unknown, problem.clone());
        return findings.about_server(Check::Recording, Outcome::Unknown, problem);
    }
    let played = Trial::new(examined).play(findings).await;
    let recorded = record(examined, played.is_ok(), findings).await;
    let played = played.map(|()| "it plays");
    let recorded = recorded.map(|()| "it records, and hands recordings out");
    for (check, outcome) in [(Check::Playing, played), (Check::Recording, recorded)] {
        match outcome {
            Ok(what) => findings.ok(check, None, what),
            Err(Failure::Untried(problem)) => findings.about_server(check, Outcome::Unknown, problem),
            Err(Failure::Refuted(problem)) => findings.about_server(check, Outcome::Problem, problem),
        }
    }
}

/// Records a tone, if it can be played, until it is heard in the recording.
async fn record(examined: &Examined<'_>, with_tone: bool, findings: &mut Findings<'_>) -> Result<(), Failure> {
    let mut heard = Ok(());
    for length in LENGTHS {
        let recorded = Trial::new(examined).record(with_tone, length, findings).await?;
        let Recorded { wav, tone } = recorded;
        heard = match (check_recording(&wav), tone) {
            (Ok(()), _) => return Ok(()),
            _ if !with_tone => return Ok(()),
            (Err(_), Err(why)) => Err(Failure::Untried(why)),
            (Err(problem), Ok(())) => Err(Failure::Refuted(problem)),
        };
    }
    heard
}

/// Why a trial did not succeed.
enum Failure {
    /// It could not be made.
    Untried(Problem),
    /// It showed that the server does not do it.
    Refuted(Problem),
}

/// A recording that was fetched.
struct Recorded {
    wav: Bytes,
    /// Whether the tone was played meanwhile, as far as the server told.
    tone: Result<(), Problem>,
}

/// One trial, and the names of all that is made for it.
struct Trial<'p> {
    examined: &'p Examined<'p>,
    bridge: String,
    playbacks: Vec<String>,
    recording: String,
}

impl<'p> Trial<'p> {
    fn new(examined: &'p Examined<'p>) -> Self {
        let number: u64 = rand::random();
        // What a run of ours would leave is cleaned up by the next one; the same goes for this bridge.
        let bridge = channel_id(&examined.server.asterisk().app, RunId(number), Part::Outbound);
        let recording = format!("{}calltest-doctor-{number:016x}", examined.server.asterisk().record_base);
        Self { examined, bridge, playbacks: Vec::new(), recording }
    }

    /// Plays a tone, and looks whether it is being played.
    async fn play(mut self, findings: &mut Findings<'_>) -> Result<(), Failure> {
        let outcome = match self.make_bridge().await {
            Ok(()) => self.hear_tone().await.map_err(Failure::Refuted),
            Err(problem) => Err(Failure::Untried(problem)),
        };
        self.clean_up(findings).await;
        outcome
    }

    /// Records for so long, with or without a tone, and fetches the recording.
    async fn record(
        mut self,
        with_tone: bool,
        length: Duration,
        findings: &mut Findings<'_>,
    ) -> Result<Recorded, Failure> {
        let outcome = match self.make_bridge().await {
            Ok(()) => self.fetch_recording(with_tone, length).await.map_err(Failure::Refuted),
            Err(problem) => Err(Failure::Untried(problem)),
        };
        self.clean_up(findings).await;
        outcome
    }

    async fn make_bridge(&self) -> Result<(), Problem> {
        let create = bridges::CreateWithId {
            bridge_id: self.bridge.clone(),
            kind: Some("mixing".into()),
            name: Some("calltest doctor".into()),
            ..Default::default()
        };
        self.examined.client.request(create).await.map(drop).map_err(|error| {
            let what = format!("could not be tried, since no bridge could be made: {error}");
            Problem::new(what, "see what Asterisk's log says")
        })
    }

    async fn start_tone(&mut self) -> Result<(), RequestError> {
        let playback_id = format!("calltest-doctor-{:016x}", rand::random::<u64>());
        self.playbacks.push(playback_id.clone());
        let media = vec![TONE.into()];
        let play = bridges::PlayWithId { bridge_id: self.bridge.clone(), playback_id, media, ..Default::default() };
        self.examined.client.request(play).await.map(drop)
    }

    /// What became of the tone that was started last.
    async fn tone_state(&self) -> Result<PlaybackState, RequestError> {
        let playback_id = self.playbacks.last().cloned().unwrap_or_default();
        self.examined.client.request(playbacks::Get { playback_id }).await.map(|playback| playback.state)
    }

    /// A tone never ends by itself, so it has to be there after a while.
    async fn hear_tone(&mut self) -> Result<(), Problem> {
        let state = match self.start_tone().await {
            Ok(()) => {
                sleep(SETTLING).await;
                self.tone_state().await
            }
            Err(error) => Err(error),
        };
        let what = match state {
            Ok(PlaybackState::Playing) => return Ok(()),
            Ok(state) => format!("a tone was to be played, but that is still {state}"),
            Err(error) => format!("a tone could not be played: {error}"),
        };
        Err(Problem::new(what, "see what Asterisk's log says about playing a tone"))
    }

    async fn fetch_recording(&mut self, with_tone: bool, length: Duration) -> Result<Recorded, Problem> {
        let fix = "see that the directory `recording` below astspooldir (mostly /var/spool/asterisk/recording) is there, \
                   that Asterisk's user may write to it, and that the disk has room; Asterisk's log tells more";
        let (client, name) = (&self.examined.client, self.recording.clone());
        let failed = |what: &str, error: RequestError| match error.is_gone() {
            true => Problem::new(format!("recording `{name}` did not come about: Asterisk could not write it"), fix),
            false if error.is_slash_lost() => Problem::new(format!("recording `{name}` {what}: {error}"), KEEP_SLASHES),
            false => Problem::new(format!("recording `{name}` {what}: {error}"), fix),
        };
        let record = bridges::Record {
            bridge_id: self.bridge.clone(),
            name: name.clone(),
            format: "wav".into(),
            max_duration_seconds: Some(LONGEST_SECONDS),
            ..Default::default()
        };
        client.request(record).await.map_err(|error| failed("was refused", error))?;
        let until = Instant::now() + length;
        let mut tone = Ok(());
        let mut started = None;
        while Instant::now() < until {
            if with_tone {
                tone = self.keep_tone(&mut started).await;
            }
            sleep(LOOK_EVERY).await;
        }
        let stop = recordings::Stop { recording_name: name.clone() };
        client.request(stop).await.map_err(|error| failed("could not be ended", error))?;
        let get = recordings::GetStoredFile { recording_name: name.clone() };
        let wav = client.request(get).await.map_err(|error| failed("could not be fetched", error))?;
        Ok(Recorded { wav, tone })
    }

    /// Plays the tone, unless it is being played: whoever comes into a bridge or leaves it may cut it short, and the
    /// recorder comes in at a time of its own. A tone that is handed to a player on its way out of the bridge waits for ever.
    async fn keep_tone(&mut self, started: &mut Option<Instant>) -> Result<(), Problem> {
        let state = match started {
            Some(_) => self.tone_state().await,
            None => Ok(PlaybackState::Done),
        };
        let why = match state {
            Ok(PlaybackState::Playing) => return Ok(()),
            Ok(PlaybackState::Queued) if started.is_some_and(|at| at.elapsed() < SETTLING) => return Ok(()),
            Err(error) if !error.is_gone() => error,
            _ => {
                *started = Some(Instant::now());
                match self.start_tone().await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                }
            }
        };
        let what = format!("could not be tried, since no tone could be played meanwhile: {why}");
        Err(Problem::new(what, "see what Asterisk's log says about playing a tone"))
    }

    /// Removes everything, and sees that it is gone.
    async fn clean_up(&self, findings: &mut Findings<'_>) {
        let (bridge_id, recording_name) = (&self.bridge, &self.recording);
        // What is still being written would be stored after it was removed.
        let live = recordings::Cancel { recording_name: recording_name.clone() };
        let stored = recordings::DeleteStored { recording_name: recording_name.clone() };
        let bridge = bridges::Destroy { bridge_id: bridge_id.clone() };
        let mut outcomes = Vec::new();
        for playback_id in &self.playbacks {
            outcomes.push(self.remove(playbacks::Stop { playback_id: playback_id.clone() }).await);
        }
        outcomes.extend([self.remove(live).await, self.remove(stored).await, self.remove(bridge).await]);
        for gone in outcomes {
            let Err(why) = gone else { continue };
            let what = format!("what the trial made could not be removed: {why}");
            let fix = format!("remove bridge {bridge_id} and recording `{recording_name}`, or restart Asterisk");
            findings.about_server(Check::Recording, Outcome::Warning, Problem::new(what, fix));
        }
    }

    /// Repeats a removal until there is nothing left to remove.
    async fn remove<Op: Operation<Reply = ()> + Clone>(&self, removal: Op) -> Result<(), String> {
        let give_up = Instant::now() + SETTLE_LIMIT;
        loop {
            match self.examined.client.request(removal.clone()).await {
                Err(error) if error.is_gone() => return Ok(()),
                // A recording that is being finished is neither here nor there.
                Err(error) if !error.is_conflict() => return Err(error.to_string()),
                _ if Instant::now() >= give_up => return Err(format!("{} is still there", removal.path())),
                _ => sleep(LOOK_EVERY).await,
            }
        }
    }
}

/// Whether the tone is in the recording.
fn check_recording(wav: &[u8]) -> Result<(), Problem> {
    let samples = samples(wav).map_err(|error| {
        let what = format!("the recording is no WAV file of 16 bits: {error}");
        Problem::new(what, "see that format_wav is Asterisk's own")
    })?;
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > LOUD.unsigned_abs()).count();
    if loud < ENOUGH || loud * 2 < samples.len() {
        let (what, fix) = match samples.len() {
            0 => (
                "a tone was played and recorded, but the recording holds no sound at all".into(),
                "see that Asterisk has a clock for its sounds (`timing test` on its console; modules res_timing_*), and what \
                 its log says",
            ),
            all => (
                format!("a tone was recorded, but only {loud} of {all} samples are louder than silence"),
                "see what Asterisk's log says, and that the disk has room",
            ),
        };
        return Err(Problem::new(what, fix));
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

    fn verdict(wav: &[u8]) -> String {
        check_recording(wav).map_or_else(|problem| problem.what, |()| String::from("fine"))
    }

    #[test]
    fn a_recording_has_to_contain_the_tone() {
        let tone = |length: usize| (0..length).map(|at| if at % 20 < 10 { 7000 } else { -7000 });
        let silence = |length: usize| (0..length).map(|_| 3);
        assert_eq!(verdict(&wav(tone(900).chain(silence(900)))), "fine");
        for (samples, words) in [
            (wav(silence(1000)), "only 0 of 1000 samples"),
            (wav(tone(0)), "no sound at all"),
            (wav(tone(700)), "only 700 of 700 samples"),
            (wav(tone(900).chain(silence(1000))), "only 900 of 1900 samples"),
            (b"RIFF".to_vec(), "no WAV file"),
        ] {
            assert!(verdict(&samples).contains(words), "{}", verdict(&samples));
        }
    }
}
