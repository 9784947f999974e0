//! Tells a conversation as it happens, and keeps what the tables and pictures need.

use std::io::Write;
use std::time::Duration;

use duologue::pipeline::Stamped;
use duologue::pipeline::conversation::{Event, IgnoreReason, State, TurnEnd, TurnMetrics};
use duologue::timeline::{Mark, Timeline, Who};
use serde_json::{Value, json};

/// One turn of either side, as it was heard.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: Duration,
    pub who: Who,
    pub text: String,
    /// What was meant to be said but was not heard.
    pub unheard: String,
}

impl Line {
    /// The turn as a JSON object.
    pub fn json(&self) -> Value {
        let who = match self.who {
            Who::Caller => "caller",
            Who::Agent => "agent",
        };
        json!({
            "type": "turn",
            "at": self.at.as_secs_f64(),
            "who": who,
            "text": self.text,
            "unheard": self.unheard,
        })
    }
}

/// What has been told so far.
#[derive(Default)]
pub struct Story {
    pub lines: Vec<Line>,
    pub metrics: Vec<TurnMetrics>,
    pub marks: Vec<(Duration, Mark)>,
    pub ignored: Vec<(Duration, String)>,
    pub faults: Vec<String>,
    pub state: Option<State>,
    /// When the user's latest speech began, and the agent's.
    user_since: Duration,
    agent_since: Option<Duration>,
}

impl Story {
    /// Takes in one event and prints each turn that it completes as a line of JSON.
    #[cfg(feature = "devices")]
    pub fn tell_json(&mut self, stamped: &Stamped) {
        let (told, faulted) = (self.lines.len(), self.faults.len());
        self.take(stamped);
        let mut out = std::io::stdout().lock();
        for line in &self.lines[told..] {
            let _ = writeln!(out, "{}", line.json());
        }
        for fault in &self.faults[faulted..] {
            let at = stamped.at.as_secs_f64();
            let _ = writeln!(out, "{}", json!({ "type": "fault", "at": at, "fault": fault }));
        }
        let _ = out.flush();
    }

    /// Takes in one event and, unless `quiet`, prints what it means.
    pub fn tell(&mut self, stamped: &Stamped, quiet: bool) {
        let line = self.take(stamped);
        if let Some(line) = line.filter(|_| !quiet) {
            let mut out = std::io::stdout().lock();
            // Nobody may be reading any more; the conversation goes on nevertheless.
            let _ = writeln!(out, "{:8.2}  {line}", stamped.at.as_secs_f64());
            let _ = out.flush();
        }
    }

    fn take(&mut self, stamped: &Stamped) -> Option<String> {
        let at = stamped.at;
        match &stamped.event {
            Event::StateChanged(state) => {
                if *state == State::Speaking {
                    self.agent_since.get_or_insert(at);
                }
                self.state = Some(*state);
                None
            }
            Event::SpeechStarted { .. } => {
                self.user_since = at;
                None
            }
            Event::UserTurn { text, .. } => {
                self.line(self.user_since, Who::Caller, text.clone(), String::new());
                Some(format!("caller   {text}"))
            }
            Event::SpeechIgnored { text, reason } => {
                self.ignored.push((self.user_since, text.clone()));
                let why = match reason {
                    IgnoreReason::Backchannel => "a backchannel: the agent goes on",
                    IgnoreReason::Echo => "the agent's own echo",
                    _ => "ignored",
                };
                Some(format!("caller   ({text})  ← {why}"))
            }
            Event::Ducked { .. } => self.mark(at, Mark::Duck, "ducked: is someone speaking?"),
            Event::Restored { .. } => self.mark(at, Mark::Restore, "restored"),
            Event::Resumed { .. } => self.mark(at, Mark::Resume, "resumed where it was held"),
            Event::Yielded { .. } => self.mark(at, Mark::Yield, "yielded: the agent is silent"),
            Event::AgentTurn(turn) => {
                if turn.end == TurnEnd::Interrupted {
                    self.marks.push((at, Mark::Drop));
                }
                let heard = turn.heard.trim().to_owned();
                let unheard = turn.text.get(turn.heard.len()..).unwrap_or("").trim().to_owned();
                let since = self.agent_since.take().unwrap_or(at);
                self.line(since, Who::Agent, heard.clone(), unheard.clone());
                let rest = match turn.end {
                    TurnEnd::Finished => String::new(),
                    _ if unheard.is_empty() => "  ⟂".to_owned(),
                    _ => format!("  ⟂ not heard: {}", shorten(&unheard, 40)),
                };
                Some(format!("agent    {heard}{rest}"))
            }
            Event::Metrics(metrics) => {
                self.metrics.push(*metrics);
                let end_to_end = metrics.end_to_end?;
                Some(format!(
                    "         answers {:.0} ms after the caller's last sound",
                    end_to_end.as_secs_f64() * 1e3
                ))
            }
            Event::Fault(fault) => {
                let text = format!("{fault:?}");
                self.faults.push(text.clone());
                Some(format!("  !      {text}"))
            }
            _ => None,
        }
    }

    fn line(&mut self, at: Duration, who: Who, text: String, unheard: String) {
        self.lines.push(Line { at, who, text, unheard });
    }

    fn mark(&mut self, at: Duration, mark: Mark, text: &str) -> Option<String> {
        self.marks.push((at, mark));
        Some(format!("         {text}"))
    }

    /// Draws what was told; `offset` is the pipeline's time at the first sample.
    pub fn draw(&self, timeline: &mut Timeline, offset: Duration) {
        let seconds = |at: Duration| at.saturating_sub(offset).as_secs_f64();
        for line in &self.lines {
            timeline.caption(line.who, seconds(line.at), line.text.clone(), false);
        }
        for (at, text) in &self.ignored {
            timeline.caption(Who::Caller, seconds(*at), format!("({text})"), true);
        }
        for (at, mark) in &self.marks {
            timeline.mark(seconds(*at), *mark);
        }
    }
}

fn shorten(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room).collect();
    format!("{}…", kept.trim_end())
}
