//! The WebSocket to the server.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::log;
use crate::token::Access;

/// How long opening may take, DNS and TLS included.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long the other side may take to make room for a message.
const SEND_LIMIT: Duration = Duration::from_secs(5);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Why there is no socket.
#[derive(Debug)]
pub(super) struct Unopened {
    pub reason: String,
    /// The server refuses the key.
    pub refused: bool,
}

/// An open socket.
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens one, with a fresh token.
    pub async fn open(access: &Access) -> Result<Self, Unopened> {
        crate::tls::install();
        let failed =
            |reason: String| Unopened { reason: format!("{}: {reason}", access.url()), refused: false };
        let token = access.worker().map_err(|error| failed(error.to_string()))?;
        let scheme = access.url().replacen("http", "ws", 1);
        let address = if access.url().starts_with("http") { scheme } else { access.url().to_owned() };
        let mut request =
            format!("{address}/agent").into_client_request().map_err(|error| failed(error.to_string()))?;
        let header =
            format!("Bearer {token}").parse().map_err(|_| failed("the token is no header".into()))?;
        request.headers_mut().insert(AUTHORIZATION, header);
        match timeout(OPEN_LIMIT, tokio_tungstenite::connect_async(request)).await {
            Ok(Ok((stream, _))) => Ok(Self(stream)),
            Ok(Err(error)) => Err(unopened(access.url(), error)),
            Err(_) => Err(failed(format!("no answer within {} s", OPEN_LIMIT.as_secs()))),
        }
    }

    /// The next message; `Err` when there will be none.
    pub async fn next(&mut self) -> Result<proto::server_message::Message, String> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(bytes))) => match proto::ServerMessage::decode(bytes) {
                    Ok(proto::ServerMessage { message: Some(message) }) => return Ok(message),
                    // A message of a later version of the protocol.
                    Ok(proto::ServerMessage { message: None }) => {}
                    Err(error) => return Err(format!("the server sends what is no message: {error}")),
                },
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map(|frame| log::shown(&frame.to_string())).unwrap_or_default();
                    return Err(format!("the server closed the connection {why}").trim_end().to_owned());
                }
                Some(Ok(Message::Text(text))) => {
                    return Err(format!("the server sends text, which is no message: {}", log::shown(&text)));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(format!("the connection broke: {error}")),
                None => return Err("the connection ended".to_owned()),
            }
        }
    }

    /// Sends `message`, whole.
    pub async fn send(&mut self, message: proto::worker_message::Message) -> Result<(), String> {
        let bytes = proto::WorkerMessage { message: Some(message) }.encode_to_vec();
        match timeout(SEND_LIMIT, self.0.send(Message::Binary(bytes.into()))).await {
            Ok(sent) => sent.map_err(|error| format!("the connection broke: {error}")),
            Err(_) => Err(format!("the server took nothing for {} s", SEND_LIMIT.as_secs())),
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // Who does not hear it sees the connection end.
        let _ = timeout(CLOSE_LIMIT, self.0.close(None)).await;
    }
}

fn unopened(url: &str, error: WsError) -> Unopened {
    let WsError::Http(response) = error else {
        let reason = format!("{url} cannot be reached: {}", crate::dispatch::causes(&error));
        return Unopened { reason, refused: false };
    };
    let status = response.status();
    let body = response.into_body().map(|body| log::shown(String::from_utf8_lossy(&body).trim()));
    let said = body.filter(|text| !text.is_empty()).map_or_else(String::new, |text| format!(" ({text})"));
    let refused = matches!(status.as_u16(), 401 | 403);
    let advice = match status.as_u16() {
        401 | 403 => "; check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, and that the clocks agree",
        404 => "; is it a LiveKit server?",
        _ => "",
    };
    Unopened { reason: format!("{url} answers {status}{said}{advice}"), refused }
}
