//! Strings made for machines: versions, network addresses, links, file names.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::numbers::{cardinal, each_digit};

/// Most atoms that a phone number or a link is looked for in: keeps the time linear.
const REACH: isize = 64;
/// Most parts of a link's path that are said.
const MAX_PATH: usize = 4;

/// What may stand behind a version, after a hyphen.
const TAGS: &[&str] =
    &["beta", "alpha", "rc", "dev", "preview", "pre", "snapshot", "SNAPSHOT", "stable", "lts"];

/// "v2.1", "1.2.3", "192.168.0.1", "2.0.0-beta.1".
pub(super) fn version(c: &Cursor) -> Option<Match> {
    let named = isize::from(matches!(c.word(0), Some("v" | "V")) && c.number(1).is_some() && c.starts());
    let pointed = isize::from(named > 0 && c.is(1, '.'));
    let mut parts = vec![c.number(named + pointed)?];
    let mut k = named + pointed + 1;
    while c.is(k, '.')
        && let Some(part) = c.number(k + 1)
        && k < REACH
    {
        parts.push(part);
        k += 2;
    }
    let thousands = parts.len() > 1 && parts.len() < 4 && parts.iter().skip(1).all(|part| part.len() == 3);
    if named == 0 && (parts.len() < 3 || c.is(-1, '.')) || thousands {
        return None;
    }
    let network = parts.len() == 4 && named == 0;
    let mut said: Vec<String> = parts.iter().map(|p| part_of(p)).collect();
    // "v1.0.0" is version one point zero.
    while named > 0 && said.len() > 2 && said.last().is_some_and(|p| p == "zero") {
        said.pop();
    }
    let told = c
        .word_before()
        .is_some_and(|w| matches!(w.to_lowercase().as_str(), "version" | "versions" | "ver" | "release"));
    let version = if named > 0 && !told { "version " } else { "" };
    let say = format!("{version}{}", said.join(if network { " dot " } else { " point " }));
    let behind = if network { port_or_mask(c, k) } else { None };
    let (say, k) = behind.map_or((say.clone(), k), |(more, k)| (say + &more, k));
    let (say, k) = tag(c, k).map_or((say.clone(), k), |(more, k)| (say + &more, k));
    Some(Match { atoms: k, say })
}

/// ":8080", "/24" behind an address.
fn port_or_mask(c: &Cursor, k: isize) -> Option<(String, isize)> {
    let number = c.number(k + 1)?;
    if c.is(k, ':') {
        return Some((format!(" colon {}", each_digit(number)), k + 2));
    }
    c.is(k, '/').then(|| (format!(" slash {}", cardinal(number)), k + 2))
}

/// "-beta.1", "-rc2" behind a version.
fn tag(c: &Cursor, k: isize) -> Option<(String, isize)> {
    let tag = c.word(k + 1).filter(|word| c.is(k, '-') && TAGS.contains(word))?;
    let said = if tag == "rc" { "^RC".to_owned() } else { tag.to_lowercase() };
    let k = k + 2;
    let joint = isize::from(c.is(k, '.'));
    Some(match c.number(k + joint) {
        Some(number) => (format!(" {said} {}", cardinal(number)), k + joint + 1),
        None => (format!(" {said}"), k),
    })
}

fn part_of(digits: &str) -> String {
    if digits.len() > 1 && digits.starts_with('0') || digits.len() > 3 {
        each_digit(digits)
    } else {
        cardinal(digits)
    }
}

/// "#FF5733": a color, character by character.
fn hex_color(c: &Cursor) -> Option<Match> {
    let start = c.atom(1)?.start;
    let length = c.text[start..].bytes().take_while(u8::is_ascii_hexdigit).count();
    let text = &c.text[start..start + length];
    let mixed = text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic());
    let atoms = Cursor { at: c.at + 1, ..*c }.atoms_within(length).filter(|_| length == 6 && mixed)?;
    Some(Match { atoms: 1 + atoms, say: format!("hash {}", super::places::characters(text)) })
}

/// "#5", "No. 5".
pub(super) fn hash_number(c: &Cursor) -> Option<Match> {
    if c.is(0, '#') && c.starts() {
        if let Some(color) = hex_color(c) {
            return Some(color);
        }
        let digits = c.number(1)?;
        if c.word(2).is_some() || c.is(2, '-') {
            return Some(Match { atoms: 1, say: "number".to_owned() });
        }
        let coded =
            super::context::style(c, digits.len()) == Some(super::context::Style::Digits) && digits.len() > 2;
        let said = if digits.len() > 4 || coded { each_digit(digits) } else { cardinal(digits) };
        let told = c.word_before().is_some_and(|w| matches!(w.to_lowercase().as_str(), "number" | "numbers"));
        if told {
            return Some(Match { atoms: 2, say: said });
        }
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

/// What ends an address without its scheme, or a name that is one.
const DOMAINS: &[&str] = &[
    "ly", "gg", "gl", "be", "xyz", "biz", "store", "online", "shop", "site", "cloud", "nz", "in", "es", "it",
    "se", "no", "fi", "pl", "br", "mx", "ie", "at", "dk", "health", "news", "world", "life", "bank",
    "travel", "museum", "mil", "int", "support", "help", "link", "page", "to", "cc", "is", "so", "sh", "com",
    "org", "net", "io", "ai", "dev", "edu", "gov", "app", "co", "uk", "de", "fr", "eu", "us", "ca", "au",
    "jp", "ch", "nl", "info", "tv", "me", "fm", "tech", "local",
];

/// "example.com/path" with a well-known top-level domain.
fn host(chunk: &str) -> Option<String> {
    let name = chunk.split(['/', ':', '?']).next()?;
    let tld = name.rsplit_once('.')?.1;
    let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    // "it.is" and "no.at" are two sentences that ran together.
    let short = matches!(tld, "in" | "it" | "is" | "so" | "no" | "at" | "to" | "be" | "me" | "us")
        && !chunk.contains('/')
        && !chunk.starts_with("www");
    (valid && DOMAINS.contains(&tld) && (!short || matches!(tld, "us" | "me" | "be"))).then(|| located(chunk))
}

/// Extensions that tell a file from a sentence's end without a blank.
const EXTENSIONS: &[&str] = &[
    "docx",
    "xlsx",
    "pptx",
    "doc",
    "xls",
    "ppt",
    "webp",
    "flac",
    "ogg",
    "m4a",
    "mov",
    "avi",
    "mkv",
    "webm",
    "tar",
    "env",
    "cfg",
    "bak",
    "tmp",
    "dmg",
    "iso",
    "apk",
    "deb",
    "rpm",
    "epub",
    "heic",
    "svg",
    "tsx",
    "jsx",
    "rb",
    "php",
    "kt",
    "swift",
    "cs",
    "vtt",
    "srt",
    "safetensors",
    "gguf",
    "parquet",
    "rs",
    "py",
    "js",
    "ts",
    "md",
    "txt",
    "toml",
    "json",
    "yaml",
    "yml",
    "html",
    "css",
    "c",
    "h",
    "cpp",
    "go",
    "java",
    "sh",
    "xml",
    "csv",
    "pdf",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "mp3",
    "mp4",
    "wav",
    "zip",
    "gz",
    "log",
    "ini",
    "conf",
    "exe",
    "onnx",
    "lock",
    "bin",
    "sql",
    "ipynb",
];

/// "config.toml", "src/main.rs".
fn file(chunk: &str) -> Option<String> {
    let (stem, extension) = chunk.rsplit_once('.')?;
    let valid = stem.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/'));
    (valid && EXTENSIONS.contains(&extension)).then(|| {
        let parts: Vec<String> = chunk.split('/').filter(|part| !part.is_empty()).map(dotted).collect();
        parts.join(" slash ")
    })
}

/// One dotted name in words.
fn dotted(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = name;
    // "3xYz", "dQw4w9WgXcQ": no words, so letter by letter.
    let humps = name
        .as_bytes()
        .windows(2)
        .filter(|w| {
            w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase()
                || w[0].is_ascii_digit() && w[1].is_ascii_alphabetic()
        })
        .count();
    let random = !name.contains(['.', '@', '_', '-'])
        && name.bytes().any(|b| b.is_ascii_digit())
        && humps > 0
        && name.len() > 3
        && name.is_ascii();
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
            (1, _) if random => words.push(super::places::characters(part)),
            (0, _) if random => words.push(each_digit(part)),
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
pub(super) fn name_part(part: &str) -> String {
    const SPELLED: &[&str] = &[
        "ly", "gg", "gl", "exe", "tsx", "jsx", "xls", "ppt", "dmg", "apk", "rpm", "yml", "xml", "gz", "php",
        "vtt", "srt", "cs", "cfg", "nz", "sh", "id", "io", "ai", "uk", "us", "eu", "tv", "fm", "js", "ts",
        "rs", "py", "md", "html", "css", "cpp", "csv", "pdf", "png", "svg", "mp", "jp", "au", "ca", "sql",
    ];
    let lower = part.to_lowercase();
    if lower.len() == 1 && lower.is_ascii() {
        return format!("^{}", lower.to_uppercase());
    }
    let said = match lower.as_str() {
        "src" => Some("source"),
        "wav" => Some("wave"),
        "jpg" | "jpeg" => Some("jay peg"),
        "docx" => Some("doc ^X"),
        "xlsx" => Some("^XLS ^X"),
        "pptx" => Some("^PPT ^X"),
        "webp" => Some("web ^P"),
        "gmail" => Some("Gmail"),
        _ => None,
    };
    if let Some(said) = said {
        return said.to_owned();
    }
    let voiceless = lower.len() < 6 && !lower.contains(['a', 'e', 'i', 'o', 'u', 'y']) && lower.is_ascii();
    if voiceless || SPELLED.contains(&lower.as_str()) {
        format!("^{}", lower.to_uppercase())
    } else {
        part.to_owned()
    }
}
