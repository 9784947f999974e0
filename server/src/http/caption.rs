//! `POST /dev/captioned_speech`: speech with the time of each word, a line of JSON a part.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::json;

use super::Shared;
use super::refusal::Refusal;
use super::speech::{self, Part};
use crate::audio::encode::Format;

pub(super) async fn captioned(State(shared): State<Shared>, request: Request) -> Result<Response, Refusal> {
    let (wanted, mut speaking) = speech::begin(&shared, request).await?;
    let first = speaking.next().await.ok_or_else(|| Refusal::failed("the voice gave nothing"))?;
    let first = caption(wanted.format, &first.map_err(Refusal::failed)?);
    let lines = stream::unfold((Some(first), speaking), move |(first, mut speaking)| async move {
        let line = match first {
            Some(first) => Ok(first),
            None => speaking.next().await?.map(|part| caption(wanted.format, &part)),
        };
        Some((line.map_err(std::io::Error::other), (None, speaking)))
    });
    let mut response = Body::from_stream(lines).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

fn caption(format: Format, part: &Part) -> Bytes {
    let words = part
        .words
        .iter()
        .map(|(word, start, end)| json!({ "word": word, "start_time": start, "end_time": end }));
    let line = json!({
        "audio": STANDARD.encode(&part.bytes),
        "audio_format": format.content_type(),
        "timestamps": words.collect::<Vec<_>>(),
    });
    Bytes::from(format!("{line}\n"))
}
