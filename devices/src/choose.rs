//! Which of a device's formats is used.

use cpal::{SampleFormat, SupportedStreamConfig, SupportedStreamConfigRange};
use duologue_pipeline::wav::RATES;

/// Rates in the order in which they are wanted: 48 kHz is what hardware and echo cancellation run
/// at; all are multiples of 100 Hz, so that 10 ms are whole samples.
const WANTED_RATES: [u32; 9] = [48_000, 44_100, 32_000, 24_000, 16_000, 96_000, 192_000, 88_200, 8_000];

/// Formats that can be converted, in the order in which they are wanted.
const WANTED_FORMATS: [SampleFormat; 12] = [
    SampleFormat::F32,
    SampleFormat::I16,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F64,
    SampleFormat::U16,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::I64,
    SampleFormat::U64,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// The best of `ranges` for `channels` channels, if any can be used.
pub(super) fn best_format(
    ranges: impl Iterator<Item = SupportedStreamConfigRange>,
    channels: u16,
) -> Option<SupportedStreamConfig> {
    let usable = ranges.filter_map(|range| {
        let format = WANTED_FORMATS.iter().position(|f| *f == range.sample_format())?;
        let (rate, hz) = best_rate(&range)?;
        let far = range.channels().abs_diff(channels);
        // Fewer channels than wanted are better than more: nothing has to be mixed.
        Some(((rate, format, far, range.channels()), range.with_sample_rate(hz)))
    });
    usable.min_by_key(|(rank, _)| *rank).map(|(_, format)| format)
}

/// Rank and rate; a range without any wanted rate gives its highest usable one.
fn best_rate(range: &SupportedStreamConfigRange) -> Option<(usize, u32)> {
    if let Some(wanted) = WANTED_RATES.iter().position(|hz| range.contains_rate(*hz)) {
        return Some((wanted, WANTED_RATES[wanted]));
    }
    let highest = range.max_sample_rate().min(*RATES.end()) / 100 * 100;
    let usable = range.contains_rate(highest) && RATES.contains(&highest);
    usable.then_some((WANTED_RATES.len(), highest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpal::SupportedBufferSize;

    fn range(channels: u16, lo: u32, hi: u32, format: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(channels, lo, hi, SupportedBufferSize::Unknown, format)
    }

    fn best(ranges: &[SupportedStreamConfigRange], channels: u16) -> Option<(u16, u32, SampleFormat)> {
        let best = best_format(ranges.iter().copied(), channels)?;
        Some((best.channels(), best.sample_rate(), best.sample_format()))
    }

    #[test]
    fn telephone_rate_is_not_chosen_where_better_is_offered() {
        let ranges = [
            range(1, 8_000, 16_000, SampleFormat::F32),
            range(2, 44_100, 48_000, SampleFormat::I16),
            range(8, 48_000, 48_000, SampleFormat::I16),
        ];
        assert_eq!(best(&ranges, 1), Some((2, 48_000, SampleFormat::I16)));
        assert_eq!(best(&ranges[..1], 1), Some((1, 16_000, SampleFormat::F32)));
    }

    #[test]
    fn format_that_cannot_be_converted_is_not_chosen() {
        let dsd = range(2, 44_100, 192_000, SampleFormat::DsdU32);
        assert_eq!(best(&[dsd], 2), None);
        assert_eq!(
            best(&[dsd, range(2, 48_000, 48_000, SampleFormat::U8)], 2),
            Some((2, 48_000, SampleFormat::U8))
        );
    }

    #[test]
    fn rate_without_whole_blocks_is_not_chosen() {
        assert_eq!(best(&[range(1, 22_050, 22_050, SampleFormat::I16)], 1), None);
        assert_eq!(
            best(&[range(1, 20_010, 22_050, SampleFormat::I16)], 1),
            Some((1, 22_000, SampleFormat::I16))
        );
        assert_eq!(best(&[range(1, 4_000, 6_000, SampleFormat::I16)], 1), None);
    }
}
