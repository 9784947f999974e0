//! A server on a free port of this machine, and a client.

use std::net::SocketAddr;
use std::sync::OnceLock;

use duologue_server::http::{HttpOptions, router};
use duologue_server::{Engines, Keys, Slots, listen};
use duologue_setup::Config;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::sync::oneshot;

/// The built-in models, loaded once for all tests.
pub fn engines() -> Engines {
    static ENGINES: OnceLock<Engines> = OnceLock::new();
    ENGINES.get_or_init(|| Engines::load(Config::default(), false).expect("a thread")).clone()
}

/// A running server; it ends when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    pub slots: Slots,
    client: Client,
    _end: oneshot::Sender<()>,
}

impl Server {
    pub async fn open() -> Self {
        Self::with(HttpOptions::default(), Slots::of_this_device()).await
    }

    pub async fn with_key(key: &str) -> Self {
        Self::with(HttpOptions::new(Keys::default().with("test", key).unwrap()), Slots::of_this_device())
            .await
    }

    pub async fn with(options: HttpOptions, slots: Slots) -> Self {
        let listener = listen::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(engines(), slots.clone(), options);
        let (end, ended) = oneshot::channel();
        tokio::spawn(listen::serve(listener, router, async { drop(ended.await) }));
        // An error means that another test has done so.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { address, slots, client, _end: end }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address))
    }

    pub async fn speech(&self, body: &Value) -> Response {
        self.post("/v1/audio/speech").json(body).send().await.unwrap()
    }
}

/// The four keys of an error: its status, `param` and `code`.
pub async fn refused(response: Response) -> (StatusCode, Value, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text:?} is no JSON"));
    let error = body["error"].as_object().unwrap_or_else(|| panic!("{status}: no envelope in {text}"));
    assert_eq!(error.len(), 4, "{text}");
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{text}");
    assert!(error["type"].is_string(), "{text}");
    (status, error["param"].clone(), error["code"].clone())
}

/// A sentence that the built-in recogniser knows, by the built-in voice, as a WAV file.
pub async fn spoken(server: &Server, text: &str) -> Vec<u8> {
    let body = serde_json::json!({ "input": text, "response_format": "wav", "stream": false });
    let response = server.speech(&body).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.bytes().await.unwrap().to_vec()
}
