//! WAV files as they come from a server: how much sound is in them. Fetching and keeping them is left to `recording`.

use std::io::Cursor;
use std::time::Duration;

/// Why bytes are no WAV file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NoWav(#[from] hound::Error);

/// How much sound is in a WAV file. What its header promises counts only as far as it is there: a file may have been cut
/// off, or lie.
///
/// # Errors
/// If it is no WAV file.
pub fn duration(bytes: &[u8]) -> Result<Duration, NoWav> {
    let reader = hound::WavReader::new(Cursor::new(bytes))?;
    let (spec, promised) = (reader.spec(), reader.duration());
    let begins = usize::try_from(reader.into_inner().position()).unwrap_or(usize::MAX);
    let frame = usize::from(spec.bits_per_sample.div_ceil(8)) * usize::from(spec.channels);
    let there = bytes.len().saturating_sub(begins) / frame.max(1);
    let frames = there.min(promised.try_into().unwrap_or(usize::MAX));
    Ok(Duration::from_secs_f64(frames as f64 / f64::from(spec.sample_rate.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of telephone voice that promises so many bytes of sound, and what follows it.
    fn voice(promised: u32, sound: usize) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend(8000_u32.to_le_bytes());
        file.extend(16_000_u32.to_le_bytes());
        file.extend(b"\x02\0\x10\0data");
        file.extend(promised.to_le_bytes());
        file.extend(vec![0; sound]);
        file
    }

    #[test]
    fn sound_counts_as_far_as_it_is_there() {
        let lasts = |promised, sound| duration(&voice(promised, sound)).map(|lasts| lasts.as_secs_f64());
        assert_eq!(lasts(16_000, 16_000).unwrap(), 1.0);
        assert_eq!(lasts(8000, 16_000).unwrap(), 0.5);
        assert_eq!(lasts(u32::MAX - 1, 16_000).unwrap(), 1.0);
        assert_eq!(lasts(16_000, 0).unwrap(), 0.0);
    }

    #[test]
    fn what_is_no_wav_file_is_refused() {
        let mut odd = voice(16_000, 16_000);
        odd[40] = 1;
        for bytes in [&b""[..], b"RIFF", b"<html>404</html>", &voice(2, 2)[..40], &odd] {
            assert!(duration(bytes).is_err(), "{bytes:?}");
        }
    }
}
