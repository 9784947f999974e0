//! LiveKit's debug panel: it asks about a session, and is told what happens in it.
//!
//! Requests come as byte streams about [`TOPIC`], each a protobuf `AgentSessionMessage`; answers and
//! events go back the same way, to whoever asked.
//!
//! Invariant: every request with an id is answered within [`LIMIT`], with an error if need be; nobody is
//! told of anything who has not asked, or whom [`DebugPanel`](super::DebugPanel) does not admit.

use std::time::Duration;

use chrono::{DateTime, Utc};
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::session::AgentState;
use duologue_agent::{AgentSession, SessionEvent};
use livekit_protocol::agent as wire;
use pbjson_types::Timestamp;
use prost::Message as _;
use wire::agent_session_event::Event;
use wire::agent_session_message::Message;
use wire::chat_context::{ChatItem as WireItem, chat_item::Item};
use wire::session_request::Request;
use wire::session_response::{self as answers, Response};

/// What the byte streams are about.
pub(super) const TOPIC: &str = "lk.agent.session";
/// How long a run of typed text may take; the panel waits for a minute.
const LIMIT: Duration = Duration::from_secs(55);

/// The request in `bytes`, if it is one.
pub(super) fn request(bytes: &[u8]) -> Option<wire::SessionRequest> {
    match wire::AgentSessionMessage::decode(bytes).ok()?.message? {
        Message::Request(request) => Some(request),
        _ => None,
    }
}

/// A message that answers `request`.
pub(super) async fn answer<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    request: wire::SessionRequest,
) -> Vec<u8> {
    let answered = match request.request {
        Some(request) => respond(session, request).await,
        None => Err("the request is empty, or of a kind that this agent does not know".to_owned()),
    };
    let (response, error) = match answered {
        Ok(response) => (Some(response), None),
        Err(error) => (None, Some(error)),
    };
    let response = wire::SessionResponse { request_id: request.request_id, error, response };
    encode(Message::Response(response))
}

/// The answer to who may not ask.
pub(super) fn refusal(request: wire::SessionRequest) -> Vec<u8> {
    let error = Some("this participant may not look into the session; see RoomOptions::debug".to_owned());
    encode(Message::Response(wire::SessionResponse { request_id: request.request_id, error, response: None }))
}

async fn respond<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    request: Request,
) -> Result<Response, String> {
    let items = || session.history().items().iter().filter_map(item).collect::<Vec<_>>();
    let agent = session.current_agent();
    Ok(match request {
        Request::Ping(_) => Response::Pong(answers::Pong {}),
        Request::GetChatHistory(_) => {
            Response::GetChatHistory(answers::GetChatHistoryResponse { items: items() })
        }
        Request::GetAgentInfo(_) => Response::GetAgentInfo(answers::GetAgentInfoResponse {
            id: agent.as_ref().map(|agent| agent.id()).unwrap_or_default(),
            instructions: agent.as_ref().map(|agent| agent.instructions()),
            tools: agent
                .map(|agent| agent.tools().names().into_iter().map(Into::into).collect())
                .unwrap_or_default(),
            chat_ctx: items(),
        }),
        Request::GetSessionState(_) => Response::GetSessionState(answers::GetSessionStateResponse {
            agent_state: state(session.state()).into(),
            user_state: user_state(session.state()).into(),
            agent_id: agent.map(|agent| agent.id()).unwrap_or_default(),
            options: std::collections::HashMap::new(),
            created_at: None,
        }),
        Request::GetSessionUsage(_) => {
            let usage = Some(wire::AgentSessionUsage::default());
            Response::GetSessionUsage(answers::GetSessionUsageResponse { usage, created_at: Some(now()) })
        }
        Request::GetFrameworkInfo(_) => Response::GetFrameworkInfo(answers::GetFrameworkInfoResponse {
            sdk: "duologue".into(),
            sdk_version: env!("CARGO_PKG_VERSION").into(),
        }),
        Request::GetRtcStats(_) => Response::GetRtcStats(answers::GetRtcStatsResponse::default()),
        Request::RunInput(input) => Response::RunInput(run(session, &input.text).await?),
        Request::UpdateIo(update) => {
            if let Some(enabled) = update.input.and_then(|input| input.audio_enabled) {
                session.set_muted(!enabled).map_err(|error| error.to_string())?;
            }
            if update.output.is_some() {
                return Err("the agent's output cannot be switched off".into());
            }
            Response::UpdateIo(answers::UpdateIoResponse {})
        }
        Request::FinalizeSimulation(_) => return Err("this agent takes part in no simulation".into()),
    })
}

/// Takes `text` as the user's turn; what it came to.
async fn run<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    text: &str,
) -> Result<answers::RunInputResponse, String> {
    let mut events = session.events();
    session.user_text(text).map_err(|error| error.to_string())?;
    let mut items = Vec::new();
    let answered = async {
        let mut asked = false;
        while let Some(event) = events.next().await {
            match event {
                SessionEvent::UserTurn { .. } => asked = true,
                SessionEvent::ItemAdded(added) => items.extend(item(&added)),
                SessionEvent::SpeechFinished { .. } if asked => return,
                _ => {}
            }
        }
    };
    if tokio::time::timeout(LIMIT, answered).await.is_err() {
        return Err(format!("no answer within {} s", LIMIT.as_secs()));
    }
    Ok(answers::RunInputResponse { items })
}

/// What a panel is told of `event`; `before` is the state before it.
pub(super) fn event(event: &SessionEvent, before: AgentState) -> Option<Vec<u8>> {
    let event = match event {
        SessionEvent::AgentStateChanged(after) => {
            Event::AgentStateChanged(wire::agent_session_event::AgentStateChanged {
                old_state: state(before).into(),
                new_state: state(*after).into(),
            })
        }
        SessionEvent::UserTranscript { text, is_final } => {
            Event::UserInputTranscribed(wire::agent_session_event::UserInputTranscribed {
                transcript: text.clone(),
                is_final: *is_final,
                language: None,
            })
        }
        SessionEvent::ItemAdded(added) => {
            Event::ConversationItemAdded(wire::agent_session_event::ConversationItemAdded {
                item: Some(item(added)?),
            })
        }
        SessionEvent::ToolStarted { call_id, name, arguments } => {
            let call = wire::FunctionCall {
                id: call_id.clone(),
                call_id: call_id.clone(),
                arguments: arguments.clone(),
                name: name.clone(),
                created_at: Some(now()),
                ..wire::FunctionCall::default()
            };
            Event::FunctionToolsStarted(wire::agent_session_event::FunctionToolsStarted {
                function_calls: vec![call],
            })
        }
        SessionEvent::Error { message, .. } => {
            Event::Error(wire::agent_session_event::Error { message: message.clone() })
        }
        _ => return None,
    };
    Some(encode(Message::Event(wire::AgentSessionEvent { created_at: Some(now()), event: Some(event) })))
}

fn encode(message: Message) -> Vec<u8> {
    wire::AgentSessionMessage { message: Some(message) }.encode_to_vec()
}

fn state(state: AgentState) -> wire::AgentState {
    match state {
        AgentState::Initializing => wire::AgentState::AsInitializing,
        AgentState::Thinking => wire::AgentState::AsThinking,
        AgentState::Speaking => wire::AgentState::AsSpeaking,
        AgentState::Closed => wire::AgentState::AsIdle,
        _ => wire::AgentState::AsListening,
    }
}

fn user_state(state: AgentState) -> wire::UserState {
    match state {
        AgentState::Listening => wire::UserState::UsSpeaking,
        _ => wire::UserState::UsListening,
    }
}

fn item(item: &ChatItem) -> Option<WireItem> {
    let created_at = Some(timestamp(item.at));
    let id = item.id.clone();
    let item = match &item.content {
        ChatContent::Message { role, text, interrupted } => Item::Message(wire::ChatMessage {
            id,
            role: match role {
                Role::User => wire::ChatRole::User,
                Role::Assistant => wire::ChatRole::Assistant,
                _ => wire::ChatRole::System,
            }
            .into(),
            content: vec![wire::chat_message::ChatContent {
                payload: Some(wire::chat_message::chat_content::Payload::Text(text.clone())),
            }],
            interrupted: *interrupted,
            created_at,
            ..wire::ChatMessage::default()
        }),
        ChatContent::Overheard { speaker, name, text } => Item::Message(wire::ChatMessage {
            id,
            role: wire::ChatRole::User.into(),
            content: vec![wire::chat_message::ChatContent {
                payload: Some(wire::chat_message::chat_content::Payload::Text(format!(
                    "{}: {text}",
                    if name.is_empty() { speaker } else { name }
                ))),
            }],
            created_at,
            ..wire::ChatMessage::default()
        }),
        ChatContent::ToolCall { call_id, name, arguments } => Item::FunctionCall(wire::FunctionCall {
            id,
            call_id: call_id.clone(),
            arguments: arguments.clone(),
            name: name.clone(),
            created_at,
            ..wire::FunctionCall::default()
        }),
        ChatContent::ToolResult { call_id, name, output, is_error } => {
            Item::FunctionCallOutput(wire::FunctionCallOutput {
                id,
                name: name.clone(),
                call_id: call_id.clone(),
                output: output.clone(),
                is_error: *is_error,
                created_at,
            })
        }
        ChatContent::Handoff { from, to } => Item::AgentHandoff(wire::AgentHandoff {
            id,
            old_agent_id: from.clone(),
            new_agent_id: to.clone(),
            created_at,
        }),
        _ => return None,
    };
    Some(WireItem { item: Some(item) })
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    // Below a thousand million.
    Timestamp { seconds: at.timestamp(), nanos: at.timestamp_subsec_nanos() as i32 }
}

fn now() -> Timestamp {
    timestamp(Utc::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_agent::SimpleAgent;
    use duologue_eval::{Rule, Script, ScriptedLlm};

    async fn asked(session: &AgentSession, request: Request) -> wire::SessionResponse {
        let request = wire::SessionRequest { request_id: "1".into(), request: Some(request) };
        let bytes = encode(Message::Request(request));
        let read = super::request(&bytes).expect("a request is read as one");
        match wire::AgentSessionMessage::decode(&answer(session, read).await[..]).unwrap().message {
            Some(Message::Response(response)) => response,
            other => panic!("not an answer: {other:?}"),
        }
    }

    #[tokio::test]
    async fn the_debug_panel_is_not_left_without_an_answer() {
        let llm = ScriptedLlm::new(Script::new().rule(Rule::any().say("It is noon.")));
        let session = AgentSession::builder(()).llm(llm).build().unwrap();
        session
            .start_text(SimpleAgent::new("You tell the time.").id("clock").greeting("Hello!"))
            .await
            .unwrap();

        let pong = asked(&session, Request::Ping(Default::default())).await;
        assert_eq!((pong.request_id.as_str(), pong.error.clone()), ("1", None));
        assert!(matches!(pong.response, Some(Response::Pong(_))));

        let info = asked(&session, Request::GetAgentInfo(Default::default())).await;
        let Some(Response::GetAgentInfo(info)) = info.response else { panic!("{info:?}") };
        assert_eq!((info.id.as_str(), info.instructions.as_deref()), ("clock", Some("You tell the time.")));

        let text = wire::session_request::RunInput { text: "What time is it?".into() };
        let run = asked(&session, Request::RunInput(text)).await;
        assert!(matches!(run.response, Some(Response::RunInput(_))), "{run:?}");

        let history = asked(&session, Request::GetChatHistory(Default::default())).await;
        let Some(Response::GetChatHistory(history)) = history.response else { panic!("{history:?}") };
        assert_eq!(history.items.len(), 3);

        let refused = asked(&session, Request::FinalizeSimulation(Default::default())).await;
        assert!(refused.error.is_some());
        let unknown = wire::SessionRequest { request_id: "2".into(), request: None };
        assert!(!answer(&session, unknown).await.is_empty());
    }

    #[test]
    fn what_is_no_request_is_not_answered() {
        assert!(request(b"\xff\xff\xff").is_none());
        assert!(request(b"").is_none());
        assert!(request(&encode(Message::Response(Default::default()))).is_none());
    }
}
