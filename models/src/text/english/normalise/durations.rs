//! Lengths of time ("2h 15m", "1:02:45") and military time.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::context::{follows, near};
use super::numbers::{cardinal, each_digit};

const LASTING: &[&str] = &[
    "lasted",
    "lasts",
    "last",
    "took",
    "takes",
    "take",
    "duration",
    "runtime",
    "length",
    "elapsed",
    "ran",
    "runs",
    "timer",
    "for",
    "finished",
    "long",
    "within",
    "every",
    "wait",
    "waited",
    "pace",
    "recording",
    "recorded",
    "completed",
];

/// "2h 15m", "1m30s", "1d 4h", "1h30".
pub(super) fn compound(c: &Cursor) -> Option<Match> {
    if !c.starts() {
        return None;
    }
    let mut k = 0;
    let mut said: Vec<String> = Vec::new();
    let mut rank = 0;
    let mut end = 0;
    while let Some(digits) = c.number(k) {
        let glued = c.word(k + 1).is_some();
        let at = if glued { k + 1 } else { k + 2 };
        let named = c.word(at).filter(|_| glued || c.is_space(k + 1)).and_then(unit);
        let Some((name, this)) = named.filter(|(_, this)| *this > rank) else {
            // "1h30": minutes without their letter.
            if rank == 3 && digits.len() == 2 && k == end && !matches!(c.kind(k + 1), Some(Kind::Word)) {
                said.push(counted(digits, "minute"));
                end = k + 1;
            }
            break;
        };
        rank = this;
        said.push(counted(digits, name));
        end = at + 1;
        k = c.skip_space(
            end + isize::from(
                c.is(end, ',') || c.is(end, '.') && c.is_space(end + 1) && c.number(end + 2).is_some(),
            ),
        );
    }
    let lone = said.len() == 1
        && rank == 4
        && c.word(1) == Some("m")
        && (near(c, LASTING, 2) || near(c, &["in"], 1) && c.ends(2))
        && !follows(c, end, &["away", "deep", "tall", "long", "wide", "high", "sprint", "dash", "race"], 1);
    (said.len() > 1 || lone).then(|| Match { atoms: end, say: said.join(" ") })
}

fn counted(digits: &str, unit: &str) -> String {
    let plain = digits.trim_start_matches('0');
    let plain = if plain.is_empty() { "0" } else { plain };
    format!("{} {unit}{}", cardinal(plain), if plain == "1" { "" } else { "s" })
}

/// A unit of time and its place among them, the longest first.
fn unit(word: &str) -> Option<(&'static str, u8)> {
    Some(match word {
        "y" | "yr" | "yrs" => ("year", 1),
        "d" | "day" | "days" => ("day", 2),
        "h" | "hr" | "hrs" | "H" => ("hour", 3),
        "m" | "min" | "mins" => ("minute", 4),
        "s" | "sec" | "secs" => ("second", 5),
        "ms" => ("millisecond", 6),
        _ => return None,
    })
}

/// "1:02:45" and, where something lasts, "3:45".
pub(super) fn elapsed(c: &Cursor) -> Option<Match> {
    if !c.starts() {
        return None;
    }
    let two = |k: isize| c.number(k).filter(|d| d.len() == 2 && *d < "60" && c.is(k - 1, ':'));
    let first = c.number(0).filter(|d| d.len() <= 3)?;
    let second = two(2)?;
    let lasting = near(c, &LASTING[..18], 3)
        || near(c, &["is"], 1)
            && near(c, &["duration", "length", "runtime", "time"], 4)
            && near(c, &["running", "total", "talk", "elapsed", "record"], 4);
    if !lasting || near(c, &["at", "until", "by", "from"], 1) {
        return None;
    }
    let end = if two(4).is_some() { 5 } else { 3 };
    if super::calendar::day_half(c, end).is_some() {
        return None;
    }
    let say = match two(4) {
        Some(third) => format!(
            "{}, {} and {}",
            counted(first, "hour"),
            counted(second, "minute"),
            counted(third, "second")
        ),
        None => format!("{} and {}", counted(first, "minute"), counted(second, "second")),
    };
    Some(Match { atoms: end, say })
}

/// "0600 hours", "1430 hrs".
pub(super) fn military(c: &Cursor) -> Option<Match> {
    let digits = c.number(0).filter(|d| d.len() == 4 && *d < "2401" && &d[2..] < "60")?;
    let hours = c.is_space(1) && matches!(c.word(2), Some("hours" | "hrs"));
    let zulu = matches!(c.word(1), Some("Z" | "h"));
    let zoned = digits.starts_with('0')
        && c.is_space(1)
        && matches!(
            c.word(2),
            Some("EST" | "EDT" | "PST" | "PDT" | "CST" | "CDT" | "MST" | "GMT" | "UTC" | "local")
        );
    if !(hours
        && (digits.starts_with('0')
            || near(c, &["at", "by", "until", "from", "to"], 1)
            || &digits[2..] != "00")
        || zulu
        || zoned)
    {
        return None;
    }
    let (hour, minute) = digits.split_at(2);
    let hour = if hour == "00" {
        "zero".to_owned()
    } else if let Some(ones) = hour.strip_prefix('0') {
        format!("oh {}", cardinal(ones))
    } else {
        cardinal(hour)
    };
    let minute = match minute {
        "00" => "hundred".to_owned(),
        m if m.starts_with('0') => format!("oh {}", cardinal(&m[1..])),
        m => cardinal(m),
    };
    let (atoms, tail) = if hours {
        (3, " hours")
    } else if c.word(1) == Some("Z") {
        (2, " zulu")
    } else if zulu {
        (2, " hours")
    } else {
        (1, "")
    };
    Some(Match { atoms, say: format!("{hour} {minute}{tail}") })
}

/// "GMT-5", "UTC+5:30".
pub(super) fn offset(c: &Cursor) -> Option<Match> {
    let zone = c.word(0).filter(|w| matches!(*w, "GMT" | "UTC" | "UT"))?;
    let at = c.skip_space(1);
    let sign = match c.symbol(at)? {
        '+' => "plus",
        '-' | '–' => "minus",
        '±' => "plus or minus",
        _ => return None,
    };
    let hours = c.number(at + 1).filter(|h| h.len() <= 2 || h.len() == 4)?;
    let hours = if hours.len() == 4 { each_digit(hours) } else { cardinal(hours) };
    match c.number(at + 3).filter(|m| c.is(at + 2, ':') && m.len() == 2) {
        Some("00") => Some(Match { atoms: at + 4, say: format!("^{zone} {sign} {hours}") }),
        Some(minutes) => {
            Some(Match { atoms: at + 4, say: format!("^{zone} {sign} {hours} {}", cardinal(minutes)) })
        }
        None => Some(Match { atoms: at + 2, say: format!("^{zone} {sign} {hours}") }),
    }
}

/// "1 Corinthians": books that are counted.
pub(super) fn book(c: &Cursor) -> Option<Match> {
    let ordinal = match c.number(0).filter(|_| c.starts())? {
        "1" => "First",
        "2" => "Second",
        "3" => "Third",
        _ => return None,
    };
    let counted = matches!(
        c.word(2),
        Some(
            "Samuel"
                | "Kings"
                | "Chronicles"
                | "Corinthians"
                | "Thessalonians"
                | "Timothy"
                | "Peter"
                | "John"
        )
    );
    (counted && c.is_space(1) && c.is_space(3) && c.number(4).is_some())
        .then(|| Match { atoms: 1, say: ordinal.to_owned() })
}

/// Books that are cited by chapter and verse.
const BOOKS: &[&str] = &[
    "Genesis",
    "Exodus",
    "Leviticus",
    "Numbers",
    "Deuteronomy",
    "Joshua",
    "Judges",
    "Ruth",
    "Samuel",
    "Kings",
    "Chronicles",
    "Ezra",
    "Nehemiah",
    "Esther",
    "Job",
    "Psalm",
    "Psalms",
    "Proverbs",
    "Ecclesiastes",
    "Isaiah",
    "Jeremiah",
    "Lamentations",
    "Ezekiel",
    "Daniel",
    "Hosea",
    "Joel",
    "Amos",
    "Obadiah",
    "Jonah",
    "Micah",
    "Nahum",
    "Habakkuk",
    "Zephaniah",
    "Haggai",
    "Zechariah",
    "Malachi",
    "Matthew",
    "Mark",
    "Luke",
    "John",
    "Acts",
    "Romans",
    "Corinthians",
    "Galatians",
    "Ephesians",
    "Philippians",
    "Colossians",
    "Thessalonians",
    "Timothy",
    "Titus",
    "Philemon",
    "Hebrews",
    "James",
    "Peter",
    "Jude",
    "Revelation",
    "Surah",
    "Quran",
    "Sura",
];

/// "John 3:16", "Psalm 23:1-6": chapter and verse.
pub(super) fn verse(c: &Cursor) -> Option<Match> {
    let chapter = c.number(0).filter(|_| c.is_space(-1) && c.word(-2).is_some_and(|w| BOOKS.contains(&w)))?;
    let verse = c.number(2).filter(|_| c.is(1, ':') && super::calendar::day_half(c, 3).is_none())?;
    let mut say = format!("{} {}", cardinal(chapter), cardinal(verse));
    let mut atoms = 3;
    if matches!(c.symbol(3), Some('-' | '–'))
        && let Some(last) = c.number(4)
    {
        say.push_str(&format!(" to {}", cardinal(last)));
        atoms = 5;
    }
    Some(Match { atoms, say })
}
