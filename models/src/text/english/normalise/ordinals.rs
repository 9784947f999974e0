//! Ordinals and decades: "21st", "1990s".

use super::Match;
use super::atoms::Cursor;
use super::context::{follows, near};
use super::numbers::{cardinal, decade, ordinal};

/// "21st", "1990s", "'90s", "90s".
pub(super) fn ordinals(c: &Cursor) -> Option<Match> {
    let digits = c.number(0)?;
    let mut digits = digits.to_owned();
    let mut k = 1;
    while c.is(k, ',')
        && let Some(group) = c.number(k + 1).filter(|g| g.len() == 3)
    {
        digits.push_str(group);
        k += 2;
    }
    let say = match (c.word(k)?, digits.len()) {
        ("st" | "nd" | "rd" | "th", _) => ordinal(&digits),
        ("s", 4) if digits.ends_with('0') => decade(&digits),
        ("s", 2) if digits.ends_with('0') && digits.as_str() > "10" && of_an_age(c) => {
            super::numbers::plural_of(&cardinal(&digits))
        }
        _ => return None,
    };
    Some(Match { atoms: k + 1, say })
}

/// What a decade is the style of.
const STYLED: &[&str] = &[
    "music",
    "rock",
    "pop",
    "movie",
    "movies",
    "film",
    "films",
    "fashion",
    "hits",
    "song",
    "songs",
    "style",
    "icon",
    "nostalgia",
    "throwback",
    "kid",
    "kids",
    "party",
    "theme",
    "vibe",
    "vibes",
    "hair",
    "sitcom",
    "cartoon",
    "cartoons",
    "classic",
    "classics",
    "dance",
    "disco",
    "metal",
    "tv",
    "show",
    "shows",
    "night",
    "band",
    "bands",
    "playlist",
];
/// Before a decade of life or of a century.
const DATED: &[&str] = &[
    "the",
    "his",
    "her",
    "their",
    "my",
    "your",
    "our",
    "early",
    "mid",
    "late",
    "low",
    "high",
    "upper",
    "lower",
    "and",
    "seventies",
];
/// Before a time that is waited.
const WAITS: &[&str] = &["for", "wait", "takes", "took", "every", "timeout", "after"];

/// Whether "20s" here are the twenties and not seconds.
fn of_an_age(c: &Cursor) -> bool {
    let before = c.word_before().unwrap_or_default();
    let before = if c.is(-1, '-') { c.word(-2).unwrap_or_default() } else { before };
    c.is(-1, '\'')
        || follows(c, 2, STYLED, 1)
        || DATED.contains(&before.to_lowercase().as_str()) && !near(c, WAITS, 2)
}
