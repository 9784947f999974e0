//! Numbers and durations in words or digits.

use duologue_models::text::english::{SMALL_NUMBERS, TENS};

/// Most seconds of a duration: ten years.
const MAX_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;
const UNITS: [(&[&str], f64); 5] = [
    (&["second", "seconds", "sec", "secs", "s"], 1.0),
    (&["minute", "minutes", "min", "mins"], 60.0),
    (&["hour", "hours", "hr", "hrs", "h"], 3600.0),
    (&["day", "days"], 86_400.0),
    (&["week", "weeks"], 604_800.0),
];

/// All words that numbers and durations are made of.
pub(super) fn vocabulary() -> impl Iterator<Item = &'static str> {
    let others = ["hundred", "thousand", "million", "point", "half", "quarter", "quarters", "couple", "oh"];
    SMALL_NUMBERS
        .into_iter()
        .chain(TENS)
        .chain(others)
        .chain(UNITS.iter().flat_map(|(names, _)| names.iter().copied()))
}

/// 0 to 19.
pub(super) fn small(word: &str) -> Option<u32> {
    SMALL_NUMBERS.iter().position(|name| *name == word).and_then(|value| u32::try_from(value).ok())
}

/// 20, 30, … 90.
pub(super) fn tens(word: &str) -> Option<u32> {
    TENS.iter().position(|name| *name == word).and_then(|at| u32::try_from(20 + 10 * at).ok())
}

fn word(words: &[String], at: usize) -> &str {
    words.get(at).map_or("", String::as_str)
}

/// The number at the beginning of `words`, and how many words it takes.
pub(super) fn number(words: &[String]) -> Option<(usize, f64)> {
    let (mut used, mut value) = digits(words).or_else(|| in_words(words))?;
    if word(words, used) == "point" {
        let decimals: String = words[used + 1..]
            .iter()
            .map_while(|word| small(word).filter(|digit| *digit < 10))
            .map(|d| d.to_string())
            .collect();
        if let Ok(fraction) = format!("0.{decimals}").parse::<f64>()
            && !decimals.is_empty()
        {
            (used, value) = (used + 1 + decimals.len(), value + fraction);
        }
    }
    if word(words, used) == "and" && word(words, used + 1) == "a" && word(words, used + 2) == "half" {
        (used, value) = (used + 3, value + 0.5);
    }
    Some((used, value))
}

fn digits(words: &[String]) -> Option<(usize, f64)> {
    let text = word(words, 0);
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = text.replace(',', "").parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some((1, value))
}

fn in_words(words: &[String]) -> Option<(usize, f64)> {
    let (mut total, mut current, mut used) = (0.0, 0.0, 0);
    // What may come next: units after tens, tens after hundreds.
    let (mut open_tens, mut open_units) = (true, true);
    loop {
        let joined = usize::from(used > 0 && word(words, used) == "and" && open_tens);
        let next = word(words, used + joined);
        let unit = small(next).or((next == "oh" && used == 0).then_some(0));
        if let Some(unit) = unit.filter(|unit| open_tens || (open_units && (1..10).contains(unit))) {
            (current, open_tens, open_units) = (current + f64::from(unit), false, false);
        } else if let Some(tens) = tens(next).filter(|_| open_tens) {
            (current, open_tens, open_units) = (current + f64::from(tens), false, true);
        } else if next == "hundred" && joined == 0 && used > 0 && (1.0..100.0).contains(&current) {
            (current, open_tens, open_units) = (current * 100.0, true, true);
        } else if let Some(scale) = scale(next).filter(|_| joined == 0 && used > 0 && current > 0.0) {
            (total, current, open_tens, open_units) = (total + current * scale, 0.0, true, true);
        } else if used == 0
            && ["a", "an"].contains(&next)
            && ["hundred", "thousand"].contains(&word(words, 1))
        {
            current = 1.0;
        } else {
            return (used > 0).then_some((used, total + current));
        }
        used += joined + 1;
    }
}

fn scale(word: &str) -> Option<f64> {
    match word {
        "thousand" => Some(1e3),
        "million" => Some(1e6),
        _ => None,
    }
}

fn unit(word: &str) -> Option<f64> {
    UNITS.iter().find(|(names, _)| names.contains(&word)).map(|(_, seconds)| *seconds)
}

/// The duration at the beginning of `words`, in seconds, and how many words it takes.
pub(super) fn duration(words: &[String]) -> Option<(usize, f64)> {
    let (mut used, mut total, mut smallest) = (0, 0.0, f64::INFINITY);
    loop {
        let joined = usize::from(used > 0 && word(words, used) == "and");
        let rest = &words[(used + joined).min(words.len())..];
        if used > 0
            && joined == 1
            && word(rest, 0) == "a"
            && word(rest, 1) == "half"
            && unit(word(rest, 2)).is_none()
        {
            return sensible(used + 3, total + smallest / 2.0);
        }
        let Some((taken, seconds, size)) = component(rest).filter(|(_, _, size)| *size < smallest) else {
            // "one minute thirty"
            let bare = number(rest).filter(|(taken, value)| {
                used > 0
                    && *value < 60.0
                    && (60.0..=3600.0).contains(&smallest)
                    && unit(word(rest, *taken)).is_none()
            });
            return match bare {
                Some((taken, value)) => sensible(used + joined + taken, total + value * smallest / 60.0),
                None => sensible(used, total),
            };
        };
        (used, total, smallest) = (used + joined + taken, total + seconds, size);
    }
}

fn sensible(used: usize, seconds: f64) -> Option<(usize, f64)> {
    (used > 0 && seconds > 0.0 && seconds <= MAX_SECONDS).then_some((used, seconds))
}

/// One part of a duration: words taken, seconds, and its unit's seconds.
fn component(words: &[String]) -> Option<(usize, f64, f64)> {
    let size = |at: usize| unit(word(words, at));
    let article = |at: usize| usize::from(["a", "an", "the"].contains(&word(words, at)));
    let first = article(0);
    match word(words, first) {
        "half" => {
            let at = first + 1 + article(first + 1);
            let seconds = size(at)?;
            return Some((at + 1, seconds / 2.0, seconds));
        }
        "quarter" if word(words, first + 1) == "of" => {
            let at = first + 2 + article(first + 2);
            let seconds = size(at)?;
            return Some((at + 1, seconds / 4.0, seconds));
        }
        "couple" => {
            let at = first + 1 + usize::from(word(words, first + 1) == "of");
            let seconds = size(at)?;
            return Some((at + 1, 2.0 * seconds, seconds));
        }
        _ => {}
    }
    if let (1, Some(seconds)) = (first, size(1)) {
        return Some((2, seconds, seconds));
    }
    let (taken, count) = number(words)?;
    if word(words, taken) == "quarters" && word(words, taken + 1) == "of" {
        let at = taken + 2 + article(taken + 2);
        let seconds = size(at)?;
        return Some((at + 1, count * seconds / 4.0, seconds));
    }
    let seconds = size(taken)?;
    Some((taken + 1, count * seconds, seconds))
}

/// "1 hour 30 minutes".
pub(super) fn spoken_duration(seconds: f64) -> String {
    let mut rest = seconds.clamp(0.0, MAX_SECONDS).round() as u64;
    let mut parts = Vec::new();
    for (size, name) in [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")] {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "0 seconds".into() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn a_number_is_not_misread() {
        let read = |text: &str| number(&words(text));
        assert_eq!(read("twenty five minutes"), Some((2, 25.0)));
        assert_eq!(read("one hundred and five"), Some((4, 105.0)));
        assert_eq!(read("two thousand three hundred forty one"), Some((6, 2341.0)));
        assert_eq!(read("a hundred"), Some((2, 100.0)));
        assert_eq!(read("one two three"), Some((1, 1.0)));
        assert_eq!(read("twenty twelve"), Some((1, 20.0)));
        assert_eq!(read("ten and a half hours"), Some((4, 10.5)));
        assert_eq!(read("two point five"), Some((3, 2.5)));
        assert_eq!(read("1,250"), Some((1, 1250.0)));
        assert_eq!(read("five and the lights"), Some((1, 5.0)));
        assert_eq!(read("hundred"), None);
        assert_eq!(read("and five"), None);
    }

    #[test]
    fn a_duration_is_not_misread() {
        let read = |text: &str| duration(&words(text)).map(|(used, seconds)| (used, seconds as u64));
        assert_eq!(read("twenty five minutes"), Some((3, 1500)));
        assert_eq!(read("an hour and a half"), Some((5, 5400)));
        assert_eq!(read("half an hour please"), Some((3, 1800)));
        assert_eq!(read("two and a half hours"), Some((5, 9000)));
        assert_eq!(read("one hour and ten minutes"), Some((5, 4200)));
        assert_eq!(read("one minute thirty"), Some((3, 90)));
        assert_eq!(read("three quarters of an hour"), Some((5, 2700)));
        assert_eq!(read("90s"), Some((2, 90)));
        assert_eq!(read("a couple of minutes"), Some((4, 120)));
        assert_eq!(read("ten"), None);
        assert_eq!(read("zero minutes"), None);
        assert_eq!(read("999999999999 weeks"), None);
        assert_eq!(spoken_duration(5401.0), "1 hour 30 minutes 1 second");
    }
}
