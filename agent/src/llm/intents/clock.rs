//! Times of day in words or digits.

use super::number::{small, tens};

/// The time of day at the beginning of `words` (hour 0–23, minute), and how many words it takes.
/// Without "pm", "in the evening" or the like, the hour is the one that was said.
pub(super) fn time(words: &[String]) -> Option<(usize, (u32, u32))> {
    let (mut used, (mut hour, minute)) = base(words)?;
    if let Some((taken, afternoon)) = half_of_day(&words[used..]) {
        used += taken;
        hour = match (hour, afternoon) {
            (1..=11, true) => hour + 12,
            (12, false) => 0,
            _ => hour,
        };
    }
    Some((used, (hour, minute)))
}

fn word(words: &[String], at: usize) -> &str {
    words.get(at).map_or("", String::as_str)
}

fn base(words: &[String]) -> Option<(usize, (u32, u32))> {
    match word(words, 0) {
        "noon" | "midday" => return Some((1, (12, 0))),
        "midnight" => return Some((1, (0, 0))),
        _ => {}
    }
    if let Some(found) = relative(words) {
        return Some(found);
    }
    if let Some((hour, minute)) = word(words, 0).split_once(':') {
        let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
        return (hour < 24 && minute < 60).then_some((1, (hour, minute)));
    }
    let (used, hour) = count(words)?;
    if hour > 23 {
        return None;
    }
    if ["o'clock", "oclock"].contains(&word(words, used)) {
        return Some((used + 1, (hour, 0)));
    }
    if ["oh", "o"].contains(&word(words, used))
        && let Some(minute) = small(word(words, used + 1)).filter(|minute| (1..10).contains(minute))
    {
        return Some((used + 2, (hour, minute)));
    }
    match count(&words[used..]).filter(|(_, minute)| (10..60).contains(minute)) {
        Some((taken, minute)) => Some((used + taken, (hour, minute))),
        None => Some((used, (hour, 0))),
    }
}

/// "half past three", "ten to six".
fn relative(words: &[String]) -> Option<(usize, (u32, u32))> {
    let article = usize::from(word(words, 0) == "a");
    let (mut used, minutes) = match word(words, article) {
        "half" => (article + 1, 30),
        "quarter" => (article + 1, 15),
        _ => count(words).filter(|(_, minutes)| (1..60).contains(minutes))?,
    };
    used += usize::from(["minute", "minutes"].contains(&word(words, used)));
    let past = match word(words, used) {
        "past" | "after" => true,
        "to" | "before" if minutes != 30 => false,
        _ => return None,
    };
    let (taken, hour) = match word(words, used + 1) {
        "noon" => (1, 12),
        "midnight" => (1, 0),
        _ => count(words.get(used + 1..)?).filter(|(_, hour)| *hour < 24)?,
    };
    let hour_before = if hour == 0 { 23 } else { hour - 1 };
    let time = match (past, hour) {
        (true, _) => (hour, minutes),
        // "ten to one" is 12:50 and not 0:50.
        (false, 1) => (12, 60 - minutes),
        (false, _) => (hour_before, 60 - minutes),
    };
    Some((used + 1 + taken, time))
}

/// 0 to 59, in words or digits.
fn count(words: &[String]) -> Option<(usize, u32)> {
    let first = word(words, 0);
    if let Some(value) = small(first) {
        return Some((1, value));
    }
    if let Some(ten) = tens(first).filter(|ten| *ten < 60) {
        return Some(match small(word(words, 1)).filter(|unit| (1..10).contains(unit)) {
            Some(unit) => (2, ten + unit),
            None => (1, ten),
        });
    }
    let value = first.parse::<u32>().ok().filter(|value| *value < 60 && first.len() <= 2)?;
    Some((1, value))
}

/// Whether it is after noon, and how many words say so.
fn half_of_day(words: &[String]) -> Option<(usize, bool)> {
    let pair = (word(words, 0), word(words, 1));
    match pair {
        ("am", _) => Some((1, false)),
        ("pm" | "tonight", _) => Some((1, true)),
        ("a", "m") => Some((2, false)),
        ("p", "m") => Some((2, true)),
        ("at", "night") => Some((2, true)),
        ("this", "morning") => Some((2, false)),
        ("this", "afternoon" | "evening") => Some((2, true)),
        ("in", "the") => match word(words, 2) {
            "morning" => Some((3, false)),
            "afternoon" | "evening" => Some((3, true)),
            _ => None,
        },
        _ => None,
    }
}

/// "7:30 PM"; without a half of the day from one to twelve, which may have been said either way.
pub(super) fn spoken_time((hour, minute): (u32, u32)) -> String {
    match hour {
        0 => format!("12:{minute:02} AM"),
        1..=12 => format!("{hour}:{minute:02}"),
        _ => format!("{}:{minute:02} PM", hour - 12),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn a_time_is_not_misread() {
        let read = |text: &str| time(&words(text));
        assert_eq!(read("seven thirty"), Some((2, (7, 30))));
        assert_eq!(read("seven p m"), Some((3, (19, 0))));
        assert_eq!(read("7:30pm"), Some((2, (19, 30))));
        assert_eq!(read("7.30"), None);
        assert_eq!(read("half past three in the afternoon"), Some((6, (15, 30))));
        assert_eq!(read("a quarter to one"), Some((4, (12, 45))));
        assert_eq!(read("ten minutes to midnight"), Some((4, (23, 50))));
        assert_eq!(read("twelve oh five am"), Some((4, (0, 5))));
        assert_eq!(read("three o'clock"), Some((2, (3, 0))));
        assert_eq!(read("twenty one forty five"), Some((4, (21, 45))));
        assert_eq!(read("noon"), Some((1, (12, 0))));
        assert_eq!(read("25:00"), None);
        assert_eq!(read("sixty"), None);
        assert_eq!(spoken_time((19, 5)), "7:05 PM");
    }
}
