//! A transcript in the forms that players and tables read: SubRip, WebVTT, tab-separated values.
//!
//! ```
//! use duologue_pipeline::cues::{Cue, Format};
//!
//! let cue = Cue { start_ms: 1_500, end_ms: 2_000, channel: None, text: "hello" };
//! assert_eq!(Format::Srt.cue(1, &cue), "1\n00:00:01,500 --> 00:00:02,000\nhello\n\n");
//! ```

use std::fmt::Write;

/// The form of a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A line for each utterance: seconds and words.
    #[default]
    Text,
    /// SubRip subtitles.
    Srt,
    /// WebVTT subtitles.
    Vtt,
    /// Tab-separated values: begin and end in ms, words.
    Tsv,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Text, Self::Srt, Self::Vtt, Self::Tsv];

    /// What it is called where it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Tsv => "tsv",
        }
    }

    /// Extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Tsv => "tsv",
        }
    }

    /// What stands in front of the first cue. `split`: channels are told apart.
    pub fn head(self, split: bool) -> &'static str {
        match self {
            Self::Vtt => "WEBVTT\n\n",
            Self::Tsv if split => "start\tend\tchannel\ttext\n",
            Self::Tsv => "start\tend\ttext\n",
            Self::Text | Self::Srt => "",
        }
    }

    /// One utterance, the `number`th, from 1.
    pub fn cue(self, number: usize, cue: &Cue) -> String {
        let Cue { start_ms, end_ms, channel, text } = *cue;
        // A cue of no length is shown by no player.
        let end_ms = end_ms.max(start_ms + 1);
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut out = String::new();
        let _ = match self {
            Self::Text => {
                let seconds = start_ms as f64 / 1e3;
                let who = channel.map(|channel| format!("[{channel}] ")).unwrap_or_default();
                writeln!(out, "{seconds:8.2}  {who}{text}")
            }
            Self::Srt => {
                let who = channel.map(|channel| format!("[{channel}] ")).unwrap_or_default();
                writeln!(out, "{number}\n{} --> {}\n{who}{text}\n", clock(start_ms, ','), clock(end_ms, ','))
            }
            Self::Vtt => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let who = channel.map(|channel| format!("<v Channel {channel}>")).unwrap_or_default();
                writeln!(out, "{} --> {}\n{who}{text}\n", clock(start_ms, '.'), clock(end_ms, '.'))
            }
            Self::Tsv => {
                let who = channel.map(|channel| format!("{channel}\t")).unwrap_or_default();
                writeln!(out, "{start_ms}\t{end_ms}\t{who}{text}")
            }
        };
        out
    }
}

/// What was said, and when.
#[derive(Clone, Copy, Debug)]
pub struct Cue<'a> {
    /// Its beginning.
    pub start_ms: u64,
    /// Its end.
    pub end_ms: u64,
    /// The channel, from 1, where channels are told apart.
    pub channel: Option<usize>,
    /// The words.
    pub text: &'a str,
}

/// `01:02:03,456`.
fn clock(ms: u64, point: char) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUE: Cue = Cue { start_ms: 3_723_045, end_ms: 3_724_000, channel: None, text: "a < b\nand & c" };

    #[test]
    fn players_find_times_and_words() {
        assert_eq!(Format::Srt.cue(7, &CUE), "7\n01:02:03,045 --> 01:02:04,000\na < b and & c\n\n");
        assert_eq!(Format::Vtt.cue(7, &CUE), "01:02:03.045 --> 01:02:04.000\na &lt; b and &amp; c\n\n");
        assert_eq!(Format::Tsv.cue(7, &CUE), "3723045\t3724000\ta < b and & c\n");
    }

    #[test]
    fn channels_are_told_apart() {
        let cue = Cue { channel: Some(2), ..CUE };
        assert!(Format::Srt.cue(1, &cue).contains("\n[2] a"));
        assert!(Format::Vtt.cue(1, &cue).contains("\n<v Channel 2>a"));
        assert_eq!(Format::Tsv.cue(1, &cue), "3723045\t3724000\t2\ta < b and & c\n");
        assert!(Format::Tsv.head(true).contains("channel"));
    }

    #[test]
    fn a_cue_without_length_is_not_invisible() {
        let cue = Cue { end_ms: CUE.start_ms, ..CUE };
        assert!(Format::Vtt.cue(1, &cue).starts_with("01:02:03.045 --> 01:02:03.046"));
    }
}
