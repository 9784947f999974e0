//! What a server can make a worker write: few lines, and short ones.

use std::time::Duration;

/// Lines that may be written in each [`PERIOD`].
const LINES: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);
/// Longest text of a server's that is shown, in characters.
const SHOWN: usize = 200;

/// `text` of a server on one line, without control characters, and cut where it is too long.
pub(super) fn shown(text: &str) -> String {
    let mut line: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}

/// Lets the first lines of each ten seconds through.
#[derive(Debug, Default)]
pub(super) struct LineLimit {
    begin: Duration,
    written: u32,
    left_out: u64,
}

impl LineLimit {
    /// Whether a line may be written at `now`; `Some` holds how many were left out since the last one.
    pub fn admit(&mut self, now: Duration) -> Option<u64> {
        if now >= self.begin + PERIOD {
            self.begin = now;
            self.written = 0;
        }
        if self.written >= LINES {
            self.left_out += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_does_not_fill_the_log() {
        let mut limit = LineLimit::default();
        let mut written = 0;
        let mut left_out = 0;
        for ms in 0..60_000 {
            if let Some(missing) = limit.admit(Duration::from_millis(ms)) {
                written += 1;
                left_out += missing;
            }
        }
        assert_eq!(written, 6 * u64::from(LINES));
        assert_eq!(left_out, 5 * (10_000 - u64::from(LINES)), "what is left out is told");
    }

    #[test]
    fn a_servers_text_is_shown_not_obeyed() {
        assert_eq!(shown("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        let long = shown(&"x".repeat(100_000));
        assert!(long.chars().count() == SHOWN + 1 && long.ends_with('…'));
    }
}
