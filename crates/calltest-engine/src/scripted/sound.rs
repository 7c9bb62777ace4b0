//! What a leg has heard, as the bytes of a WAV file.

use std::time::Duration;

use bytes::Bytes;

/// Samples a second.
const RATE: u32 = 8000;
/// Bytes of a sample.
const WIDTH: u32 = 2;

/// What comes of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Recorded {
    /// As much silence as there was time between its beginning and its end.
    #[default]
    WholeTime,
    /// These bytes.
    Wav(Bytes),
    /// Something is there although nobody began to record, as no engine should have it.
    Unasked,
    /// It was made, and is not there.
    Missing {
        /// What the engine says.
        why: String,
    },
    /// It could not be made or fetched.
    Failed {
        /// Why.
        why: String,
    },
}

/// A WAV file with so much silence.
pub fn wav(length: Duration) -> Bytes {
    let samples = u32::try_from(length.as_millis()).unwrap_or(u32::MAX / RATE).saturating_mul(RATE / 1000);
    let size = samples.saturating_mul(WIDTH);
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    bytes.extend([1, 0, 1, 0]);
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((RATE * WIDTH).to_le_bytes());
    bytes.extend([2, 0, 16, 0]);
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.resize(44 + size as usize, 0);
    Bytes::from(bytes)
}
