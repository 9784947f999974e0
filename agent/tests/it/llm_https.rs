//! The client of OpenAI-compatible servers over HTTPS: a server whose certificate is of our own making.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use duologue_agent::ErrorKind;
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::llm::openai::{OpenAi, OpenAiConfig};
use duologue_agent::llm::{Llm, LlmErrorKind, LlmEvent, LlmRequest};
use duologue_eval::{Script, ScriptedServer};
use futures_util::StreamExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// A scripted model behind TLS, and the certificate of the authority that vouches for it.
struct Secure {
    base_url: String,
    model: ScriptedServer,
    authority: PathBuf,
    _dir: TempDir,
}

/// An authority that signs `localhost`, and nobody knows.
async fn secure() -> Secure {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authority.pem");
    std::fs::write(&file, authority.as_ref().pem()).unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let model = ScriptedServer::start(Script::saying("Hello over TLS.")).await.unwrap();
    let behind = model.base_url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                // A client that does not trust us hangs up in the middle of the handshake.
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    Secure { base_url: format!("https://localhost:{port}/v1"), model, authority: file, _dir: dir }
}

/// What was said, or how it failed.
async fn ask(config: OpenAiConfig) -> Result<String, (LlmErrorKind, String)> {
    let content = ChatContent::Message { role: Role::User, text: "hello".into(), interrupted: false };
    let request = LlmRequest { items: vec![ChatItem::new("test", content)], ..LlmRequest::default() };
    let mut stream = OpenAi::new(config).unwrap().stream(request);
    let read = async {
        let mut text = String::new();
        while let Some(event) = stream.next().await {
            match event {
                Ok(LlmEvent::Text(delta)) => text.push_str(&delta),
                Ok(_) => {}
                Err(error) => return Err((error.kind(), error.to_string())),
            }
        }
        Ok(text)
    };
    timeout(Duration::from_secs(60), read).await.expect("the answer ends")
}

#[tokio::test]
async fn a_server_with_a_certificate_of_its_own_is_not_unreachable() {
    let server = secure().await;
    let config = OpenAiConfig::new(&server.base_url, "scripted").ca_file(&server.authority);
    assert_eq!(ask(config).await.unwrap(), "Hello over TLS.");
    assert_eq!(server.model.requests().len(), 1);
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_not_trusted_nor_tried_again() {
    let server = secure().await;
    let (kind, told) = ask(OpenAiConfig::new(&server.base_url, "scripted")).await.unwrap_err();
    assert_eq!(kind, LlmErrorKind::Refused, "{told}");
    for part in ["not trusted", "ca_file", server.base_url.as_str()] {
        assert!(told.contains(part), "{told}");
    }
    // The name must be right, too.
    let elsewhere = server.base_url.replace("localhost", "127.0.0.1");
    let (kind, told) =
        ask(OpenAiConfig::new(elsewhere, "scripted").ca_file(&server.authority)).await.unwrap_err();
    assert!(kind == LlmErrorKind::Refused && told.contains("not trusted"), "{told}");
    assert!(server.model.requests().is_empty(), "the conversation went to a server that is not trusted");
}

#[test]
fn a_wrong_file_of_certificates_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    for file in [dir.path().join("missing.pem"), empty] {
        let config = OpenAiConfig::new("https://localhost:1/v1", "m").ca_file(&file);
        let error = OpenAi::new(config).err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
}
