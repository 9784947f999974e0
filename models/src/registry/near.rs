//! Names that a person may have meant.

/// At most three of `names` that are near `wanted`, the nearest first.
pub(super) fn near<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: String = wanted.chars().take(64).collect::<String>().to_lowercase();
    let limit = wanted.chars().count() / 3 + 1;
    let mut found: Vec<(usize, &str)> = names
        .map(|name| {
            (if wanted.len() >= 3 && name.contains(&wanted) { 0 } else { distance(&wanted, name) }, name)
        })
        .filter(|&(distance, _)| distance <= limit)
        .collect();
    found.sort();
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Insertions, deletions and replacements between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["kokoro", "kokoro-int8", "silero-vad", "zipformer-en-20m"];

    #[test]
    fn a_slip_is_not_left_without_advice() {
        assert_eq!(near("kokorro", NAMES.into_iter()), ["kokoro"]);
        assert_eq!(near("Silero", NAMES.into_iter()), ["silero-vad"]);
        assert_eq!(near("zipfomer-en-20", NAMES.into_iter()), ["zipformer-en-20m"]);
        assert_eq!(near("kokoro", NAMES.into_iter()), ["kokoro", "kokoro-int8"]);
    }

    #[test]
    fn nonsense_is_not_answered_with_everything() {
        assert!(near("qqqqqqqqqq", NAMES.into_iter()).is_empty());
        assert!(near("", NAMES.into_iter()).is_empty());
        assert!(near(&"x".repeat(1 << 16), NAMES.into_iter()).is_empty());
    }

    #[test]
    fn distance_is_not_off() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
