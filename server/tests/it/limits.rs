//! Keys, limits, and routes that are not there.

use std::time::Duration;

use duologue_server::Slots;
use duologue_server::http::HttpOptions;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{Server, refused};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nothing_is_computed() {
    let server = Server::with_key("right").await;
    let body = json!({ "input": "yes" });
    let unauthorized = (StatusCode::UNAUTHORIZED, Value::Null, json!("invalid_api_key"));
    assert_eq!(refused(server.speech(&body).await).await, unauthorized);
    for path in ["/v1/audio/speech", "/v1/audio/transcriptions", "/dev/captioned_speech"] {
        let response = server.post(path).bearer_auth("wrong").json(&body).send().await.unwrap();
        assert_eq!(refused(response).await, unauthorized, "{path}");
    }
    assert_eq!(refused(server.get("/metrics").send().await.unwrap()).await, unauthorized);
    let response = server.post("/v1/audio/speech").bearer_auth("right").json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // Open WebUI asks for these without one.
    for path in ["/health", "/v1/models", "/v1/audio/voices", "/v1/audio/models", "/openapi.json"] {
        assert_eq!(server.get(path).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frameworks_own_errors_have_the_envelope() {
    let server = Server::open().await;
    assert_eq!(refused(server.get("/v1/nothing").send().await.unwrap()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        refused(server.get("/v1/audio/speech").send().await.unwrap()).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        refused(server.post("/v1/models").send().await.unwrap()).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    for body in ["{\"input\": ", "[]", "7", "\u{0}"] {
        let response = server.post("/v1/audio/speech").body(body).send().await.unwrap();
        assert_eq!(refused(response).await.0, StatusCode::BAD_REQUEST, "{body:?}");
    }
    let response = server.post("/v1/audio/speech").body(vec![b' '; 2_000_000]).send().await.unwrap();
    assert_eq!(refused(response).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _, code) = refused(server.get("/v1/models/gpt-9").send().await.unwrap()).await;
    assert_eq!((status, code), (StatusCode::NOT_FOUND, json!("model_not_found")));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_what_strict_clients_want() {
    let server = Server::open().await;
    let models: Value = server.get("/v1/models").send().await.unwrap().json().await.unwrap();
    assert_eq!(models["object"], "list");
    let data = models["data"].as_array().unwrap();
    for model in data {
        assert!(
            model["id"].is_string() && model["created"].is_u64() && model["owned_by"].is_string(),
            "{model}"
        );
        assert_eq!(model["object"], "model");
    }
    for alias in
        ["tts-1", "tts-1-hd", "gpt-4o-mini-tts", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"]
    {
        let model: Value =
            server.get(&format!("/v1/models/{alias}")).send().await.unwrap().json().await.unwrap();
        assert_eq!(model["id"], json!(alias));
    }
    let legacy: Value =
        server.get("/v1/audio/voices?legacy=true").send().await.unwrap().json().await.unwrap();
    assert!(legacy["voices"][0].is_string());
    let health: Value = server.get("/health").send().await.unwrap().json().await.unwrap();
    assert_eq!((&health["status"], &health["models"]), (&json!("ok"), &json!("loaded")));
    server.speech(&json!({ "input": "yes" })).await.bytes().await.unwrap();
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("duologue_speech_requests_total 1\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_every_route_and_no_other() {
    let server = Server::open().await;
    let description: Value = server.get("/openapi.json").send().await.unwrap().json().await.unwrap();
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 10);
    for (path, methods) in paths {
        let path = path.replace("{id}", "tts-1");
        for method in ["get", "post"] {
            let request = if method == "get" { server.get(&path) } else { server.post(&path) };
            let status = request.send().await.unwrap().status();
            assert_ne!(status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(
                status == StatusCode::METHOD_NOT_ALLOWED,
                methods.get(method).is_none(),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_another_origin_may_not_read_unless_it_is_named() {
    let closed = Server::open().await;
    assert!(
        !closed.get("/v1/models").send().await.unwrap().headers().contains_key("access-control-allow-origin")
    );
    let options = HttpOptions::default().cors("https://chat.example.org").unwrap();
    let server = Server::with(options, Slots::of_this_device()).await;
    let asked = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = asked
        .request(reqwest::Method::OPTIONS, format!("http://{}/v1/audio/speech", server.address))
        .header("origin", "https://chat.example.org")
        .header("access-control-request-method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()["access-control-allow-origin"], "https://chat.example.org");
    for wrong in ["", "chat.example.org", "https://", "https://a/b", "https://\n"] {
        assert!(HttpOptions::default().cors(wrong).is_err(), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_are_all_answered() {
    let server = std::sync::Arc::new(Server::with(HttpOptions::default(), Slots::new(2)).await);
    let asking: Vec<_> = (0..200)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move {
                let response = server.speech(&json!({ "input": "yes", "response_format": "pcm" })).await;
                let (status, again) = (response.status(), response.headers().contains_key("retry-after"));
                let length = response.bytes().await.unwrap().len();
                (status, again, length)
            })
        })
        .collect();
    let mut spoken = 0;
    for one in asking {
        match one.await.unwrap() {
            (StatusCode::OK, false, length) if length > 1_000 => spoken += 1,
            (StatusCode::TOO_MANY_REQUESTS, true, _) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(spoken >= 2, "{spoken}");
    assert_eq!(server.slots.free(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_requests_do_not_shut_others_out() {
    let server = Server::open().await;
    let mut half = Vec::new();
    for _ in 0..2_000 {
        let Ok(mut stream) = TcpStream::connect(server.address).await else { break };
        // One too many is closed: writing to it may fail.
        let _ = stream.write_all(b"POST /v1/audio/speech HTTP/1.1\r\nHost: a\r\n").await;
        half.push(stream);
    }
    // As soon as some of them are gone there is room; until then one more is closed at once, never left hanging.
    let mut one = TcpStream::connect(server.address).await.unwrap();
    let mut answer = Vec::new();
    let _ = one.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let waited = tokio::time::timeout(Duration::from_secs(60), one.read_to_end(&mut answer)).await;
    assert!(waited.is_ok(), "left hanging");
    drop(half);
    for _ in 0..600 {
        if server.get("/health").send().await.is_ok_and(|response| response.status() == StatusCode::OK) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody is let in any more");
}
