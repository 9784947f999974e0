//! Archives that somebody else made.

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use duologue_fetch::{
    Error, ErrorKind,
    archive::{Limits, top, unpack},
};
use tar::{EntryType, Header};
use tempfile::TempDir;

/// A tar with these entries: type, name, content (a link's is where it leads).
pub fn tar_of(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        let mut header = Header::new_ustar();
        // Set by hand: the builder refuses names that lead out.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        if is_link {
            header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content);
        }
        let content = if is_link { &[] } else { *content };
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, content).unwrap();
    }
    tar.into_inner().unwrap()
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

pub fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn unpacked_with(bytes: &[u8], limits: Limits) -> (TempDir, PathBuf, Result<(), Error>) {
    let dir = TempDir::new().unwrap();
    let (packed, dest) = (dir.path().join("packed"), dir.path().join("a/b/dest"));
    fs::write(&packed, bytes).unwrap();
    let outcome = unpack(&packed, &dest, limits);
    (dir, dest, outcome)
}

fn unpacked(bytes: &[u8]) -> (TempDir, PathBuf, Result<(), Error>) {
    unpacked_with(bytes, Limits::default())
}

/// Every file under `dir`, for what must not be there.
fn names(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(names(&entry.path()));
        } else {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn archives_of_every_format_are_unpacked_and_their_top_folder_is_understood() {
    let tar = tar_of(&[(EntryType::Directory, "model/", b""), (FILE, "model/sub/a.onnx", b"abc")]);
    let zip = zip_of(&[("model/sub/a.onnx", b"abc")]);
    for bytes in [tar.clone(), gz(&tar), bz2(&tar), zip] {
        let (_dir, dest, outcome) = unpacked(&bytes);
        outcome.unwrap();
        assert_eq!(top(&dest).unwrap(), dest.join("model"));
        assert_eq!(fs::read(dest.join("model/sub/a.onnx")).unwrap(), b"abc");
    }
}

#[test]
fn archive_without_a_top_folder_is_its_own_top() {
    let (_dir, dest, outcome) = unpacked(&tar_of(&[(FILE, "a", b"1"), (FILE, "sub/b", b"2")]));
    outcome.unwrap();
    assert_eq!(top(&dest).unwrap(), dest);
    let (_dir, dest, outcome) = unpacked(&tar_of(&[(FILE, "only", b"1")]));
    outcome.unwrap();
    assert_eq!(top(&dest).unwrap(), dest);
}

#[test]
fn nothing_is_written_outside() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    let absolute = outside.path().with_extension("evil");
    let names_out =
        ["../evil", "a/../../evil", "a/../../../../evil", absolute.to_str().unwrap(), "..\\evil", "C:evil"];
    for name in names_out {
        for bytes in [tar_of(&[(FILE, name, b"x")]), zip_of(&[(name, b"x")])] {
            let (dir, _dest, outcome) = unpacked(&bytes);
            let error = outcome.expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert_eq!(names(dir.path()), ["packed"], "{name}");
            assert!(!absolute.exists());
        }
    }
}

#[test]
fn link_that_leads_out_is_refused_and_one_inside_becomes_a_copy() {
    for (kind, to) in [
        (EntryType::Symlink, "/etc/passwd"),
        (EntryType::Symlink, "../../out"),
        (EntryType::Link, "../packed"),
        (EntryType::Link, "/etc/passwd"),
    ] {
        let (dir, _dest, outcome) =
            unpacked(&tar_of(&[(kind, "m/link", to.as_bytes()), (FILE, "m/link/evil", b"x")]));
        let error = outcome.expect_err(to);
        assert!(error.to_string().contains("leads out"), "{error}");
        assert_eq!(names(dir.path()), ["packed"], "{to}");
    }
    let entries =
        [(EntryType::Symlink, "m/b", &b"a"[..]), (EntryType::Link, "c", b"m/a"), (FILE, "m/a", b"abc")];
    let (_dir, dest, outcome) = unpacked(&tar_of(&entries));
    outcome.unwrap();
    for name in ["m/b", "c"] {
        assert_eq!(fs::read(dest.join(name)).unwrap(), b"abc");
        assert!(fs::symlink_metadata(dest.join(name)).unwrap().is_file());
    }
}

#[test]
fn link_to_no_file_and_device_are_refused() {
    for entries in [
        [(EntryType::Symlink, "a", &b"nothing"[..])],
        [(EntryType::Symlink, "a", b"a")],
        [(EntryType::Fifo, "a", b"")],
        [(EntryType::Char, "a", b"")],
    ] {
        let (_dir, _dest, outcome) = unpacked(&tar_of(&entries));
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn archive_that_grows_too_large_is_stopped() {
    let bomb = gz(&tar_of(&[(FILE, "a", &vec![0; 2_000_000])]));
    let small = Limits { bytes: 1_000_000, ..Limits::default() };
    let (_dir, dest, outcome) = unpacked_with(&bomb, small);
    assert!(outcome.unwrap_err().to_string().contains("larger than it may be"));
    assert!(fs::metadata(dest.join("a")).unwrap().len() <= 1_000_001);
    let many: Vec<_> = (0..20).map(|i| format!("f{i}")).collect();
    let entries: Vec<_> = many.iter().map(|name| (FILE, name.as_str(), &b""[..])).collect();
    let (_dir, _dest, outcome) =
        unpacked_with(&tar_of(&entries), Limits { entries: 10, ..Limits::default() });
    assert!(outcome.unwrap_err().to_string().contains("too many"));
}

#[test]
fn file_that_is_there_twice_is_refused() {
    let (_dir, _dest, outcome) = unpacked(&tar_of(&[(FILE, "a", b"1"), (FILE, "a", b"2")]));
    assert!(outcome.unwrap_err().to_string().contains("twice"));
}

#[test]
fn damaged_archive_is_an_error() {
    let tar = tar_of(&[(FILE, "a", &vec![5; 100_000])]);
    for whole in [gz(&tar), bz2(&tar), tar.clone(), zip_of(&[("a", &vec![5; 100_000])])] {
        for part in [whole.len() / 2, 20] {
            let (_dir, _dest, outcome) = unpacked(&whole[..part]);
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Corrupt, "{part} of {}", whole.len());
        }
    }
    let (_dir, _dest, outcome) = unpacked(b"no archive at all, but longer than a magic number is");
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Corrupt);
}
