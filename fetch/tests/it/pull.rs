//! Models out of every kind of source.

use std::{
    fs,
    path::{Path, PathBuf},
};

use duologue_fetch::{
    ErrorKind, FetchOptions, FileSource, PackageMember, Pull, SourcedArchive, SourcedFile, bundle, pull,
};
use tar::EntryType;
use tempfile::TempDir;

use crate::{
    archive::{bz2, gz, tar_of},
    http::{bytes, quick},
    index::{Behaviour, MEMBER, Package, sum},
    server::{Answer, Server},
};

fn file(path: &str, content: &[u8], sources: Vec<FileSource>) -> SourcedFile {
    SourcedFile { path: path.into(), bytes: content.len() as u64, sha256: sum(content), sources }
}

fn options(cache: &TempDir) -> FetchOptions {
    FetchOptions { cache: Some(cache.path().into()), ..quick() }
}

fn pulled(files: &[SourcedFile], options: &FetchOptions) -> Result<PathBuf, duologue_fetch::Error> {
    pull(Pull { name: "some-model", files, archive: None }, options)
}

/// What is in the cache beside stamps and locks.
fn visible(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

#[test]
fn files_come_from_the_first_source_that_delivers() {
    let (cache, content) = (TempDir::new().unwrap(), bytes(50_000));
    let (bad, wrong, good) = (
        Server::new(Vec::new(), vec![Answer::Status(404)]),
        Server::new(content.clone(), vec![Answer::Wrong]),
        Server::new(content.clone(), vec![Answer::Drop(7_000), Answer::File]),
    );
    let urls = [&bad, &wrong, &good].map(|server| FileSource::Url(server.url()));
    let files = [file("sub/model.onnx", &content, urls.to_vec())];
    let dir = pulled(&files, &options(&cache)).unwrap();
    assert_eq!(fs::read(dir.join("sub/model.onnx")).unwrap(), content);
    assert_eq!(visible(&dir), ["sub"]);
    pulled(&files, &FetchOptions { offline: true, ..options(&cache) }).unwrap();
    assert_eq!(good.requests().len(), 2, "fetched again");
}

#[test]
fn failure_of_every_source_is_told_and_no_file_stands() {
    let (cache, content) = (TempDir::new().unwrap(), bytes(5_000));
    let gone = Server::new(Vec::new(), vec![Answer::Status(404)]);
    let wrong = Server::new(content.clone(), vec![Answer::Wrong]);
    let sources = vec![FileSource::Url(gone.url()), FileSource::Url(wrong.url())];
    let error = pulled(&[file("m.onnx", &content, sources)], &options(&cache)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    for word in ["m.onnx", "404", "SHA-256"] {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    assert_eq!(visible(&cache.path().join("models/some-model")), [] as [String; 0]);
}

#[test]
fn members_of_wheels_are_put_one_after_the_other() {
    let cache = TempDir::new().unwrap();
    let package = Package::new(30_000);
    let index = package.serve(Behaviour::Html);
    let member = PackageMember {
        package: "duo-test".into(),
        version: "1.0".into(),
        sha256: package.wheel_sha256.clone(),
        member: MEMBER.into(),
    };
    let twice = [package.content.clone(), package.content.clone()].concat();
    let files = [
        file("joined.bin", &twice, vec![FileSource::Wheels(vec![member.clone(), member.clone()])]),
        file("single.bin", &package.content, vec![FileSource::Wheels(vec![member])]),
    ];
    let options = FetchOptions {
        python: Some("/nonexistent/python3".into()),
        index_url: Some(index.url.clone()),
        ..options(&cache)
    };
    let dir = pulled(&files, &options).unwrap();
    assert_eq!(fs::read(dir.join("joined.bin")).unwrap(), twice);
    assert_eq!(index.downloads.load(std::sync::atomic::Ordering::Relaxed), 1, "one wheel was fetched twice");
}

#[test]
fn archive_fills_in_what_has_no_source() {
    let tar =
        tar_of(&[(EntryType::Regular, "top/a.onnx", b"abc"), (EntryType::Regular, "top/tokens.txt", b"a 0")]);
    for packed in [gz(&tar), bz2(&tar)] {
        let cache = TempDir::new().unwrap();
        let server = Server::new(packed.clone(), vec![Answer::Drop(50), Answer::File]);
        let archive = SourcedArchive { url: server.url(), bytes: packed.len() as u64, sha256: sum(&packed) };
        let files = [file("a.onnx", b"abc", Vec::new()), file("tokens.txt", b"a 0", Vec::new())];
        let dir = pull(Pull { name: "m", files: &files, archive: Some(&archive) }, &options(&cache)).unwrap();
        assert_eq!(visible(&dir), ["a.onnx", "tokens.txt"]);
    }
    // Only the archive is pinned: all of it is moved, without its top folder.
    let (cache, packed) = (TempDir::new().unwrap(), bz2(&tar));
    let server = Server::new(packed.clone(), vec![Answer::File]);
    let archive = SourcedArchive { url: server.url(), bytes: packed.len() as u64, sha256: sum(&packed) };
    let model = Pull { name: "m", files: &[], archive: Some(&archive) };
    let dir = pull(model, &options(&cache)).unwrap();
    assert_eq!(visible(&dir), [".unpacked", "a.onnx", "tokens.txt"]);
    pull(model, &FetchOptions { offline: true, ..options(&cache) }).unwrap();
}

#[test]
fn mirror_is_asked_first_whether_folder_or_address() {
    let content = bytes(5_000);
    let publisher = Server::new(content.clone(), vec![Answer::File]);
    let files = [file("m.onnx", &content, vec![FileSource::Url(publisher.url())])];
    let first = TempDir::new().unwrap();
    let dir = pulled(&files, &options(&first)).unwrap();
    let carried = TempDir::new().unwrap();
    let to = bundle("some-model", &dir, &files, carried.path(), &options(&first)).unwrap();
    assert_eq!(visible(&to), ["m.onnx"]);
    let server = Server::new(content.clone(), vec![Answer::File]);
    for mirror in [carried.path().to_str().unwrap().to_owned(), format!("{}/", server.base)] {
        let cache = TempDir::new().unwrap();
        let dir = pulled(&files, &FetchOptions { mirror: Some(mirror), ..options(&cache) }).unwrap();
        assert_eq!(fs::read(dir.join("m.onnx")).unwrap(), content);
    }
    assert_eq!(server.requests()[0].path, "/models/some-model/m.onnx");
    assert_eq!(publisher.requests().len(), 1, "the publisher was asked although the mirror has it");
    // A mirror that lacks it, or has another file, is passed over.
    fs::write(to.join("m.onnx"), bytes(5_001)).unwrap();
    let cache = TempDir::new().unwrap();
    let mirror = Some(carried.path().to_str().unwrap().to_owned());
    pulled(&files, &FetchOptions { mirror, ..options(&cache) }).unwrap();
    assert_eq!(publisher.requests().len(), 2);
    let mirror = Some("carried".to_owned());
    let error = pulled(&files, &FetchOptions { mirror, ..options(&TempDir::new().unwrap()) }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unconfigured, "a mirror in the current directory was accepted");
}

#[test]
fn offline_pulls_nothing() {
    let (cache, content) = (TempDir::new().unwrap(), bytes(5_000));
    let server = Server::new(content.clone(), vec![Answer::File]);
    let files = [file("m.onnx", &content, vec![FileSource::Url(server.url())])];
    let error = pulled(&files, &FetchOptions { offline: true, ..options(&cache) }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Offline);
    assert!(error.to_string().contains("duologue models pull some-model"), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn racing_pulls_fetch_once() {
    let (cache, content) = (TempDir::new().unwrap(), bytes(200_000));
    let server = Server::new(content.clone(), vec![Answer::File]);
    let files = [file("m.onnx", &content, vec![FileSource::Url(server.url())])];
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| pulled(&files, &options(&cache)).unwrap());
        }
    });
    assert_eq!(server.requests().len(), 1);
}
