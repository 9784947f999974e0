//! Strings made for machines: phone numbers, versions, addresses, links, file names.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::numbers::{cardinal, each_digit};

/// Most atoms that a phone number or a link is looked for in: keeps the time linear.
const REACH: isize = 64;
/// Most parts of a link's path that are said.
const MAX_PATH: usize = 4;

/// Phone numbers, versions and network addresses.
pub(super) fn code(c: &Cursor) -> Option<Match> {
    phone(c).or_else(|| version(c)).or_else(|| hash_number(c))
}

/// "555-1234", "(555) 123-4567", "+1 555 123 4567", "1-800-555-0199", "1-800-FLOWERS".
fn phone(c: &Cursor) -> Option<Match> {
    if !(c.starts() || c.is(0, '(') || c.is(0, '+')) || matches!(c.symbol(-1), Some('-' | '.')) {
        return None;
    }
    let plus = c.is(0, '+');
    let mut k = isize::from(plus);
    let mut groups: Vec<&str> = Vec::new();
    let mut end = 0;
    while k < REACH {
        let open = isize::from(c.is(k, '('));
        let Some(digits) = c.number(k + open) else { break };
        k += open + 1 + isize::from(open > 0 && c.is(k + 2, ')'));
        groups.push(digits);
        end = k;
        let bracketed = plus || c.is(0, '(') || open > 0 || c.is(1, '(') || c.is(2, '(');
        k += match c.kind(k) {
            Some(Kind::Symbol('-' | '.')) => 1,
            Some(Kind::Symbol('(')) => 0,
            Some(Kind::Space) if bracketed || c.is(k + 1, '(') => 1,
            _ => break,
        };
    }
    let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
    let vanity = lengths == [1, 3]
        && c.word(end + 1).is_some_and(|w| w.len() >= 4 && w.chars().all(char::is_uppercase));
    let total: usize = lengths.iter().sum();
    let known = matches!(lengths[..], [3, 4] | [3, 3, 4] | [1, 3, 3, 4] | [3, 7] | [1, 10])
        || vanity
        || (plus && (7..=15).contains(&total));
    // "555.1234" is a number; only dashes make a short phone number.
    if !known || (lengths == [3, 4] && !c.is(1, '-')) || c.word(end).is_some() {
        return None;
    }
    let said: Vec<String> = groups.iter().map(|g| spoken_group(g)).collect();
    let say = format!("{}{}", if plus { "plus " } else { "" }, said.join(", "));
    Some(Match { atoms: end, say })
}

fn spoken_group(digits: &str) -> String {
    match digits {
        "800" => "eight hundred".to_owned(),
        "900" => "nine hundred".to_owned(),
        _ => each_digit(digits),
    }
}

/// "v2.1", "1.2.3", "192.168.0.1".
fn version(c: &Cursor) -> Option<Match> {
    let named = isize::from(matches!(c.word(0), Some("v" | "V")) && c.number(1).is_some());
    let mut parts = vec![c.number(named)?];
    let mut k = named + 1;
    while c.is(k, '.')
        && let Some(part) = c.number(k + 1)
        && k < REACH
    {
        parts.push(part);
        k += 2;
    }
    if named == 0 && (parts.len() < 3 || c.is(-1, '.')) {
        return None;
    }
    let joint = if parts.len() == 4 { " dot " } else { " point " };
    let said: Vec<String> = parts.iter().map(|p| part_of(p)).collect();
    let say = format!("{}{}", if named > 0 { "version " } else { "" }, said.join(joint));
    Some(Match { atoms: k, say })
}

fn part_of(digits: &str) -> String {
    if digits.len() > 1 && digits.starts_with('0') || digits.len() > 3 {
        each_digit(digits)
    } else {
        cardinal(digits)
    }
}

/// "#5", "No. 5".
fn hash_number(c: &Cursor) -> Option<Match> {
    if c.is(0, '#') && c.starts() {
        let digits = c.number(1)?;
        let said = if digits.len() > 4 { each_digit(digits) } else { cardinal(digits) };
        return Some(Match { atoms: 2, say: format!("number {said}") });
    }
    None
}

/// Links, e-mail addresses, and names with dots ("example.com", "main.rs").
pub(super) fn address(c: &Cursor) -> Option<Match> {
    // "~/notes.md" and "/etc/hosts.conf" start with a slash.
    let rooted = c.is(-1, '/') && matches!(c.kind(-2), None | Some(Kind::Space | Kind::Symbol('~')));
    if !(c.starts() || rooted) || !matches!(c.kind(0), Some(Kind::Word | Kind::Number)) {
        return None;
    }
    let end = chunk_end(c)?;
    let last = c.atom(end - 1)?;
    let chunk = &c.text[c.atom(0)?.start..last.end];
    let say = link(chunk).or_else(|| email(chunk)).or_else(|| host(chunk)).or_else(|| file(chunk))?;
    Some(Match { atoms: end, say })
}

/// Where the run without blanks ends, punctuation at its end left off.
fn chunk_end(c: &Cursor) -> Option<isize> {
    // Cheap refusal: an address has one of these within reach.
    let mut end = 0;
    let mut telling = false;
    while end < REACH * 2 {
        match c.kind(end) {
            None | Some(Kind::Space | Kind::Break) => break,
            Some(Kind::Symbol('.' | '@' | ':')) if c.word(end + 1).is_some() || c.is(end + 1, '/') => {
                telling = true
            }
            Some(Kind::Symbol('—' | '…' | '“' | '”' | '<' | '>')) => break,
            _ => {}
        }
        end += 1;
    }
    if !telling {
        return None;
    }
    while matches!(c.symbol(end - 1), Some('.' | ',' | ';' | ':' | '!' | '?' | ')' | '"' | '\'' | '*')) {
        end -= 1;
    }
    (end > 2).then_some(end)
}

fn link(chunk: &str) -> Option<String> {
    let body = ["https://", "http://", "ftp://", "ws://", "wss://", "file://"]
        .iter()
        .find_map(|s| chunk.strip_prefix(s));
    let body = body.or_else(|| chunk.starts_with("www.").then_some(chunk))?;
    Some(located(body))
}

/// A host and its path, without query and fragment.
fn located(body: &str) -> String {
    let body = body.split(['?', '#']).next().unwrap_or_default();
    let body = body.strip_prefix("www.").unwrap_or(body);
    let mut parts = body.split('/').filter(|part| !part.is_empty());
    let mut say = parts.next().map(dotted).unwrap_or_default();
    for part in parts.take(MAX_PATH) {
        say.push_str(" slash ");
        say.push_str(&dotted(part));
    }
    say
}

fn email(chunk: &str) -> Option<String> {
    let (user, host) = chunk.strip_prefix("mailto:").unwrap_or(chunk).split_once('@')?;
    (!user.is_empty() && host.contains('.') && !host.contains('/'))
        .then(|| format!("{} at {}", dotted(user), dotted(host)))
}

/// "example.com/path" with a well-known top-level domain.
fn host(chunk: &str) -> Option<String> {
    let name = chunk.split(['/', ':', '?']).next()?;
    let tld = name.rsplit_once('.')?.1;
    const KNOWN: [&str; 26] = [
        "com", "org", "net", "io", "ai", "dev", "edu", "gov", "app", "co", "uk", "de", "fr", "eu", "us",
        "ca", "au", "jp", "ch", "nl", "info", "tv", "me", "fm", "tech", "local",
    ];
    let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    (valid && KNOWN.contains(&tld)).then(|| located(chunk))
}

/// "config.toml", "src/main.rs".
fn file(chunk: &str) -> Option<String> {
    let (stem, extension) = chunk.rsplit_once('.')?;
    const KNOWN: [&str; 40] = [
        "rs", "py", "js", "ts", "md", "txt", "toml", "json", "yaml", "yml", "html", "css", "c", "h", "cpp",
        "go", "java", "sh", "xml", "csv", "pdf", "png", "jpg", "jpeg", "gif", "svg", "mp3", "mp4", "wav",
        "zip", "gz", "log", "ini", "conf", "exe", "onnx", "lock", "bin", "sql", "ipynb",
    ];
    let valid = stem.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/'));
    (valid && KNOWN.contains(&extension)).then(|| {
        let parts: Vec<String> = chunk.split('/').filter(|part| !part.is_empty()).map(dotted).collect();
        parts.join(" slash ")
    })
}

/// One dotted name in words.
fn dotted(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let same = |c: char| {
            if c.is_ascii_digit() {
                0
            } else if c.is_alphabetic() {
                1
            } else {
                2
            }
        };
        let length =
            if same(c) == 2 { c.len_utf8() } else { rest.find(|d| same(d) != same(c)).unwrap_or(rest.len()) };
        let (part, tail) = rest.split_at(length);
        rest = tail;
        match (same(c), c) {
            (0, _) if part.len() < 3 && !part.starts_with('0') => words.push(cardinal(part)),
            (0, _) => words.push(each_digit(part)),
            (1, _) => words.push(name_part(part)),
            (_, '.') => words.push("dot".to_owned()),
            (_, '-') => words.push("dash".to_owned()),
            (_, '_') => words.push("underscore".to_owned()),
            (_, '+') => words.push("plus".to_owned()),
            (_, ':') => words.push("colon".to_owned()),
            (_, '@') => words.push("at".to_owned()),
            _ => {}
        }
    }
    words.join(" ")
}

/// Short names without a vowel, and endings known by their letters, are spelled.
fn name_part(part: &str) -> String {
    const SPELLED: [&str; 24] = [
        "io", "ai", "uk", "us", "eu", "tv", "fm", "js", "ts", "rs", "py", "md", "html", "css", "cpp", "csv",
        "pdf", "png", "svg", "mp", "jp", "au", "ca", "sql",
    ];
    let lower = part.to_lowercase();
    if lower == "src" {
        return "source".to_owned();
    }
    let voiceless = lower.len() < 6 && !lower.contains(['a', 'e', 'i', 'o', 'u', 'y']) && lower.is_ascii();
    if voiceless || SPELLED.contains(&lower.as_str()) {
        format!("^{}", lower.to_uppercase())
    } else {
        part.to_owned()
    }
}
