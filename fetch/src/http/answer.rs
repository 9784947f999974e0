//! What a server's answer means for a download that may be half done. Decides only; reads and writes nothing.

use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, header};

use crate::error::{Error, ErrorKind};

/// No server is waited for longer, whatever it asks for.
const LONGEST_WAIT: u64 = 60;

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub url: &'a str,
    /// The pinned size, if it is pinned.
    pub bytes: Option<u64>,
    /// Bytes that are here already, which the request told.
    pub have: u64,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The body continues what is here.
    Append,
    /// The body is the whole file.
    FromStart,
    /// What is here is no beginning of the server's file: drop it and ask again.
    Drop(Error),
    /// Ask again after this time, or a time of one's own.
    Again(Error, Option<Duration>),
    /// Asking again would not help.
    Fail(Error),
}

pub(super) fn judge(status: StatusCode, headers: &HeaderMap, wanted: Wanted<'_>) -> Verdict {
    let said = |what: &str| format!("{} answers {}: {what}", wanted.url, status.as_u16());
    match status.as_u16() {
        200 => whole(headers, wanted),
        206 => continued(headers, wanted),
        401 | 403 | 407 => Verdict::Fail(
            Error::new(ErrorKind::Refused, said("it may not be fetched"))
                .with_remedy("check the address's user name and password, or use another source"),
        ),
        404 | 410 => Verdict::Fail(
            Error::new(ErrorKind::NotFound, said("it is not there"))
                .with_remedy("correct the address or use another source"),
        ),
        416 => Verdict::Drop(unfit(said("its file is shorter than it should be"))),
        408 | 425 | 429 | 500..=599 => {
            let error = Error::new(ErrorKind::Network, said("it cannot answer now"));
            Verdict::Again(error.with_remedy("try again later or use another source"), retry_after(headers))
        }
        _ => Verdict::Fail(
            Error::new(ErrorKind::Network, said("that is no file")).with_remedy("use another source"),
        ),
    }
}

fn whole(headers: &HeaderMap, wanted: Wanted<'_>) -> Verdict {
    match (number(headers, header::CONTENT_LENGTH), wanted.bytes) {
        (Some(announced), Some(bytes)) if announced != bytes => {
            Verdict::Fail(other_length(wanted.url, announced, bytes))
        }
        _ => Verdict::FromStart,
    }
}

fn continued(headers: &HeaderMap, wanted: Wanted<'_>) -> Verdict {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let Some((first, total)) = range.and_then(content_range) else {
        let message = format!("{} sends a part and does not say which", wanted.url);
        return Verdict::Drop(unfit(message));
    };
    if first != wanted.have {
        let message = format!("{} sends from byte {first}, not from {} as asked", wanted.url, wanted.have);
        return Verdict::Drop(unfit(message));
    }
    match (total, wanted.bytes) {
        (Some(total), Some(bytes)) if total != bytes => Verdict::Fail(other_length(wanted.url, total, bytes)),
        _ => Verdict::Append,
    }
}

/// First byte and whole length out of `bytes 5-9/10`.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    number(headers, header::RETRY_AFTER).map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

pub(super) fn number(headers: &HeaderMap, name: header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn other_length(url: &str, found: u64, wanted: u64) -> Error {
    unfit(format!("{url} has {found} bytes instead of {wanted}: it is another file"))
}

fn unfit(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message).with_remedy("use another source")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, headers: &[(&'static str, &str)], have: u64) -> Verdict {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let wanted = Wanted { url: "https://h/x", bytes: Some(10), have };
        judge(StatusCode::from_u16(status).unwrap(), &map, wanted)
    }

    #[test]
    fn part_that_was_not_asked_for_is_never_appended() {
        assert!(matches!(verdict(206, &[("content-range", "bytes 5-9/10")], 5), Verdict::Append));
        for range in ["bytes 4-9/10", "bytes 0-9/10", "pages 5-9/10", "bytes */10", ""] {
            assert!(matches!(verdict(206, &[("content-range", range)], 5), Verdict::Drop(_)), "{range}");
        }
        assert!(matches!(verdict(206, &[], 5), Verdict::Drop(_)));
        assert!(matches!(verdict(206, &[("content-range", "bytes 5-9/11")], 5), Verdict::Fail(_)));
    }

    #[test]
    fn file_of_another_length_is_not_begun() {
        assert!(matches!(verdict(200, &[("content-length", "10")], 0), Verdict::FromStart));
        assert!(matches!(verdict(200, &[], 5), Verdict::FromStart));
        assert!(matches!(verdict(200, &[("content-length", "11")], 0), Verdict::Fail(_)));
    }

    #[test]
    fn each_refusal_has_its_kind() {
        for (status, kind) in
            [(401, ErrorKind::Refused), (403, ErrorKind::Refused), (404, ErrorKind::NotFound)]
        {
            assert!(matches!(verdict(status, &[], 0), Verdict::Fail(e) if e.kind() == kind), "{status}");
        }
        for status in [204, 304, 400, 418] {
            assert!(matches!(verdict(status, &[], 0), Verdict::Fail(_)), "{status}");
        }
    }

    #[test]
    fn no_server_is_waited_for_without_end() {
        let Verdict::Again(_, Some(wait)) = verdict(503, &[("retry-after", "86400")], 0) else {
            panic!("not asked again")
        };
        assert_eq!(wait, Duration::from_secs(LONGEST_WAIT));
        assert!(matches!(verdict(500, &[("retry-after", "tomorrow")], 0), Verdict::Again(_, None)));
    }
}
