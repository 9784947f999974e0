//! What a client is told that asked for something it cannot have: OpenAI's envelope, all four keys, always.

use axum::Json;
use axum::extract::multipart::MultipartError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that is an error. Its message names the field, the value and the remedy; it never shows a path or a key.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl Refusal {
    /// 400: the request cannot be answered as it is; `param` is the field to correct.
    pub(super) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message).param(param)
    }

    /// 401: no key, or one that is not known here.
    pub(super) fn key() -> Self {
        let message = "a key of this server is wanted: Authorization: Bearer KEY";
        Self::new(StatusCode::UNAUTHORIZED, message).code("invalid_api_key")
    }

    /// 404: a model that is not loaded here.
    pub(super) fn model(name: &str, known: &str) -> Self {
        let message = format!("no model {name:?} here; ask for {known}, or leave `model` out");
        Self::new(StatusCode::NOT_FOUND, message).param("model").code("model_not_found")
    }

    /// 408: the body did not come in time.
    pub(super) fn slow() -> Self {
        let message = format!("the request did not come whole within {} s", super::BODY.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    /// 413: more than is taken.
    pub(super) fn too_large(most: usize) -> Self {
        let message = format!("the request is larger than {} MB; send less at once", most / 1_000_000);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 429: all slots are taken, and so are the places to wait in.
    pub(super) fn busy() -> Self {
        let message = "this server is busy; ask again in a second";
        Self::new(StatusCode::TOO_MANY_REQUESTS, message).code("rate_limit_exceeded")
    }

    /// 500: it is not the client's fault.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// 503: not now.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: None }
    }

    fn param(mut self, param: &'static str) -> Self {
        self.param = Some(param);
        self
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    fn kind(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }
}

impl From<MultipartError> for Refusal {
    fn from(error: MultipartError) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large(super::UPLOAD);
        }
        Self::new(StatusCode::BAD_REQUEST, format!("the form cannot be read: {}", error.body_text()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error =
            json!({ "message": self.message, "type": self.kind(), "param": self.param, "code": self.code });
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
