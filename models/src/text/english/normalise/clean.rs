//! First step: markup, emoji and control characters go, look-alikes become one, and every byte
//! that stays knows where it came from.
//!
//! Lines matter to markup only: afterwards a line end is a space, or [`BREAK`] where it ends a
//! paragraph, a heading, a list item or a table row. Invariant: sources never decrease; time is
//! linear (look-ahead is capped at [`REACH`]).

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Stands for a line end that ends a sentence, too.
pub(super) const BREAK: char = '\u{2029}';
/// How far, in bytes, markup is searched for its end.
const REACH: usize = 1000;

/// Text without markup, with the source of each byte.
#[derive(Debug, Default)]
pub(super) struct Clean {
    pub(super) text: String,
    /// Where the source character of each byte starts and ends.
    sources: Vec<(usize, usize)>,
}

impl Clean {
    /// Cleans `text`.
    pub(super) fn new(text: &str) -> Self {
        let mut cleaner = Cleaner { clean: Self::default(), formula: false, source: text, at: 0 };
        cleaner.run();
        cleaner.clean
    }

    /// The source bytes of `range` of [`Clean::text`], which is not empty.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let start = self.sources.get(range.start).map_or(0, |s| s.0);
        let end = self.sources.get(range.end.wrapping_sub(1)).map_or(start, |s| s.1);
        start..end.max(start)
    }

    fn push(&mut self, c: char, source: Range<usize>) {
        // Of several breaks or spaces in a row the strongest stays.
        if c == BREAK || c == ' ' {
            match self.text.chars().next_back() {
                None | Some(BREAK) => return,
                Some(' ') if c == ' ' => return,
                Some(' ') => {
                    self.text.pop();
                    self.sources.pop();
                }
                _ => {}
            }
        }
        self.text.push(c);
        self.sources.extend(std::iter::repeat_n((source.start, source.end), c.len_utf8()));
    }
}

struct Cleaner<'a> {
    clean: Clean,
    /// Between two dollar signs that enclose a formula.
    formula: bool,
    source: &'a str,
    at: usize,
}

impl Cleaner<'_> {
    fn run(&mut self) {
        let mut broken = false;
        for line in self.source.split_inclusive('\n') {
            let end = self.at + line.len();
            let marked = self.line_start(line.trim_end_matches(['\n', '\r']), broken);
            while self.at < end {
                self.step(end);
            }
            // A marked line is a unit of its own; others run on into the next.
            broken = marked;
            self.formula = false;
            if marked && line.ends_with('\n') {
                self.clean.push(BREAK, end - 1..end);
            }
        }
    }

    /// Passes over what marks a line as a heading, list item, rule, …; true if something did.
    fn line_start(&mut self, line: &str, _after_marked: bool) -> bool {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if body.is_empty() {
            self.clean.push(BREAK, self.at..self.at + line.len());
            self.at += line.len();
            return true;
        }
        if is_rule(body) || body.starts_with("```") || body.starts_with("~~~") {
            self.clean.push(BREAK, self.at..self.at + line.len());
            self.at += line.len();
            return true;
        }
        let marker = marker(body);
        let numbered = body.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_numbered =
            numbered.len() < body.len() && (numbered.starts_with(". ") || numbered.starts_with(") "));
        if marker > 0 || is_numbered || body.starts_with('|') {
            self.clean.push(BREAK, self.at..self.at + indent);
            self.at += indent + marker;
            return true;
        }
        false
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    /// Cleans the next character or piece of markup before `end`.
    fn step(&mut self, end: usize) {
        let Some(c) = self.rest().chars().next() else { return };
        if let Some(length) = super::marks::citation(self.rest(), self.source[..self.at].chars().next_back())
        {
            self.at = (self.at + length).min(end);
            return;
        }
        if c == '$' && (self.formula || super::marks::opens_formula(self.rest())) {
            self.formula = !self.formula;
            let signs = if self.rest().starts_with("$$") { 2 } else { 1 };
            self.at = (self.at + signs).min(end);
            return;
        }
        let length = self.inline_markup(c);
        if length > 0 {
            if c == '<' && length > 1 {
                self.clean.push(' ', self.at..self.at + 1);
            }
            self.at = (self.at + length).min(end);
            return;
        }
        if let Some((said, length)) =
            super::marks::silent(self.rest(), self.source[..self.at].chars().next_back())
        {
            for c in said.chars() {
                self.clean.push(c, self.at..self.at + length);
            }
            self.at = (self.at + length).min(end);
            return;
        }
        if c == '\\'
            && let Some(escaped) = self.rest()[1..].chars().next().filter(char::is_ascii_punctuation)
        {
            self.clean.push(escaped, self.at..self.at + 2);
            self.at += 2;
            return;
        }
        if let Some((c, length)) = entity(self.rest()) {
            self.clean.push(c, self.at..self.at + length);
            self.at += length;
            return;
        }
        let source = self.at..self.at + c.len_utf8();
        self.at = source.end;
        self.character(c, source);
    }

    /// Bytes of markup to pass over at the next character `c`; 0 if it is none.
    fn inline_markup(&self, c: char) -> usize {
        let rest = self.rest();
        let before = self.source[..self.at].chars().next_back();
        let after = rest[c.len_utf8()..].chars().next();
        match c {
            '`' => 1,
            '*' => self.stars(before, rest),
            '~' if rest.starts_with("~~") => 2,
            '_' if !(is_word(before) && is_word(after)) => 1,
            '!' if rest.starts_with("![") => 2,
            '[' if rest.starts_with("[^") => closing(rest, ']').unwrap_or(1),
            '[' if rest.starts_with("[ ] ") || rest.starts_with("[x] ") => 4,
            '[' => 1,
            ']' if rest.starts_with("](") => closing(rest, ')').unwrap_or(1),
            ']' => 1,
            '<' if rest.starts_with("<http") => 1,
            '<' if matches!(after, Some('/' | 'a'..='z' | 'A'..='Z' | '!')) => {
                closing(rest, '>').unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Emphasis goes; a star between blanks or digits is a product.
    fn stars(&self, before: Option<char>, rest: &str) -> usize {
        let run = rest.len() - rest.trim_start_matches('*').len();
        let after = rest[run..].chars().next();
        let product = run == 1
            && (before == Some(' ') && after == Some(' ')
                || before.is_some_and(|c| c.is_ascii_digit()) && after.is_some_and(|c| c.is_ascii_digit()));
        let key = run == 1 && super::marks::is_key(before, &rest[1..]);
        let mask = run > 1 && after.is_some_and(|c| c.is_ascii_digit()) && !rest[run..].contains("**");
        if product || key || mask { 0 } else { run }
    }

    fn character(&mut self, c: char, source: Range<usize>) {
        let clean = &mut self.clean;
        match c {
            '\n' | '\t' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' => clean.push(' ', source),
            BREAK => clean.push(BREAK, source),
            c if c.is_control() || is_invisible(c) || is_emoji(c) => {}
            c if c.is_whitespace() => clean.push(' ', source),
            '‘' | '’' | 'ʼ' | '´' | '′' | '＇' => clean.push('\'', source),
            '„' | '«' | '「' => clean.push('“', source),
            '»' | '」' => clean.push('”', source),
            '″' => clean.push('"', source),
            '⁄' => clean.push('/', source),
            '№' => "No.".chars().for_each(|c| clean.push(c, source.clone())),
            '―' => clean.push('—', source),
            '−' | '‐' | '‑' | '﹣' => clean.push('-', source),
            '。' | '．' => clean.push('.', source),
            '、' => clean.push(',', source),
            '⋅' | '·' | '•' | '‣' | '◦' => clean.push(',', source),
            '²' | '³' | '¹' | '½' | '¼' | '¾' | '⅓' | '⅔' | '⅛' | '⅜' | '⅝' | '⅞' | '…' | 'µ' =>
            {
                clean.push(c, source);
            }
            c if is_combining_mark(c) => self.combine(c, source),
            c if needs_compatibility(c) => {
                for part in std::iter::once(c).nfkc() {
                    let part = if part.is_whitespace() { ' ' } else { part };
                    clean.push(part, source.clone());
                }
            }
            c => clean.push(c, source),
        }
    }

    /// Joins a combining mark to the letter before; alone it goes.
    fn combine(&mut self, mark: char, source: Range<usize>) {
        let Some(letter) = self.clean.text.chars().next_back().filter(|c| c.is_alphabetic()) else { return };
        let Some(both) = unicode_normalization::char::compose(letter, mark) else { return };
        let start = self.clean.sources.last().map_or(source.start, |s| s.0);
        self.clean.text.pop();
        self.clean.sources.truncate(self.clean.text.len());
        self.clean.push(both, start..source.end);
    }
}

/// Length of a bullet, heading, quote or checkbox mark at the start of `line`.
fn marker(line: &str) -> usize {
    let hashes = line.len() - line.trim_start_matches('#').len();
    if (1..=6).contains(&hashes) && line[hashes..].starts_with(' ') {
        return hashes + 1;
    }
    let mut length = 0;
    while let Some(mark) =
        ["- ", "* ", "+ ", "• ", "◦ ", "> "].iter().find(|m| line[length..].starts_with(**m))
    {
        length += mark.len();
        length += line[length..].len() - line[length..].trim_start_matches(' ').len();
    }
    length
}

/// Whether `line` is a horizontal rule, a setext underline or a table's separator.
fn is_rule(line: &str) -> bool {
    line.len() > 2
        && line.chars().all(|c| matches!(c, '-' | '*' | '_' | '=' | ' ' | '|' | ':' | '+'))
        && line.chars().any(|c| matches!(c, '-' | '*' | '_' | '='))
        && !line.contains("+ ")
}

/// Bytes up to and including `end`, on the same line and within reach.
fn closing(rest: &str, end: char) -> Option<usize> {
    let reach = rest.char_indices().take_while(|(at, c)| *at < REACH && *c != '\n');
    let at = reach.skip(1).find(|(_, c)| *c == end)?.0;
    Some(at + end.len_utf8())
}

fn entity(rest: &str) -> Option<(char, usize)> {
    const ENTITIES: [(&str, char); 8] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#39;", '\''),
        ("&apos;", '\''),
        ("&nbsp;", ' '),
        ("&mdash;", '—'),
    ];
    ENTITIES.iter().find(|(name, _)| rest.starts_with(name)).map(|(name, c)| (*c, name.len()))
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffd
        | 0xfe00..=0xfe0f | 0xe000..=0xf8ff | 0xe0000..=0xe0fff | 0xf0000..)
}

fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x1f000..=0x1faff | 0x2600..=0x27bf | 0x2b00..=0x2bff | 0x20e3 | 0x231a..=0x23ff
        | 0x25a0..=0x25ff | 0x2500..=0x259f | 0x3030 | 0x303d | 0xa9 | 0xae | 0x2122)
}

/// Whether `c` is another form of plainer characters: full-width, ligature, letter-like, circled.
fn needs_compatibility(c: char) -> bool {
    matches!(u32::from(c), 0xff00..=0xffef | 0xfb00..=0xfb06 | 0x2100..=0x214f | 0x2150..=0x218f | 0x2460..=0x24ff
        | 0x2070..=0x209f | 0x3300..=0x33ff | 0x1d400..=0x1d7ff | 0x2000..=0x200a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        Clean::new(text).text.replace(BREAK, "¶")
    }

    #[test]
    fn markup_is_not_read_aloud() {
        for (text, want) in [
            ("**bold** and *it* and __b__ and _i_ and ~~s~~", "bold and it and b and i and s"),
            ("`code` and ``more``", "code and more"),
            ("# Title\ntext", "Title¶text"),
            ("- one\n- two\n", "one¶two¶"),
            ("* [x] done\n  * nested", "done¶nested"),
            ("see [the docs](https://a.b/c_d) now", "see the docs now"),
            ("![a cat](cat.png) here", "a cat here"),
            ("tail](http://x.y) of a link", "tail of a link"),
            ("> quoted\n\nnext", "quoted¶next"),
            ("---\nafter", "after"),
            ("```rust\nlet x = 1;\n```\n", "let x = 1;¶"),
            ("a<br>b &amp; c", "a b & c"),
            ("snake_case and 5 * 3 and 5*3", "snake_case and 5 * 3 and 5*3"),
            ("soft\nwrap", "soft wrap"),
            ("a \\* b", "a * b"),
        ] {
            assert_eq!(cleaned(text), want, "{text:?}");
        }
    }

    #[test]
    fn emoji_and_controls_are_not_read_aloud() {
        assert_eq!(cleaned("hi 👋🏽 there\u{7}\u{200b}! ✨"), "hi there! ");
        assert_eq!(cleaned("👨‍👩‍👧 ok 🇩🇪"), "ok ");
    }

    #[test]
    fn look_alikes_become_one() {
        assert_eq!(cleaned("ｆｕｌｌ ﬁne it’s café 25℃"), "full fine it's café 25°C");
    }
}
