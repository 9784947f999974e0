//! What a model writes into its text that is none: reasoning and tool calls become events of their own.

use duologue_models::text::{Piece, WrittenFilter};
use futures_util::StreamExt;
use futures_util::stream;
use uuid::Uuid;

use super::{LlmEvent, LlmStream, ToolCall};

/// The same answer with reasoning, control tokens, tags and code left out of its text, and with the tool
/// calls that are written into the text as calls.
///
/// Servers that know their model's dialect have done it already; then nothing changes.
pub(crate) fn read_written(answer: LlmStream) -> LlmStream {
    let state = (answer, Some(WrittenFilter::new()));
    let events = stream::unfold(state, |(mut answer, filter)| async move {
        let mut filter = filter?;
        let (events, filter) = match answer.next().await {
            Some(Ok(LlmEvent::Text(text))) => (events(filter.push(&text)), Some(filter)),
            Some(event @ Ok(LlmEvent::ToolCall(_) | LlmEvent::Usage(_))) => {
                let mut before = self::events(filter.flush());
                before.push(event);
                (before, Some(filter))
            }
            Some(event) => (vec![event], Some(filter)),
            None => (self::events(filter.finish()), None),
        };
        Some((stream::iter(events), (answer, filter)))
    });
    events.flatten().boxed()
}

fn events(pieces: Vec<Piece>) -> Vec<Result<LlmEvent, super::LlmError>> {
    let event = |piece| match piece {
        Piece::Text(text) => LlmEvent::Text(text),
        Piece::Reasoning(text) => LlmEvent::Reasoning(text),
        Piece::ToolCall { name, arguments } => {
            LlmEvent::ToolCall(ToolCall { id: format!("call_{}", Uuid::now_v7().simple()), name, arguments })
        }
    };
    pieces.into_iter().map(|piece| Ok(event(piece))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> (String, Vec<(String, String)>) {
        let given: Vec<_> = pieces.iter().map(|piece| Ok(LlmEvent::Text((*piece).to_owned()))).collect();
        let events = futures_util::FutureExt::now_or_never(
            read_written(stream::iter(given).boxed()).collect::<Vec<_>>(),
        );
        let (mut text, mut calls) = (String::new(), Vec::new());
        for event in events.expect("the stream waits for nothing") {
            match event.unwrap() {
                LlmEvent::Text(piece) => text.push_str(&piece),
                LlmEvent::ToolCall(call) => calls.push((call.name, call.arguments)),
                _ => {}
            }
        }
        (text, calls)
    }

    #[test]
    fn a_call_written_into_the_text_is_called_and_not_spoken() {
        let written =
            ["<th", "ink>hm</think>Sure. {\"name\": \"book_", "table\", \"arguments\": {\"guests\": 4}}"];
        let (text, calls) = read(&written);
        assert_eq!(
            (text.as_str(), calls),
            ("Sure. ", vec![("book_table".to_owned(), "{\"guests\":4}".to_owned())])
        );
    }

    #[test]
    fn plain_text_is_not_changed() {
        assert_eq!(read(&["Hi, it is 3 < 4", "!"]).0, "Hi, it is 3 < 4!");
    }
}
