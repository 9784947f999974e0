//! One answer: attempts, time limits, and the order of what comes out.
//!
//! Life cycle: asking → reading → over. From asking and reading it goes back to asking, after a
//! pause, while attempts are left and nothing was given yet.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::assembly::Assembly;
use super::client::Inner;
use super::transport::{Chunks, Failure};
use crate::llm::{LlmError, LlmErrorKind, LlmEvent};

/// The first pause before a request is repeated; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause that is our own idea.
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// How long the numbers that follow a finished answer are waited for.
const AFTERWORD: Duration = Duration::from_millis(500);

pub(super) struct Answer {
    inner: Arc<Inner>,
    body: Value,
    /// When it must have begun, and when it must be over.
    begin_by: Instant,
    end_by: Instant,
    state: State,
    attempts: u32,
    /// Something was given: the request cannot be repeated any more.
    given: bool,
    events: VecDeque<LlmEvent>,
}

enum State {
    Asking,
    Reading(Reading),
    Over,
}

struct Reading {
    chunks: Chunks,
    assembly: Assembly,
}

/// What reading has brought.
enum Read {
    Events(Vec<LlmEvent>),
    End(Vec<LlmEvent>),
}

impl Answer {
    pub(super) fn new(inner: Arc<Inner>, body: Value) -> Self {
        let now = Instant::now();
        let (begin_by, end_by) = (now + inner.config.first_token, now + inner.config.total);
        Self {
            inner,
            body,
            begin_by,
            end_by,
            state: State::Asking,
            attempts: 0,
            given: false,
            events: VecDeque::new(),
        }
    }

    pub(super) async fn next(&mut self) -> Option<Result<LlmEvent, LlmError>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.given = true;
                return Some(Ok(event));
            }
            let failure = match &mut self.state {
                State::Over => return None,
                State::Asking => match self.ask().await {
                    Ok(reading) => {
                        self.state = State::Reading(reading);
                        continue;
                    }
                    Err(failure) => failure,
                },
                State::Reading(_) => match self.read().await {
                    Ok(Read::Events(events)) => {
                        self.events.extend(events);
                        continue;
                    }
                    Ok(Read::End(events)) => {
                        self.events.extend(events);
                        self.state = State::Over;
                        continue;
                    }
                    Err(failure) => failure,
                },
            };
            // What was read of it is closed at once, before any pause.
            self.state = State::Asking;
            if !self.may_repeat(&failure).await {
                self.state = State::Over;
                return Some(Err(failure.error));
            }
        }
    }

    async fn ask(&mut self) -> Result<Reading, Failure> {
        self.attempts += 1;
        let by = self.begin_by.min(self.end_by);
        let Ok(chunks) = timeout_at(by, self.inner.transport.ask(&self.body)).await else {
            return Err(self.too_late(by));
        };
        let config = &self.inner.config;
        let assembly = Assembly::new(config.max_bytes, config.begins_thinking);
        Ok(Reading { chunks: chunks?, assembly })
    }

    async fn read(&mut self) -> Result<Read, Failure> {
        let State::Reading(reading) = &mut self.state else { return Ok(Read::End(Vec::new())) };
        let finished = reading.assembly.is_finished();
        let by = if finished {
            Instant::now() + AFTERWORD
        } else if reading.assembly.has_begun() {
            Instant::now() + self.inner.config.between_tokens
        } else {
            self.begin_by
        };
        let by = by.min(self.end_by);
        let problem = match timeout_at(by, reading.chunks.next()).await {
            Ok(Some(Ok(chunk))) => match reading.assembly.push(chunk) {
                Ok(events) => return Ok(Read::Events(events)),
                Err(problem) => problem,
            },
            // The answer is whole, whatever became of the numbers after it.
            Err(_) | Ok(Some(Err(_))) if finished => {
                return Ok(Read::End(reading.assembly.end().unwrap_or_default()));
            }
            Ok(None) => match reading.assembly.end() {
                Ok(events) => return Ok(Read::End(events)),
                Err(problem) => problem,
            },
            Ok(Some(Err(failure))) => return Err(failure),
            Err(_) => return Err(self.too_late(by)),
        };
        Err(self.failure(problem.0, &problem.1))
    }

    fn failure(&self, kind: LlmErrorKind, problem: &str) -> Failure {
        self.inner.transport.teller().failure(kind, problem)
    }

    fn too_late(&self, by: Instant) -> Failure {
        let config = &self.inner.config;
        let problem = if by == self.end_by {
            format!("the answer was not over within {:?}; raise total, or lower max_tokens", config.total)
        } else if by == self.begin_by {
            format!(
                "no token within {:?}; raise first_token, choose a smaller model, or keep it loaded",
                config.first_token
            )
        } else {
            format!("no token for {:?}; raise between_tokens, or see the server's log", config.between_tokens)
        };
        self.failure(LlmErrorKind::TimedOut, &problem)
    }

    /// Waits and returns true if the request may be repeated after `failure`.
    async fn may_repeat(&mut self, failure: &Failure) -> bool {
        let passing = matches!(
            failure.error.kind(),
            LlmErrorKind::Unreachable | LlmErrorKind::Server | LlmErrorKind::RateLimited { .. }
        );
        if self.given || !passing || self.attempts > self.inner.config.retries {
            return false;
        }
        let pause = failure.retry_after.unwrap_or_default().max(backoff(self.attempts));
        // Nobody gains from a wait that ends too late.
        if Instant::now() + pause >= self.begin_by.min(self.end_by) {
            return false;
        }
        tracing::debug!(error = %failure.error, ?pause, "asking again");
        sleep(pause).await;
        true
    }
}

/// Doubling from [`FIRST_PAUSE`], and half of it at random so that clients do not come together.
fn backoff(attempt: u32) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(8)).min(MAX_PAUSE);
    let random = RandomState::new().hash_one(attempt) as u32;
    whole / 2 + (whole / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
