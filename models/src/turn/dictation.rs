//! Whether somebody is in the midst of a number, a spelling or an address: what is dictated comes in groups, with pauses in
//! which nobody may cut in.

use crate::text::english::{SMALL_NUMBERS, TENS};

/// How likely it is that more follows in the midst of a dictation.
const GOES_ON: f32 = 0.02;
/// A dictation that is as long as such things are.
const AS_LONG_AS_USUAL: f32 = 0.45;
/// Words that sound finished but lack what is usual after them.
const LACKS_SOMETHING: f32 = 0.15;

/// Other words for the digit 0.
const ZEROS: &[&str] = &["oh", "o", "nought"];
/// What recognisers write for digits; only among digits is it one.
const SOUND_LIKE_DIGITS: &[&str] =
    &["for", "to", "too", "ate", "won", "on", "tree", "fife", "niner", "sex", "nein", "forth"];
/// What makes a number of the words for 0 to 99 larger.
const SCALES: &[&str] = &["hundred", "thousand"];
/// One digit said of several.
const REPEATS: &[(&str, usize)] = &[("double", 2), ("triple", 3), ("treble", 3)];
/// What stands between parts of an address on the Internet.
const JOINTS: &[&str] =
    &["dot", "point", "period", "underscore", "dash", "hyphen", "slash", "plus", "hash", "minus"];
/// Ends of such an address.
const DOMAINS: &[&str] = &[
    "com", "org", "net", "edu", "gov", "io", "dev", "info", "eu", "uk", "us", "de", "fr", "es", "it", "nl",
    "ch", "at", "ca", "au", "in", "jp", "cn", "br", "mx", "me", "ai", "app",
];
/// Things that are said digit by digit, and how many digits they usually have; none: any number of them.
const NUMBERED: &[(&str, &[usize])] = &[
    ("phone", &[7, 10, 11, 12]),
    ("telephone", &[7, 10, 11, 12]),
    ("mobile", &[10, 11, 12]),
    ("cell", &[10, 11]),
    ("fax", &[7, 10, 11, 12]),
    ("card", &[15, 16]),
    ("pin", &[4, 6]),
    ("zip", &[5, 9]),
    ("postcode", &[]),
    ("postal", &[]),
    ("social", &[9]),
    ("account", &[]),
    ("number", &[10, 11, 12, 16]),
    ("numbers", &[]),
    ("code", &[4, 6, 8]),
    ("serial", &[]),
    ("order", &[]),
    ("reference", &[]),
    ("confirmation", &[6]),
    ("tracking", &[]),
    ("passport", &[9]),
    ("license", &[]),
    ("licence", &[]),
    ("policy", &[]),
    ("invoice", &[]),
    ("iban", &[]),
    ("extension", &[3, 4]),
    ("password", &[]),
    ("id", &[]),
];
/// Groups of digits that end by themselves where nothing says what they are.
const USUAL_LENGTHS: &[usize] = &[10, 11, 12, 16];
const STREETS: &[&str] = &[
    "street",
    "road",
    "avenue",
    "lane",
    "drive",
    "way",
    "court",
    "place",
    "square",
    "boulevard",
    "terrace",
    "close",
    "crescent",
    "parkway",
    "highway",
];
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// What is at hand before its noun.
const ADJECTIVES: &[&str] = &[
    "large", "small", "medium", "big", "little", "new", "old", "red", "green", "blue", "black", "white",
    "first", "second", "third", "next", "last", "other", "extra",
];
/// Places and times that follow "at" without an address.
const AFTER_AT: &[&str] = &[
    "home",
    "work",
    "school",
    "noon",
    "night",
    "midnight",
    "lunch",
    "dinner",
    "breakfast",
    "least",
    "most",
    "once",
    "all",
    "last",
    "first",
    "random",
    "risk",
    "that",
    "this",
    "it",
    "me",
    "you",
    "him",
    "her",
    "them",
    "us",
    "the",
    "a",
    "an",
    "my",
    "your",
    "our",
    "their",
    "college",
    "university",
    "church",
];

/// Words that begin questions about addresses, not addresses.
const OPENERS: &[&str] =
    &["what", "what's", "where", "where's", "which", "who", "is", "was", "do", "does", "can", "could"];

/// The probability that the turn is over, if the last of `words` (bare, lower case) are dictated; `None`: they are not.
pub(super) fn judge(words: &[&str]) -> Option<f32> {
    spelling(words)
        .or_else(|| internet(words))
        .or_else(|| digits(words))
        .or_else(|| address(words))
        .or_else(|| date_of_birth(words))
        .or_else(|| without_its_noun(words))
}

/// Letters one by one, and letters among digits.
fn spelling(words: &[&str]) -> Option<f32> {
    let run = tail(words, |word| is_letter(word) || is_digits(word));
    let letters = run.iter().filter(|word| is_letter(word)).count();
    // "a" and "I" alone are words.
    let alone = run.len() == 1 && matches!(run[0], "a" | "i" | "o");
    let announced = words.iter().any(|word| matches!(*word, "spell" | "spelled" | "spelt" | "spelling"));
    (letters > 0 && !alone && (run.len() > 1 || announced)).then_some(GOES_ON)
}

/// An e-mail or web address, until it ends as they end.
fn internet(words: &[&str]) -> Option<f32> {
    let last = *words.last()?;
    let named = words.iter().any(|word| matches!(*word, "email" | "e-mail" | "website" | "url"))
        || words
            .windows(2)
            .any(|pair| pair == ["e", "mail"] || pair == ["web", "address"] || pair == ["mail", "address"]);
    let before = words.len().checked_sub(2).map(|i| words[i]);
    if before == Some("dot") && DOMAINS.contains(&last) {
        return Some(0.7);
    }
    if JOINTS.contains(&last) && words.len() > 1 && (named || last == "dot" || last == "underscore") {
        return Some(GOES_ON);
    }
    let dotted = words.iter().rev().take(4).any(|word| matches!(*word, "dot" | "underscore"));
    if dotted {
        return Some(GOES_ON);
    }
    let after_at = before == Some("at") && !AFTER_AT.contains(&last) && !is_number(last);
    if named {
        // "My email", "my email is jane": nobody's address ends here. "Change my email address" is another matter.
        let said = words.iter().rev().take_while(|word| !matches!(**word, "is" | "it's")).count();
        let given = said < words.len() && !OPENERS.contains(&words[0]);
        let begun = words.len() <= 3 && words[0] == "my";
        return (begun || (given && (said <= 3 || after_at))).then_some(GOES_ON);
    }
    let short = words.len() == 3 || (words.len() == 4 && matches!(words[0], "it's" | "its" | "that's"));
    (after_at && short).then_some(LACKS_SOMETHING)
}

/// Digits one by one, by their number and by what they are said to be.
fn digits(words: &[&str]) -> Option<f32> {
    let run = digit_run(words);
    let with_tens = tail(words, is_number);
    if run.is_empty() {
        return tens(words, with_tens.len());
    }
    if REPEATS.iter().any(|(repeat, _)| words.last() == Some(repeat)) {
        return Some(GOES_ON);
    }
    let count = count_digits(run);
    let context = &words[..words.len() - run.len()];
    let numbered = context.iter().rev().find_map(|word| NUMBERED.iter().find(|(name, _)| name == word));
    match numbered {
        // "Who lives at number four".
        Some(_) if count == 1 && context.last() == Some(&"number") => None,
        Some((_, lengths)) if lengths.contains(&count) => Some(AS_LONG_AS_USUAL),
        Some(_) => Some(GOES_ON),
        None if USUAL_LENGTHS.contains(&count) => Some(AS_LONG_AS_USUAL),
        // A year, a total: one numeral that the recogniser wrote.
        None if run.len() == 1 && run[0].starts_with(|c: char| c.is_ascii_digit()) => None,
        None if count >= 3 => Some(GOES_ON),
        None if count == 2 && with_tens.len() <= run.len() => Some(0.1),
        None if words.len() == 1 => Some(0.4),
        None => tens(words, with_tens.len()),
    }
}

/// The digits at the end of `words`, with what sounds like them among them: at least one is a digit, and the first and last of more
/// are, or sound so beside one.
fn digit_run<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let is_digit = |word: &str| is_digits(word) || REPEATS.iter().any(|(repeat, _)| *repeat == word);
    let run = tail(words, |word| is_digit(word) || SOUND_LIKE_DIGITS.contains(&word));
    let digits = run.iter().filter(|word| is_digit(word)).count();
    if digits < 2 {
        return tail(words, is_digit);
    }
    // "A table for two": what sounds like a digit at the beginning is one only before two more.
    let first = run.iter().position(|word| is_digit(word)).unwrap_or(0);
    if digits > 2 || first == 0 { run } else { &run[first - 1..] }
}

/// Numbers in words, `run` of them at the end.
fn tens(words: &[&str], run: usize) -> Option<f32> {
    let context = &words[..words.len() - run];
    if run == 0 {
        return None;
    }
    if context.is_empty() && run > 1 {
        return Some(LACKS_SOMETHING);
    }
    // "A timer for ten": minutes or seconds.
    let timed =
        context.iter().any(|word| matches!(*word, "timer" | "alarm" | "remind" | "reminder" | "minutes"));
    let duration = context.last().is_some_and(|word| matches!(*word, "for" | "in"));
    if timed && duration {
        return Some(LACKS_SOMETHING);
    }
    let hour = context.last() == Some(&"at") && run == 1;
    (hour && words.len() <= 6).then_some(0.35)
}

/// A house number and a street want a town.
fn address(words: &[&str]) -> Option<f32> {
    let at = words.iter().rposition(|word| matches!(*word, "address" | "live"))?;
    if OPENERS.contains(&words[0]) {
        return None;
    }
    let said = words[at + 1..].iter().filter(|word| !matches!(**word, "is" | "at" | "on" | "in")).count();
    let street = words.last().is_some_and(|last| STREETS.contains(last));
    let number = words.last().is_some_and(|last| is_number(last));
    match said {
        0 => words[at + 1..].last().map(|_| GOES_ON),
        _ if street || number => Some(GOES_ON),
        _ => None,
    }
}

/// "My birthday is march third": the year is to come.
fn date_of_birth(words: &[&str]) -> Option<f32> {
    let named = words.iter().any(|word| matches!(*word, "birthday" | "birth" | "born"));
    let month = words.iter().rposition(|word| MONTHS.contains(word))?;
    (named && (2..=3).contains(&(words.len() - month))).then_some(LACKS_SOMETHING)
}

/// "Two large": of what?
fn without_its_noun(words: &[&str]) -> Option<f32> {
    let [.., before, last] = words else { return None };
    let counted = is_number(before) || matches!(*before, "a" | "an" | "some");
    (words.len() > 2 && counted && ADJECTIVES.contains(last)).then_some(LACKS_SOMETHING)
}

/// The longest end of `words` of which all are `of` a kind.
fn tail<'a, 'b>(words: &'a [&'b str], of: impl Fn(&str) -> bool) -> &'a [&'b str] {
    let others = words.iter().rposition(|word| !of(word)).map_or(0, |at| at + 1);
    &words[others..]
}

fn is_letter(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

/// A word for one digit, or a numeral.
fn is_digits(word: &str) -> bool {
    SMALL_NUMBERS[..10].contains(&word)
        || ZEROS.contains(&word)
        || word.starts_with(|c: char| c.is_ascii_digit())
}

fn is_number(word: &str) -> bool {
    is_digits(word) || SMALL_NUMBERS.contains(&word) || TENS.contains(&word) || SCALES.contains(&word)
}

/// How many digits `run` stands for.
fn count_digits(run: &[&str]) -> usize {
    let mut times = 1;
    let mut count = 0;
    for word in run {
        if let Some((_, repeat)) = REPEATS.iter().find(|(name, _)| name == word) {
            times = *repeat;
            continue;
        }
        let written = word.chars().filter(char::is_ascii_digit).count();
        count += times * written.max(1);
        times = 1;
    }
    count
}
