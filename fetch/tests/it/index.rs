//! A package index on this machine, with one small package, and what can go wrong with one.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Cursor, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use duologue_fetch::WheelFile;
use sha2::{Digest, Sha256};

/// How the index behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Links as on the pages of PEP 503, relative.
    Html,
    /// Answers of PEP 691, absolute.
    Json,
    /// Another file under the right name.
    WrongBytes,
    /// The connection ends in the middle of the file.
    Truncated,
    /// The connection ends in the middle, and the length was not announced.
    TruncatedSilently,
    /// The file never comes: the connection stays open without a byte.
    Stalls,
    /// The package is unknown.
    NotFound,
    /// The page is there, the file is not on it.
    OtherVersion,
}

/// A running index.
pub struct Index {
    pub url: String,
    /// Files (not pages) that were asked for.
    pub downloads: Arc<AtomicUsize>,
    /// Tells of each.
    pub asked: mpsc::Receiver<()>,
}

/// A wheel with one file, and its pins.
pub struct Package {
    pub wheel: Vec<u8>,
    pub content: Vec<u8>,
    pub wheel_sha256: String,
    pub member_sha256: String,
}

pub const NAME: &str = "duo_test-1.0-py3-none-any.whl";
pub const MEMBER: &str = "duo_test/data/model.onnx";

impl Package {
    /// A package whose file has this many bytes that do not compress.
    pub fn new(bytes: usize) -> Self {
        let mut state = 1_u32;
        let content: Vec<u8> = (0..bytes)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        let info = "duo_test-1.0.dist-info";
        let files: [(String, &[u8]); 4] = [
            (MEMBER.into(), &content),
            (format!("{info}/METADATA"), b"Metadata-Version: 2.1\nName: duo-test\nVersion: 1.0\n"),
            (format!("{info}/WHEEL"), b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            (format!("{info}/RECORD"), b""),
        ];
        for (name, bytes) in files {
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        let wheel = zip.finish().unwrap().into_inner();
        let (wheel_sha256, member_sha256) = (sum(&wheel), sum(&content));
        Self { wheel, content, wheel_sha256, member_sha256 }
    }

    pub fn file(&self) -> WheelFile<'_> {
        WheelFile {
            package: "duo-test",
            version: "1.0",
            wheel_sha256: &self.wheel_sha256,
            member: MEMBER,
            member_sha256: &self.member_sha256,
        }
    }

    /// Serves the package until the process ends.
    pub fn serve(&self, behaviour: Behaviour) -> Index {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let downloads = Arc::new(AtomicUsize::new(0));
        let (ask, asked) = mpsc::channel();
        let (wheel, sha256, counter, root) =
            (self.wheel.clone(), self.wheel_sha256.clone(), Arc::clone(&downloads), base.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (wheel, sha256, counter, root, ask) =
                    (wheel.clone(), sha256.clone(), Arc::clone(&counter), root.clone(), ask.clone());
                let count = move || {
                    counter.fetch_add(1, Ordering::Relaxed);
                    // A test that has ended does not listen.
                    let _ = ask.send(());
                };
                thread::spawn(move || answer(stream, behaviour, &wheel, &sha256, &count, &root));
            }
        });
        Index { url: format!("{base}/simple"), downloads, asked }
    }
}

pub fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

fn answer(
    mut stream: TcpStream,
    behaviour: Behaviour,
    wheel: &[u8],
    sha256: &str,
    count: &dyn Fn(),
    root: &str,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    while lines.next()?.ok().is_some_and(|line| !line.is_empty()) {}
    let path = request.split(' ').nth(1)?;
    if path.starts_with("/files/") {
        count();
        if behaviour == Behaviour::Stalls {
            // Until the other side gives up.
            let _ = lines.next();
            return None;
        }
        let other = b"not the wheel".to_vec();
        let (bytes, sent) = match behaviour {
            Behaviour::WrongBytes => (other.as_slice(), other.len()),
            Behaviour::Truncated | Behaviour::TruncatedSilently => (wheel, wheel.len() / 2),
            _ => (wheel, wheel.len()),
        };
        let length = match behaviour {
            Behaviour::TruncatedSilently => String::new(),
            _ => format!("Content-Length: {}\r\n", bytes.len()),
        };
        write!(stream, "HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n").ok()?;
        stream.write_all(&bytes[..sent]).ok()?;
        return Some(());
    }
    let (status, kind, page) = match behaviour {
        Behaviour::NotFound => ("404 Not Found", "text/html", String::new()),
        _ if path != "/simple/duo-test/" => ("404 Not Found", "text/html", String::new()),
        Behaviour::OtherVersion => ("200 OK", "text/html", page("../../files", "0.9", sha256)),
        Behaviour::Json => (
            "200 OK",
            "application/vnd.pypi.simple.v1+json",
            format!(
                r#"{{"meta":{{"api-version":"1.0"}},"name":"duo-test","files":[{{"filename":"{NAME}","url":"{root}/files/{NAME}","hashes":{{"sha256":"{sha256}"}}}}]}}"#
            ),
        ),
        _ => ("200 OK", "text/html", page("../../files", "1.0", sha256)),
    };
    let length = page.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}").ok()
}

fn page(base: &str, version: &str, sha256: &str) -> String {
    let name = NAME.replace("1.0", version);
    format!("<!DOCTYPE html><html><body><a href=\"{base}/{name}#sha256={sha256}\">{name}</a></body></html>")
}
