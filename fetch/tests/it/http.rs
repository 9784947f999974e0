//! Downloads from a server that misbehaves: no wrong or half file ever stands under its name, and each case has its own error.

use std::{
    fs,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use duologue_fetch::{
    Error, ErrorKind, FetchOptions, Patience, Progress,
    http::{Download, download, download_all},
};
use tempfile::TempDir;

use crate::{
    index::sum,
    server::{Answer, Server},
};

/// Pauses too short to wait for, and a stall that a busy machine does not make by itself.
pub fn quick() -> FetchOptions {
    let patience = Patience { stall: Duration::from_secs(1), pause: Duration::from_millis(1), tries: 3 };
    FetchOptions { patience, progress: Some(Arc::new(|_| {})), ..FetchOptions::default() }
}

pub fn bytes(count: usize) -> Vec<u8> {
    (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

struct Place {
    dir: TempDir,
    file: Vec<u8>,
    sum: String,
}

impl Place {
    fn new() -> Self {
        let file = bytes(300_000);
        let sum = sum(&file);
        Self { dir: TempDir::new().unwrap(), file, sum }
    }

    fn get(&self, url: &str) -> Result<(), Error> {
        let dest = self.dir.path().join("file");
        let file = Download { url, bytes: Some(self.file.len() as u64), sha256: &self.sum, dest: &dest };
        download(file, &self.dir.path().join("parts"), &quick())
    }

    /// The file under its own name, if it is there.
    fn found(&self) -> Option<Vec<u8>> {
        fs::read(self.dir.path().join("file")).ok()
    }

    /// Unfinished bytes.
    fn left(&self) -> u64 {
        let entries = fs::read_dir(self.dir.path().join("parts")).into_iter().flatten().flatten();
        let parts = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "part"));
        parts.map(|entry| entry.metadata().unwrap().len()).sum()
    }
}

/// The file arrives whole with these answers, one after the other; returns the ranges that were asked for.
fn arrives(answers: Vec<Answer>) -> Vec<Option<String>> {
    let place = Place::new();
    let server = Server::new(place.file.clone(), answers);
    place.get(&server.url()).unwrap();
    assert_eq!(place.found().as_ref(), Some(&place.file));
    assert_eq!(place.left(), 0, "something is left");
    server.requests().iter().map(|request| request.headers.get("range").cloned()).collect()
}

#[test]
fn file_is_fetched_in_one_piece() {
    assert_eq!(arrives(vec![Answer::File]), [None]);
}

#[test]
fn dropped_connection_is_resumed_where_it_broke_off() {
    let ranges = arrives(vec![Answer::Drop(100_000), Answer::Drop(50_000), Answer::File]);
    assert_eq!(ranges, [None, Some("bytes=100000-".into()), Some("bytes=150000-".into())]);
}

#[test]
fn server_that_knows_no_ranges_does_not_spoil_the_file() {
    arrives(vec![Answer::Drop(100_000), Answer::Whole]);
}

#[test]
fn part_that_was_not_asked_for_is_not_appended() {
    let ranges = arrives(vec![Answer::Drop(100_000), Answer::PartFrom(7), Answer::File]);
    assert_eq!(ranges[2], None, "bytes of which nobody knows whether they fit were kept");
}

#[test]
fn passing_failure_is_tried_again() {
    arrives(vec![Answer::Status(503), Answer::Status(500), Answer::File]);
    arrives(vec![Answer::Mute, Answer::Stall, Answer::File]);
}

#[test]
fn pieces_of_two_versions_do_not_become_one_file() {
    let place = Place::new();
    let parts = place.dir.path().join("parts");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join(format!("{}.part", place.sum)), vec![9; 1_000]).unwrap();
    let server = Server::new(place.file.clone(), vec![Answer::File]);
    place.get(&server.url()).unwrap();
    assert_eq!(place.found().as_ref(), Some(&place.file));
    assert_eq!(server.requests().len(), 2, "once for the rest, once for all");
}

#[test]
fn download_that_another_process_began_is_continued() {
    let place = Place::new();
    let server = Server::new(place.file.clone(), vec![Answer::Drop(1_000), Answer::Status(403)]);
    assert_eq!(place.get(&server.url()).unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(place.left(), 0, "what a refused source has begun is of no use");
    let broken = Server::new(place.file.clone(), vec![Answer::Drop(1_000), Answer::Drop(0)]);
    assert_eq!(place.get(&broken.url()).unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(place.left(), 1_000);
    let server = Server::new(place.file.clone(), vec![Answer::File]);
    place.get(&server.url()).unwrap();
    assert_eq!(server.requests()[0].headers["range"], "bytes=1000-");
    assert_eq!(place.found().as_ref(), Some(&place.file));
}

#[test]
fn each_failure_has_its_error_and_leaves_no_file() {
    let go = |to: &str| Answer::Redirect(to.into());
    let cases: Vec<(Answer, ErrorKind, &str)> = vec![
        (Answer::Drop(0), ErrorKind::Network, "cannot fetch"),
        (Answer::Short(5), ErrorKind::Network, "broke off after 5 of 300000 bytes"),
        (Answer::Long, ErrorKind::Corrupt, "longer than the 300000 bytes"),
        (Answer::Announce(299_999), ErrorKind::Corrupt, "has 299999 bytes instead of 300000"),
        (Answer::Announce(300_001), ErrorKind::Corrupt, "has 300001 bytes instead of 300000"),
        (Answer::Wrong, ErrorKind::Corrupt, "SHA-256"),
        (Answer::Stall, ErrorKind::Timeout, "cannot fetch"),
        (Answer::Mute, ErrorKind::Timeout, "cannot fetch"),
        (Answer::PartFrom(7), ErrorKind::Corrupt, "from byte 7"),
        (Answer::Status(401), ErrorKind::Refused, "401"),
        (Answer::Status(403), ErrorKind::Refused, "403"),
        (Answer::Status(404), ErrorKind::NotFound, "404"),
        (Answer::Status(410), ErrorKind::NotFound, "410"),
        (Answer::Status(416), ErrorKind::Corrupt, "416"),
        (Answer::Status(500), ErrorKind::Network, "500"),
        (Answer::Status(204), ErrorKind::Network, "204"),
        (go("file:///etc/passwd"), ErrorKind::Refused, "redirects to file:///etc/passwd"),
        (go("ftp://example.org/x"), ErrorKind::Refused, "redirects to ftp:"),
        (go("{base}/again"), ErrorKind::Refused, "in circles"),
        (go("//"), ErrorKind::Network, "cannot fetch"),
    ];
    for (answer, kind, words) in cases {
        let place = Place::new();
        let server = Server::new(place.file.clone(), vec![answer.clone()]);
        let error = place.get(&server.url()).unwrap_err();
        assert_eq!(error.kind(), kind, "{answer:?}: {error}");
        assert!(error.to_string().contains(words), "{answer:?}: {error}");
        assert!(error.remedy().is_some(), "{answer:?}: {error}");
        assert_eq!(place.found(), None, "{answer:?}");
        let resumable = matches!(kind, ErrorKind::Network | ErrorKind::Timeout);
        assert!(resumable || place.left() == 0, "{answer:?} left {} bytes", place.left());
    }
}

#[test]
fn file_that_was_there_is_not_replaced_by_a_wrong_one() {
    let place = Place::new();
    fs::write(place.dir.path().join("file"), "old").unwrap();
    let server = Server::new(place.file.clone(), vec![Answer::Wrong]);
    place.get(&server.url()).unwrap_err();
    assert_eq!(place.found().as_deref(), Some(&b"old"[..]));
}

#[test]
fn redirect_to_another_host_is_followed_without_the_password() {
    let place = Place::new();
    let other = Server::new(place.file.clone(), vec![Answer::File]);
    let first = Server::new(Vec::new(), vec![Answer::Redirect(format!("{}/there", other.base))]);
    place.get(&first.url().replace("http://", "http://me:secret@")).unwrap();
    assert_eq!(place.found().as_ref(), Some(&place.file));
    assert!(!other.requests()[0].headers.contains_key("authorization"));
    assert_eq!(other.requests()[0].path, "/there");
}

#[test]
fn no_secret_of_an_address_is_shown() {
    let place = Place::new();
    let server =
        Server::new(Vec::new(), vec![Answer::Status(403), Answer::Redirect("file:///x?token=hidden".into())]);
    let url = server.url().replace("http://", "http://me:secret@") + "?token=hidden";
    for _ in 0..2 {
        let error = place.get(&url).unwrap_err().to_string();
        assert!(!error.contains("secret") && !error.contains("hidden"), "{error}");
    }
    let nobody = "http://me:secret@127.0.0.1:1/file?sig=hidden";
    let error = place.get(nobody).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(!format!("{error}{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn several_are_fetched_at_once_and_each_tells_its_own_outcome() {
    let dir = TempDir::new().unwrap();
    let files: Vec<Vec<u8>> = (0..6).map(|i| bytes(10_000 + i)).collect();
    let servers: Vec<Server> = files
        .iter()
        .enumerate()
        .map(|(i, file)| {
            let answer = if i == 3 { Answer::Status(404) } else { Answer::File };
            Server::new(file.clone(), vec![answer])
        })
        .collect();
    let (urls, sums): (Vec<_>, Vec<_>) = servers.iter().zip(&files).map(|(s, f)| (s.url(), sum(f))).unzip();
    let dests: Vec<_> = (0..6).map(|i| dir.path().join(format!("{i}"))).collect();
    let wanted: Vec<Download<'_>> = (0..6)
        .map(|i| Download {
            url: &urls[i],
            bytes: Some(files[i].len() as u64),
            sha256: &sums[i],
            dest: &dests[i],
        })
        .collect();
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let options = FetchOptions { progress: Some(Arc::new(move |p| ear.lock().unwrap().push(p))), ..quick() };
    let outcomes = download_all(&wanted, &dir.path().join("parts"), &options).unwrap();
    for (i, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.as_ref().err().map(Error::kind), (i == 3).then_some(ErrorKind::NotFound));
        assert_eq!(fs::read(&dests[i]).ok(), (i != 3).then(|| files[i].clone()));
    }
    let all = files.iter().map(|file| file.len() as u64).sum::<u64>();
    let of_all = |p: &Progress| matches!(p, Progress::Received { total: Some(total), .. } if *total == all);
    assert!(told.lock().unwrap().iter().all(of_all), "progress counts each file by itself");
}

#[test]
fn server_that_is_asked_by_many_is_not_left_hanging() {
    let place = Arc::new(Place::new());
    let server = Server::new(place.file.clone(), vec![Answer::File]);
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let (place, url) = (Arc::clone(&place), server.url());
            thread::spawn(move || {
                let dest = place.dir.path().join(format!("file-{i}"));
                let file = Download { url: &url, bytes: None, sha256: &place.sum, dest: &dest };
                download(file, &place.dir.path().join(format!("parts-{i}")), &quick()).unwrap();
                assert_eq!(fs::read(dest).unwrap(), place.file);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(server.requests().len(), 4);
}
