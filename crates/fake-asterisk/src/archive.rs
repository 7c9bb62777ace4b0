//! The recordings that there are: which channel each live one belongs to, and the stored ones, which can be fetched as WAV.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::channels::Key;

/// Samples a second in the files that are handed out, whatever the format; each sample has two bytes.
const SAMPLE_RATE: u32 = 8000;
/// The length of a WAV file's header in bytes.
const WAV_HEADER: u32 = 44;

/// The recordings of the server.
#[derive(Debug, Default)]
pub(crate) struct Recordings {
    /// The channels that have a recording under way or queued, by its name.
    pub(crate) live: BTreeMap<String, Key>,
    pub(crate) stored: BTreeMap<String, Stored>,
}

/// A recording that is over.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) format: String,
    pub(crate) duration: Duration,
}

impl Recordings {
    /// The names of the stored ones.
    pub(crate) fn stored_names(&self) -> impl Iterator<Item = &str> {
        self.stored.keys().map(String::as_str)
    }

    /// Forgets what was under way, as a restart does. Files stay.
    pub(crate) fn forget_live(&mut self) {
        self.live.clear();
    }
}

/// A WAV file of that much silence, one channel of 16-bit samples.
pub(crate) fn silence(duration: Duration) -> Vec<u8> {
    let samples = u32::try_from(duration.as_millis() * u128::from(SAMPLE_RATE) / 1000).unwrap_or(u32::MAX / 4);
    let length = samples * 2;
    let mut file = Vec::with_capacity((WAV_HEADER + length) as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(WAV_HEADER - 8 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel.
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    file.extend_from_slice(&(SAMPLE_RATE * 2).to_le_bytes());
    // Bytes in a frame, bits in a sample.
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.resize((WAV_HEADER + length) as usize, 0);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_as_long_as_their_header_says() {
        let file = silence(Duration::from_millis(1500));
        // A second and a half at 8000 samples of two bytes.
        assert_eq!(file.len(), 44 + 24_000);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((word(4), word(24), word(40)), (36 + 24_000, 8000, 24_000));
    }
}
