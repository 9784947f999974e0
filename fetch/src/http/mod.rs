//! Downloads over HTTP: resumed where they broke off, verified, and in place only when whole.
//!
//! The bytes gather in a file that is named by the pinned sum, so another process, or the next one, continues them (`Range`, with `If-Range`
//! where the server names its version). In the end the sum decides. A connection may stall for `Patience::stall`; failures that may pass are
//! tried again with growing pauses. Redirects go to http and https only, five at most, never from https down to http.

mod agent;
mod answer;
mod part;

use std::{
    io::{self, Read},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use ureq::Body;

pub(crate) use agent::join;

use crate::{
    error::{Error, ErrorKind, Result},
    options::FetchOptions,
    progress::Meter,
};
use agent::{Client, Failed, network, unreachable};
use answer::{Verdict, Wanted, judge};
use part::{Part, may_be_resumed};

/// Times that a download may be continued after it made some progress; a server that drops after each byte must not hold us for ever.
const CONTINUATIONS: u32 = 100;
/// Downloads at the same time.
const AT_ONCE: usize = 4;
/// A page of links is some kilobytes; the longest are a few megabytes.
const PAGE_LIMIT: u64 = 32 << 20;
/// More than any file that this project pins.
const FILE_LIMIT: u64 = 8 << 30;

/// One file at one address.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// Its address, http or https.
    pub url: &'a str,
    /// Its size, if it is pinned.
    pub bytes: Option<u64>,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: &'a str,
    /// Where it goes.
    pub dest: &'a Path,
}

/// Downloads one file; `parts` is where unfinished ones are kept.
///
/// # Errors
/// [`ErrorKind::Network`], [`ErrorKind::Timeout`], [`ErrorKind::NotFound`] (404, 410), [`ErrorKind::Refused`] (401, 403, a redirect that is
/// not followed), [`ErrorKind::Corrupt`] (another size or sum), [`ErrorKind::DiskFull`], [`ErrorKind::Io`].
pub fn download(file: Download<'_>, parts: &Path, options: &FetchOptions) -> Result<()> {
    let meter = Meter::new(file.bytes);
    fetch_one(&Client::new(&options.patience)?, file, parts, &meter, options)
}

/// Downloads several files, four at a time; says of each, in their order, how it went.
///
/// # Errors
/// Where nothing could be begun ([`ErrorKind::Io`]: the certificates cannot be read); each file's own are as those of [`download`].
pub fn download_all(files: &[Download<'_>], parts: &Path, options: &FetchOptions) -> Result<Vec<Result<()>>> {
    let client = Client::new(&options.patience)?;
    let total = files.iter().map(|file| file.bytes).sum::<Option<u64>>();
    let (meter, next) = (Meter::new(total), AtomicUsize::new(0));
    let outcomes = Mutex::new(Vec::with_capacity(files.len()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(files.len()) {
            scope.spawn(|| {
                while let Some((at, file)) = take(&next, files) {
                    let outcome = fetch_one(&client, file, parts, &meter, options);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((at, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(at, _)| *at);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn take<'a>(next: &AtomicUsize, files: &[Download<'a>]) -> Option<(usize, Download<'a>)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    files.get(at).map(|file| (at, *file))
}

/// A page as text, for an index's links.
pub(crate) fn page(url: &str, accept: &str, options: &FetchOptions) -> Result<String> {
    let client = Client::new(&options.patience)?;
    let wanted = Wanted { url, bytes: None, have: 0 };
    let mut tries = 0;
    loop {
        let failed = match client.get(url, &[("Accept", accept.to_owned())]) {
            Ok(answer) => match judge(answer.status(), answer.headers(), wanted) {
                Verdict::FromStart => match text(url, answer.into_body()) {
                    Ok(page) => return Ok(page),
                    Err(failed) => failed,
                },
                Verdict::Again(error, _) => Failed { error, again: true },
                Verdict::Append | Verdict::Drop(_) => {
                    Error::new(ErrorKind::Network, format!("{url} sends a part of its page")).into()
                }
                Verdict::Fail(error) => error.into(),
            },
            Err(failed) => failed,
        };
        tries += 1;
        if !failed.again || tries >= options.patience.tries {
            return Err(failed.error);
        }
        thread::sleep(pause(options, tries, None));
    }
}

fn text(url: &str, body: Body) -> std::result::Result<String, Failed> {
    let mut page = Vec::new();
    let read = body.into_reader().take(PAGE_LIMIT).read_to_end(&mut page);
    read.map_err(|e| unreachable(url, ureq::Error::Io(e)))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn fetch_one(
    client: &Client,
    file: Download<'_>,
    parts: &Path,
    meter: &Meter,
    options: &FetchOptions,
) -> Result<()> {
    let mut part = Part::open(parts, file.sha256)?;
    meter.add(part.bytes(), options);
    match fill(client, file, &mut part, meter, options) {
        Ok(()) => Ok(()),
        Err(error) => {
            if !may_be_resumed(error.kind()) {
                part.discard();
            }
            Err(error)
        }
    }
}

/// Asks until the part is whole and has been moved into place.
fn fill(
    client: &Client,
    file: Download<'_>,
    part: &mut Part,
    meter: &Meter,
    options: &FetchOptions,
) -> Result<()> {
    let (mut tries, mut requests) = (0, 0);
    loop {
        let before = part.bytes();
        let (error, wait) = match attempt(client, file, part, meter, options) {
            Ok(()) => match part.finish(file.dest, file.sha256) {
                Ok(()) => return Ok(()),
                // Pieces of two versions, perhaps: once more, in one piece.
                Err(error) if part.is_pieced() => {
                    meter.forget(part.bytes());
                    part.restart()?;
                    (error, Some(Duration::ZERO))
                }
                Err(error) => return Err(error),
            },
            Err(Stop::Fail(error)) => return Err(error),
            Err(Stop::Again(error, wait)) => (error, wait),
        };
        requests += 1;
        tries = if part.bytes() > before { 1 } else { tries + 1 };
        if tries >= options.patience.tries || requests >= CONTINUATIONS {
            return Err(error);
        }
        thread::sleep(pause(options, tries, wait));
    }
}

/// Why an attempt did not fill the part.
enum Stop {
    Fail(Error),
    Again(Error, Option<Duration>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        if failed.again { Self::Again(failed.error, None) } else { Self::Fail(failed.error) }
    }
}

/// One request and its body.
fn attempt(
    client: &Client,
    file: Download<'_>,
    part: &mut Part,
    meter: &Meter,
    options: &FetchOptions,
) -> std::result::Result<(), Stop> {
    let have = part.bytes();
    if file.bytes.is_some_and(|bytes| have == bytes) {
        return Ok(());
    }
    if file.bytes.is_some_and(|bytes| have > bytes) {
        meter.forget(have);
        part.restart()?;
    }
    let answer = client.get(file.url, &range(part))?;
    let wanted = Wanted { url: file.url, bytes: file.bytes, have: part.bytes() };
    match judge(answer.status(), answer.headers(), wanted) {
        Verdict::Append => part.continues(),
        Verdict::FromStart => {
            meter.forget(part.bytes());
            part.restart()?;
        }
        Verdict::Drop(error) => {
            let empty = part.bytes() == 0;
            meter.forget(part.bytes());
            part.restart()?;
            return Err(if empty { Stop::Fail(error) } else { Stop::Again(error, Some(Duration::ZERO)) });
        }
        Verdict::Again(error, wait) => return Err(Stop::Again(error, wait)),
        Verdict::Fail(error) => return Err(Stop::Fail(error)),
    }
    part.remember_tag(answer.headers());
    copy(file, answer.into_body(), part, meter, options)
}

/// What asks for the rest only.
fn range(part: &Part) -> Vec<(&'static str, String)> {
    if part.bytes() == 0 {
        return Vec::new();
    }
    let range = ("Range", format!("bytes={}-", part.bytes()));
    let same = part.tag().map(|tag| ("If-Range", tag));
    [Some(range), same].into_iter().flatten().collect()
}

fn copy(
    file: Download<'_>,
    body: Body,
    part: &mut Part,
    meter: &Meter,
    options: &FetchOptions,
) -> std::result::Result<(), Stop> {
    let limit = file.bytes.unwrap_or(FILE_LIMIT);
    // A body's own limit is far below a model's size.
    let mut body = body.into_with_config().limit(u64::MAX).reader();
    let mut block = vec![0; 1 << 16];
    loop {
        let n = match body.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(broken(file.url, e).into()),
        };
        if part.bytes() + n as u64 > limit {
            let message = format!("{} is longer than the {limit} bytes it should have", file.url);
            return Err(Error::new(ErrorKind::Corrupt, message).with_remedy("use another source").into());
        }
        part.write(&block[..n])?;
        meter.add(n as u64, options);
    }
    match file.bytes {
        Some(bytes) if part.bytes() < bytes => {
            let message = format!("{} broke off after {} of {bytes} bytes", file.url, part.bytes());
            Err(Stop::Again(Error::new(ErrorKind::Network, message).with_remedy("try again"), None))
        }
        _ => Ok(()),
    }
}

fn broken(url: &str, error: io::Error) -> Failed {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    let stalled = error.kind() == io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)));
    let kind = if stalled { ErrorKind::Timeout } else { ErrorKind::Network };
    Failed { error: network(kind, url, error), again: true }
}

/// Grows twofold with each try.
fn pause(options: &FetchOptions, tries: u32, asked: Option<Duration>) -> Duration {
    asked.unwrap_or_else(|| options.patience.pause * 2_u32.saturating_pow(tries.saturating_sub(1).min(6)))
}
