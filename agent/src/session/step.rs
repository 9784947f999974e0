//! One step of an answer: the model is asked once, its text flows through the agent's nodes to the
//! voice, its calls to whoever runs them.
//!
//! ```text
//! Llm ─▶ llm_node ─┬─▶ tts_node ─▶ turn
//!                  └─▶ transcription_node ─▶ events
//! ```

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::turn::Turn;
use super::{SessionConfig, SessionEvent};
use crate::agent::{Agent, TextStream};
use crate::llm::written::read_written;
use crate::llm::{Llm, LlmError, LlmErrorKind, LlmEvent, LlmRequest, LlmStream, ToolCall};
use crate::session::core::SessionCore;

/// Pieces of text between two nodes.
const PIECES: usize = 64;

/// What a model's answer came to.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Bytes of text.
    pub bytes: usize,
    pub error: Option<LlmError>,
}

/// Is given each call as it comes; `false`: that is one too many.
pub(super) type OnCall<'a> = &'a mut (dyn FnMut(ToolCall) -> bool + Send);

/// Asks `llm`. Whoever drops the future cancels the request.
pub(super) async fn ask<U: Send + Sync + 'static>(
    core: &SessionCore,
    config: &SessionConfig,
    turn: &Turn,
    agent: &Arc<dyn Agent<U>>,
    llm: &dyn Llm,
    request: LlmRequest,
    on_call: OnCall<'_>,
) -> Step {
    let _writing = turn.step().await;
    let (to_node, from_model) = pieces();
    let (to_voice, for_voice) = pieces();
    let (to_transcript, for_transcript) = pieces();
    let mut node = agent.llm_node(from_model);
    let voiced = agent.tts_node(for_voice);
    let shown = agent.transcription_node(for_transcript);

    // An answer by a schema is JSON on purpose.
    let typed = request.response_schema.is_some();
    let answer = llm.stream(request);
    let answer = if typed { answer } else { read_written(answer) };
    let read = read(core, config, turn, answer, to_node, on_call);
    let fork = async move {
        while let Some(text) = node.next().await {
            // A node that has ended takes no more; the other goes on.
            let _ = to_voice.send(text.clone()).await;
            let _ = to_transcript.send(text).await;
        }
    };
    let (step, (), (), ()) = tokio::join!(read, fork, speak(turn, voiced), show(turn, shown));
    step
}

fn pieces() -> (mpsc::Sender<String>, TextStream) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let stream: BoxStream<'static, String> = futures_util::stream::unfold(receiver, |mut receiver| async {
        Some((receiver.recv().await?, receiver))
    })
    .boxed();
    (sender, stream)
}

/// Takes the model's answer in, within its limits.
async fn read(
    core: &SessionCore,
    config: &SessionConfig,
    turn: &Turn,
    mut answer: LlmStream,
    text: mpsc::Sender<String>,
    on_call: OnCall<'_>,
) -> Step {
    let mut step = Step::default();
    let mut next = match first(config, turn, &mut answer).await {
        Ok(first) => first,
        Err(error) => return Step { error: Some(error), ..step },
    };
    loop {
        match next {
            None => return step,
            Some(Err(error)) => return Step { error: Some(error), ..step },
            Some(Ok(LlmEvent::Text(delta))) => {
                let room = config.max_answer_bytes - step.bytes;
                let kept = &delta[..delta.floor_char_boundary(room)];
                step.bytes += kept.len();
                let cut = kept.len() < delta.len();
                // A node that has ended wants no more.
                let _ = text.send(kept.to_owned()).await;
                if cut {
                    let message = format!(
                        "the answer has more than {} bytes; the rest was left out",
                        config.max_answer_bytes
                    );
                    core.events
                        .publish(SessionEvent::from(&crate::Error::new(crate::ErrorKind::Llm, message)));
                    return step;
                }
            }
            Some(Ok(LlmEvent::ToolCall(call))) => {
                // What was said before the call goes on its way first, and stands before it in history.
                tokio::task::yield_now().await;
                if !on_call(call) {
                    let message = "the model calls more tools than can be run; see its log";
                    return Step { error: Some(LlmError::new(LlmErrorKind::TooLong, message)), ..step };
                }
            }
            Some(Ok(LlmEvent::Usage(usage))) => core.events.publish(SessionEvent::Usage(usage)),
            // Thinking is never spoken.
            Some(Ok(LlmEvent::Reasoning(_))) => {}
        }
        next = match timeout(config.token_limit, answer.next()).await {
            Ok(next) => next,
            Err(_) => return Step { error: Some(late(config.token_limit, "another word")), ..step },
        };
    }
}

/// The first piece of text or call, if need be after words that bridge the wait.
async fn first(
    config: &SessionConfig,
    turn: &Turn,
    answer: &mut LlmStream,
) -> Result<Option<Result<LlmEvent, LlmError>>, LlmError> {
    let asked = Instant::now();
    let mut coming = pin!(async {
        loop {
            match answer.next().await {
                Some(Ok(LlmEvent::Reasoning(_))) => {}
                next => return next,
            }
        }
    });
    let bridge = async {
        // Until the turn is certain the user is not waiting.
        turn.committed().await;
        sleep_until(asked.max(Instant::now()) + config.filler_after).await;
    };
    tokio::select! {
        biased;
        next = &mut coming => return Ok(next),
        () = bridge => {}
    }
    if !config.filler.is_empty() && !turn.has_spoken() {
        // Who is not listened to any more is stopped elsewhere.
        let _ = turn.write(&config.filler, true).await;
        let _ = turn.write(" ", false).await;
    }
    let left = config.first_token_limit.saturating_sub(config.filler_after);
    timeout(left, coming).await.map_err(|_| late(config.first_token_limit, "the first word"))
}

fn late(limit: Duration, what: &str) -> LlmError {
    let message =
        format!("the model did not give {what} within {limit:?}; try again, or choose a faster one");
    LlmError::new(LlmErrorKind::TimedOut, message)
}

async fn speak(turn: &Turn, mut text: TextStream) {
    let mut part = true;
    while let Some(text) = text.next().await {
        if text.is_empty() {
            continue;
        }
        if turn.write(&text, part).await.is_err() {
            return;
        }
        part = false;
    }
}

async fn show(turn: &Turn, mut text: TextStream) {
    while let Some(text) = text.next().await {
        turn.show(text).await;
    }
}
