//! A server on the loopback, and a client that speaks its protocol by the bytes.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use duologue_pipeline::resample::Resampler;
use duologue_server::Engines;
use duologue_server::wyoming::{Decoder, Event, Limits, Options, serve};
use duologue_setup::{Config, caller};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Far longer than anything here takes: what hangs fails.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Loaded once for all tests.
pub static ENGINES: LazyLock<Engines> =
    LazyLock::new(|| Engines::load(Config::parse("", "defaults", []).unwrap(), false).unwrap());

pub struct Server {
    pub address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Server {
    pub async fn start(engines: Engines, options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let ended = async { _ = ended.await };
            serve(listener, engines, options, ended).await.unwrap();
        });
        Self { address, end: Some(end), served }
    }

    pub async fn usual() -> Self {
        Self::start(ENGINES.clone(), Options::default()).await
    }

    pub async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        Client { stream, decoder: Decoder::new(Limits::default()), held: Vec::new() }
    }

    /// Tells the server to end, and waits until it has.
    pub async fn end(mut self) {
        drop(self.end.take());
        timeout(LIMIT, &mut self.served).await.expect("it ends").unwrap();
    }
}

pub struct Client {
    stream: TcpStream,
    decoder: Decoder,
    held: Vec<u8>,
}

impl Client {
    pub async fn send(&mut self, kind: &str, data: Value) {
        self.bytes(&Event::new(kind, data).encode()).await;
    }

    pub async fn bytes(&mut self, bytes: &[u8]) {
        timeout(LIMIT, self.stream.write_all(bytes)).await.expect("it takes bytes").unwrap();
    }

    /// The next event; `None` once the server has closed the connection.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let mut bytes = &self.held[..];
            let event = self.decoder.decode(&mut bytes).unwrap();
            self.held = bytes.to_vec();
            if event.is_some() {
                return event;
            }
            let mut buffer = vec![0; 8_192];
            let read = timeout(LIMIT, self.stream.read(&mut buffer)).await.expect("an answer comes");
            match read {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.held.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// Events up to the first of type `last`.
    pub async fn until(&mut self, last: &str) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("no {last} after {}", kinds(&events)));
            events.push(event);
            if events.last().is_some_and(|event| event.kind == last) {
                return events;
            }
        }
    }

    /// Sends `samples` (16 kHz) as sound of this format, and its end.
    pub async fn sound(&mut self, samples: &[f32], format: Format) {
        let about = json!({ "rate": format.rate, "width": format.width, "channels": format.channels, "timestamp": 0 });
        self.send("audio-start", about.clone()).await;
        let bytes = format.encode(samples);
        let frame = format.width * format.channels;
        for chunk in bytes.chunks(1_024 * frame) {
            let event = Event::new("audio-chunk", about.clone()).with_payload(chunk.to_vec());
            self.bytes(&event.encode()).await;
        }
        self.send("audio-stop", json!({ "timestamp": null })).await;
    }

    pub async fn transcribe(&mut self, samples: &[f32], format: Format) -> Vec<Event> {
        self.send("transcribe", json!({ "language": "en" })).await;
        self.sound(samples, format).await;
        self.until("transcript-stop").await
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Format {
    pub rate: u32,
    pub width: usize,
    pub channels: usize,
}

/// What Home Assistant sends.
pub const USUAL: Format = Format { rate: 16_000, width: 2, channels: 1 };

impl Format {
    pub fn encode(self, samples: &[f32]) -> Vec<u8> {
        let mut resampled = Vec::new();
        Resampler::new(16_000, self.rate).unwrap().whole(samples, &mut resampled);
        let mut bytes = Vec::new();
        for sample in resampled {
            let whole = (f64::from(sample.clamp(-1.0, 1.0)) * f64::from(i32::MAX)) as i32;
            let all = whole.to_le_bytes();
            let one = if self.width == 1 { vec![all[3] ^ 0x80] } else { all[4 - self.width..].to_vec() };
            (0..self.channels).for_each(|_| bytes.extend(&one));
        }
        bytes
    }
}

/// A line of the built-in caller, at 16 kHz.
pub fn line(name: &str) -> Vec<f32> {
    let clip = caller::line(name).unwrap();
    let mut samples = Vec::new();
    Resampler::new(clip.rate(), 16_000).unwrap().whole(clip.samples(), &mut samples);
    samples
}

pub fn kinds(events: &[Event]) -> String {
    events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>().join(" ")
}

pub fn of<'a>(events: &'a [Event], kind: &'a str) -> impl Iterator<Item = &'a Event> {
    events.iter().filter(move |event| event.kind == kind)
}

/// The text of the transcript, which its chunks must be.
pub fn text(events: &[Event]) -> String {
    let chunks: String =
        of(events, "transcript-chunk").filter_map(|event| event.data["text"].as_str()).collect();
    let transcript = of(events, "transcript").next().unwrap().data["text"].as_str().unwrap();
    assert_eq!(chunks, transcript, "the chunks are not the transcript");
    transcript.to_owned()
}

/// The sound of spoken events at 16 kHz.
pub fn spoken(events: &[Event]) -> Vec<f32> {
    let mut samples = Vec::new();
    let mut rate = 0;
    for chunk in of(events, "audio-chunk") {
        rate = u32::try_from(chunk.data["rate"].as_u64().unwrap()).unwrap();
        assert_eq!((&chunk.data["width"], &chunk.data["channels"]), (&json!(2), &json!(1)));
        let pcm = chunk.payload.chunks_exact(2);
        samples.extend(pcm.map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0));
    }
    let mut heard = Vec::new();
    Resampler::new(rate, 16_000).unwrap().whole(&samples, &mut heard);
    heard
}

pub fn code(event: &Event) -> (&str, Option<&str>) {
    (&event.kind, event.data.get("code").and_then(Value::as_str))
}
