//! Standard output and standard error as every command uses them.
//!
//! Nothing here panics: a reader that has left is an error that ends a command quietly ([`left`]), a full disk one
//! that is told. Control characters in what models, names and files say are shown, not obeyed.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// Writes a line to standard output, in the form of `println!`.
///
/// # Errors
/// Those of standard output.
#[macro_export]
macro_rules! outln {
    ($($text:tt)*) => { $crate::terminal::line(::std::format_args!($($text)*)) };
}

/// Writes a line to standard error, in the form of `eprintln!`. Nobody can be told that this fails.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => { $crate::terminal::note(::std::format_args!($($text)*)) };
}

/// Writes `text` and the end of a line to standard output.
///
/// # Errors
/// Those of standard output.
pub fn line(text: fmt::Arguments<'_>) -> io::Result<()> {
    let mut shown = shown(text);
    shown.push('\n');
    write(shown.as_bytes())
}

/// Writes `bytes` to standard output as they are.
///
/// # Errors
/// Those of standard output.
pub fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
        let text = format!("standard output cannot be written: {error}");
        io::Error::new(error.kind(), text)
    })
}

/// Writes `text` and the end of a line to standard error, without the passwords and tokens of addresses.
pub fn note(text: fmt::Arguments<'_>) {
    let mut shown = duologue_fetch::without_secrets(&shown(text));
    shown.push('\n');
    // There is nobody left to tell.
    let _ = io::stderr().lock().write_all(shown.as_bytes());
}

/// Whether `error` says that whoever read standard output has left, which is no failure.
pub fn left(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// `text` with its control characters written out, but for ends of lines and tabs: a terminal would obey them. The
/// form is JSON's, so that JSON stays JSON.
///
/// ```
/// use duologue::terminal::shown;
///
/// assert_eq!(shown(format_args!("a\u{1b}[2Jb\n")), "a\\u001b[2Jb\n");
/// ```
pub fn shown(text: fmt::Arguments<'_>) -> String {
    let text = text.to_string();
    if !text.chars().any(is_obeyed) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) {
            let _ = write!(out, "\\u{:04x}", c as u32);
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, and what turns the direction of writing.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_json_stays_json() {
        assert_eq!(shown(format_args!("x\u{9b}31my\r")), "x\\u009b31my\\u000d");
        let json = format!("{{\"text\":\"{}\"}}", '\u{9b}');
        let read: serde_json::Value = serde_json::from_str(&shown(format_args!("{json}"))).unwrap();
        assert_eq!(read["text"], "\u{9b}");
    }
}
