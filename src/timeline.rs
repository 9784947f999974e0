//! A conversation as a picture: who spoke when, what was heard, ducks, yields and latencies (SVG).
//!
//! Time runs left to right in rows of [`ROW_SECONDS`]; in each row the caller is above, the agent
//! below, both as peak envelopes of what really sounded.
//!
//! ```
//! use duologue::timeline::{Mark, Timeline};
//!
//! let mut timeline = Timeline::new(16_000);
//! timeline.push(&[0.1; 16_000], &[0.0; 16_000]);
//! timeline.mark(0.5, Mark::Duck);
//! assert!(timeline.to_svg().starts_with("<svg"));
//! ```

use std::fmt::Write;

/// Seconds of conversation per row of the picture.
pub const ROW_SECONDS: f64 = 15.0;

const BINS_PER_SECOND: usize = 50;
const LEFT: f64 = 70.0;
const SECOND: f64 = 84.0;
const ROW_HEIGHT: f64 = 210.0;
const TOP: f64 = 74.0;
const HALF: f64 = 30.0;

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The caller: the user's side.
    Caller,
    /// The agent.
    Agent,
}

/// A moment worth marking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The agent was turned down: someone may be speaking.
    Duck,
    /// The agent was turned up again.
    Restore,
    /// The agent fell silent for the user.
    Yield,
    /// The agent went on where it had been silenced.
    Resume,
    /// What the agent had left to say was dropped.
    Drop,
}

/// A rim of the ground's colour, so that a label is readable over a waveform.
const HALO: &str = "paint-order=\"stroke\" stroke=\"#fdfcf8\" stroke-width=\"3\" stroke-linejoin=\"round\"";

impl Mark {
    fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::Duck => ("duck", "#7a5c00"),
            Self::Restore => ("restore", "#4f5f00"),
            Self::Yield => ("yield", "#b3201d"),
            Self::Resume => ("resume", "#4f5f00"),
            Self::Drop => ("", "#dc322f"),
        }
    }
}

struct Caption {
    who: Who,
    at: f64,
    text: String,
    dim: bool,
}

struct Latency {
    from: f64,
    to: f64,
}

/// A conversation being drawn. Times are seconds since its start.
pub struct Timeline {
    rate: u32,
    caller: Envelope,
    agent: Envelope,
    captions: Vec<Caption>,
    marks: Vec<(f64, Mark)>,
    latencies: Vec<Latency>,
}

impl Timeline {
    /// An empty timeline whose audio has `rate` Hz.
    pub fn new(rate: u32) -> Self {
        Self {
            rate: rate.max(1),
            caller: Envelope::default(),
            agent: Envelope::default(),
            captions: Vec::new(),
            marks: Vec::new(),
            latencies: Vec::new(),
        }
    }

    /// Appends audio of both sides, sample by sample in step.
    pub fn push(&mut self, caller: &[f32], agent: &[f32]) {
        let bin = (self.rate as usize / BINS_PER_SECOND).max(1);
        self.caller.push(caller, bin);
        self.agent.push(agent, bin);
    }

    /// Writes what `who` said at `at`; `dim` for what was said but not heard, or not meant for the
    /// agent.
    pub fn caption(&mut self, who: Who, at: f64, text: impl Into<String>, dim: bool) {
        self.captions.push(Caption { who, at, text: text.into(), dim });
    }

    /// Marks a moment.
    pub fn mark(&mut self, at: f64, mark: Mark) {
        self.marks.push((at, mark));
    }

    /// Draws how long the agent took: from the end of the caller's speech to its own first sample.
    pub fn latency(&mut self, from: f64, to: f64) {
        self.latencies.push(Latency { from, to });
    }

    /// Seconds drawn.
    pub fn seconds(&self) -> f64 {
        self.caller.peaks.len().max(self.agent.peaks.len()) as f64 / BINS_PER_SECOND as f64
    }

    /// The picture.
    pub fn to_svg(&self) -> String {
        let rows = (self.seconds() / ROW_SECONDS).ceil().max(1.0) as usize;
        let width = LEFT + ROW_SECONDS * SECOND + 30.0;
        let height = TOP + rows as f64 * ROW_HEIGHT + 10.0;
        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"12\">\
             <rect width=\"100%\" height=\"100%\" fill=\"#fdfcf8\"/>"
        );
        legend(&mut svg);
        for row in 0..rows {
            self.row(&mut svg, row);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn row(&self, svg: &mut String, row: usize) {
        let from = row as f64 * ROW_SECONDS;
        let to = from + ROW_SECONDS;
        let y = TOP + row as f64 * ROW_HEIGHT;
        let (caller_y, agent_y) = (y + 62.0, y + 134.0);
        for second in 0..=ROW_SECONDS as usize {
            let x = LEFT + second as f64 * SECOND;
            let _ = write!(
                svg,
                "<line x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\" stroke=\"#e8e4da\"/><text x=\"{x}\" y=\"{}\" fill=\"#93a1a1\" font-size=\"10\" text-anchor=\"middle\">{} s</text>",
                caller_y - HALF,
                agent_y + HALF,
                y + 14.0,
                from as usize + second
            );
        }
        self.held_spans(svg, from, to, agent_y);
        self.caller.draw(svg, from, to, caller_y, "#268bd2");
        self.agent.draw(svg, from, to, agent_y, "#cb4b16");
        for (name, at) in [("caller", caller_y), ("agent", agent_y)] {
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#586e75\">{name}</text>",
                LEFT - 10.0,
                at + 4.0
            );
        }
        self.draw_latencies(svg, from, to, (caller_y + agent_y) / 2.0);
        self.draw_marks(svg, from, to, agent_y);
        self.draw_captions(svg, from, to, Who::Caller, caller_y - HALF - 4.0);
        self.draw_captions(svg, from, to, Who::Agent, agent_y + HALF + 14.0);
    }

    /// Shades where the agent was ducked or held.
    fn held_spans(&self, svg: &mut String, from: f64, to: f64, y: f64) {
        let mut open: Option<(f64, Mark)> = None;
        let end = (f64::MAX, Mark::Drop);
        for &(at, mark) in self.marks.iter().chain([&end]) {
            if let Some((since, kind)) = open.take() {
                let until = at.min(self.seconds());
                if since < to && until > from {
                    let (a, b) = (since.max(from), until.min(to));
                    let _ = write!(
                        svg,
                        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\" opacity=\"0.12\"/>",
                        LEFT + (a - from) * SECOND,
                        y - HALF,
                        (b - a) * SECOND,
                        2.0 * HALF,
                        kind.label().1
                    );
                }
            }
            if matches!(mark, Mark::Duck | Mark::Yield) {
                open = Some((at, mark));
            }
        }
    }

    fn draw_latencies(&self, svg: &mut String, from: f64, to: f64, y: f64) {
        for latency in self.latencies.iter().filter(|l| l.to >= from && l.from < to) {
            let a = LEFT + (latency.from.max(from) - from) * SECOND;
            let b = LEFT + (latency.to.min(to) - from) * SECOND;
            let _ = write!(
                svg,
                "<path d=\"M{a:.1} {} v10 M{b:.1} {} v10 M{a:.1} {y} H{b:.1}\" stroke=\"#6c71c4\" fill=\"none\"/>\
                 <text x=\"{:.1}\" y=\"{}\" fill=\"#6c71c4\">{:.0} ms</text>",
                y - 5.0,
                y - 5.0,
                b + 5.0,
                y + 4.0,
                (latency.to - latency.from) * 1000.0
            );
        }
    }

    fn draw_marks(&self, svg: &mut String, from: f64, to: f64, y: f64) {
        let mut busy_until = f64::MIN;
        let mut level = 0.0;
        let shown = |&&(at, mark): &&(f64, Mark)| mark != Mark::Drop && (from..to).contains(&at);
        for &(at, mark) in self.marks.iter().filter(shown) {
            let (label, colour) = mark.label();
            let x = LEFT + (at - from) * SECOND;
            level = if x < busy_until { level + 11.0 } else { 0.0 };
            busy_until = x + 44.0;
            let _ = write!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\
                 <text x=\"{:.1}\" y=\"{}\" fill=\"{colour}\" font-size=\"10\" {HALO}>{label}</text>",
                y - HALF,
                y + HALF,
                x + 3.0,
                y - HALF + 9.0 + level
            );
        }
    }

    fn draw_captions(&self, svg: &mut String, from: f64, to: f64, who: Who, y: f64) {
        let captions: Vec<&Caption> =
            self.captions.iter().filter(|c| c.who == who && (from..to).contains(&c.at)).collect();
        for (i, caption) in captions.iter().enumerate() {
            let next = captions.get(i + 1).map_or(to, |c| c.at);
            let room = ((next - caption.at) * SECOND / 6.4) as usize;
            let (colour, style) = if caption.dim { ("#93a1a1", "italic") } else { ("#073642", "normal") };
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"{colour}\" font-style=\"{style}\">{}<title>{}</title></text>",
                LEFT + (caption.at - from) * SECOND,
                escape(&shorten(&caption.text, room.max(12))),
                escape(&caption.text)
            );
        }
    }
}

fn legend(svg: &mut String) {
    let _ = write!(
        svg,
        "<text x=\"{LEFT}\" y=\"28\" font-size=\"17\" fill=\"#073642\">A conversation, as it sounded</text>\
         <text x=\"{LEFT}\" y=\"48\" fill=\"#586e75\">blue: caller · orange: agent · violet: end of speech to the agent's first sample · \
         shaded: ducked or silenced · grey italics: said, not heard</text>"
    );
}

#[derive(Default)]
struct Envelope {
    peaks: Vec<f32>,
    bin_fill: usize,
}

impl Envelope {
    fn push(&mut self, samples: &[f32], bin: usize) {
        for sample in samples {
            if self.bin_fill == 0 {
                self.peaks.push(0.0);
            }
            if let Some(peak) = self.peaks.last_mut() {
                *peak = peak.max(sample.abs().min(1.0));
            }
            self.bin_fill = (self.bin_fill + 1) % bin;
        }
    }

    fn draw(&self, svg: &mut String, from: f64, to: f64, y: f64, colour: &str) {
        let bins = BINS_PER_SECOND as f64;
        let first = (from * bins) as usize;
        let last = ((to * bins) as usize).min(self.peaks.len());
        if first >= last {
            return;
        }
        let mut path = String::new();
        for (i, peak) in self.peaks[first..last].iter().enumerate() {
            let height = (f64::from(peak.sqrt()) * HALF).max(0.4);
            let _ =
                write!(path, "M{:.1} {:.1}v{:.1}", LEFT + i as f64 / bins * SECOND, y - height, 2.0 * height);
        }
        let _ = write!(svg, "<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"1.5\" opacity=\"0.85\"/>");
    }
}

fn shorten(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_transcript_does_not_break_the_picture() {
        let mut timeline = Timeline::new(8_000);
        timeline.push(&[0.5; 8_000], &[f32::NAN; 8_000]);
        timeline.caption(Who::Caller, 0.1, "a < b & \"c\"\u{7}", false);
        let svg = timeline.to_svg();
        assert!(svg.contains("a &lt; b &amp; &quot;c&quot; "));
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn an_empty_conversation_is_still_a_picture() {
        let svg = Timeline::new(16_000).to_svg();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn a_long_conversation_does_not_run_off_the_page() {
        let mut timeline = Timeline::new(1_000);
        timeline.push(&vec![0.1; 100_000], &vec![0.1; 100_000]);
        timeline.mark(99.0, Mark::Yield);
        let rows = timeline.to_svg().matches(">caller</text>").count();
        assert_eq!(rows, 7);
    }
}
