//! A web server on this machine that misbehaves as it is told, request by request.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The file; the rest of it where a range is asked for.
    File,
    /// The file from its start, whatever range is asked for.
    Whole,
    /// Announces all, then drops the connection after so many bytes of the body.
    Drop(usize),
    /// So many bytes, and the end of the body: no length was announced.
    Short(usize),
    /// The file and more, without an announced length.
    Long,
    /// Announces another length than the file has.
    Announce(usize),
    /// Other bytes, as many as the file has.
    Wrong,
    /// The head and a few bytes, then nothing more.
    Stall,
    /// Not even a head.
    Mute,
    /// A part that was not asked for: from this byte on.
    PartFrom(usize),
    /// This status, no file.
    Status(u16),
    /// Go there; `{base}` is this server.
    Redirect(String),
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: HashMap<String, String>,
}

/// A running server; it lives until the process ends.
pub struct Server {
    pub base: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves `file` at every path. Each request takes the next of `answers`; the last one is repeated.
    pub fn new(file: Vec<u8>, answers: Vec<Answer>) -> Self {
        Self::with_paths(vec![("", file, answers)])
    }

    /// The same with a file and answers of its own for each beginning of a path.
    pub fn with_paths(paths: Vec<(&'static str, Vec<u8>, Vec<Answer>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, root, paths) = (Arc::clone(&requests), base.clone(), Arc::new(paths));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, root, paths) = (Arc::clone(&log), root.clone(), Arc::clone(&paths));
                thread::spawn(move || serve(stream, &paths, &log, &root));
            }
        });
        Self { base, requests }
    }

    pub fn url(&self) -> String {
        format!("{}/file.bin", self.base)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    paths: &[(&'static str, Vec<u8>, Vec<Answer>)],
    log: &Mutex<Vec<Request>>,
    root: &str,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    while let Some(Ok(line)) = lines.next() {
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let (prefix, file, answers) = paths.iter().find(|(prefix, ..)| path[1..].starts_with(prefix))?;
    let at = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|request| request.path[1..].starts_with(prefix)).count();
        log.push(Request { path, headers: headers.clone() });
        before.min(answers.len() - 1)
    };
    respond(&mut stream, &answers[at], file, &headers, root)
}

fn respond(
    stream: &mut TcpStream,
    answer: &Answer,
    file: &[u8],
    headers: &HashMap<String, String>,
    root: &str,
) -> Option<()> {
    let all = file.len();
    let from: usize = headers
        .get("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .unwrap_or(0);
    let same = headers.get("if-range").is_none_or(|tag| tag == "\"one\"");
    match answer {
        Answer::File if from >= all && from > 0 => {
            head(stream, 416, &[("Content-Range", format!("bytes */{all}"))])
        }
        Answer::File if from > 0 && same => part(stream, file, from),
        Answer::File | Answer::Whole => {
            head(stream, 200, &[length(all), ("ETag", "\"one\"".into())])?;
            stream.write_all(file).ok()
        }
        Answer::Drop(bytes) if from > 0 && same => {
            let end = (from + bytes).min(all);
            head(stream, 206, &[length(all - from), range(from, all), ("ETag", "\"one\"".into())])?;
            stream.write_all(&file[from..end]).ok()
        }
        Answer::Drop(bytes) => {
            head(stream, 200, &[length(all), ("ETag", "\"one\"".into())])?;
            stream.write_all(&file[..*bytes.min(&all)]).ok()
        }
        Answer::Short(bytes) => {
            head(stream, 200, &[])?;
            stream.write_all(&file[..*bytes]).ok()
        }
        Answer::Long => {
            head(stream, 200, &[])?;
            stream.write_all(file).ok()?;
            stream.write_all(&[7; 100_000]).ok()
        }
        Answer::Announce(bytes) => {
            head(stream, 200, &[length(*bytes)])?;
            stream.write_all(file).ok()
        }
        Answer::Wrong => {
            head(stream, 200, &[length(all)])?;
            stream.write_all(&vec![7; all]).ok()
        }
        Answer::Stall => {
            head(stream, 200, &[length(all)])?;
            stream.write_all(&file[..10]).ok()?;
            keep_open()
        }
        Answer::Mute => keep_open(),
        Answer::PartFrom(from) => part(stream, file, *from),
        Answer::Status(status) => head(stream, *status, &[length(0)]),
        Answer::Redirect(to) => head(stream, 302, &[length(0), ("Location", to.replace("{base}", root))]),
    }
}

/// Until the process ends: the connection stays open as long as this thread lives.
fn keep_open() -> Option<()> {
    let (_never, wait) = mpsc::channel::<()>();
    wait.recv().ok()
}

fn part(stream: &mut TcpStream, file: &[u8], from: usize) -> Option<()> {
    let all = file.len();
    head(stream, 206, &[length(all - from), range(from, all), ("ETag", "\"one\"".into())])?;
    stream.write_all(&file[from..]).ok()
}

fn length(bytes: usize) -> (&'static str, String) {
    ("Content-Length", bytes.to_string())
}

fn range(from: usize, all: usize) -> (&'static str, String) {
    ("Content-Range", format!("bytes {from}-{}/{all}", all - 1))
}

fn head(stream: &mut TcpStream, status: u16, headers: &[(&str, String)]) -> Option<()> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "HTTP/1.1 {status} Said\r\n{lines}Connection: close\r\n\r\n").ok()
}
