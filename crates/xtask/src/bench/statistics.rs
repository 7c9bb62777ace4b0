//! Medians and the like, of a few figures.

use std::time::{Duration, Instant};

/// The middle one; of an even number, the mean of the two in the middle.
pub(super) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let figures = sorted(figures);
    let middle = figures.len() / 2;
    match figures[..] {
        [] => f64::NAN,
        _ if figures.len() % 2 == 1 => figures[middle],
        _ => (figures[middle - 1] + figures[middle]) / 2.0,
    }
}

/// The figure that so large a share of all figures does not exceed.
pub(super) fn quantile(figures: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let figures = sorted(figures);
    let rank = (figures.len() as f64 * share).ceil() as usize;
    figures.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// How long something takes, in milliseconds, and what came of it.
pub(super) fn timed<T>(what: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let started = Instant::now();
    let done = what()?;
    Ok((milliseconds(started.elapsed()), done))
}

/// A duration in milliseconds.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn sorted(figures: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_edges() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
        let hundred = || (1..=100).map(f64::from);
        assert_eq!(
            (quantile(hundred(), 0.5), quantile(hundred(), 0.99), quantile(hundred(), 1.0)),
            (50.0, 99.0, 100.0)
        );
    }
}
