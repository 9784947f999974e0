//! The file is whole at any moment, and a disk that is full is not passed over.

use duologue_pipeline::ErrorKind;
use duologue_pipeline::wav::{Warning, WavReader, WavWriter};
use std::io::{Cursor, Error, ErrorKind as Io, Result, Seek, SeekFrom, Write};
use std::path::Path;

#[test]
fn killed_process_does_not_leave_a_broken_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("killed.wav");
    let mut writer = WavWriter::create(&path, 16_000, 2).unwrap();
    assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 0, "valid before the first sample");
    for _ in 0..250 {
        writer.write(&[0.25; 320]).unwrap();
    }
    // As a killed process would: neither dropped nor finished.
    std::mem::forget(writer);
    let theirs = hound::WavReader::open(&path).unwrap().duration();
    assert!((24_000..=40_000).contains(&theirs), "at most a second is missing: {theirs} frames");
    let mut ours = WavReader::open(&path).unwrap();
    assert_eq!(ours.frames(), Some(u64::from(theirs)));
    assert!(ours.read_to_end(50_000).unwrap().iter().all(|s| *s == 0.25));
}

#[test]
fn dropped_writer_does_not_lose_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dropped.wav");
    WavWriter::create(&path, 48_000, 1).unwrap().write(&[0.5; 1_000]).unwrap();
    assert_eq!(WavReader::open(&path).unwrap().read_to_end(2_000).unwrap(), [0.5; 1_000]);
}

#[test]
fn full_disk_is_not_silent() {
    if !Path::new("/dev/full").exists() {
        return eprintln!("SKIPPED: no /dev/full on this system");
    }
    let error = WavWriter::create("/dev/full", 48_000, 1).err().expect("no room");
    assert_eq!(error.kind(), ErrorKind::Io);
    let message = error.to_string();
    assert!(message.contains("/dev/full") && message.contains("free some space"), "{message}");
}

/// A disk with room for so many bytes.
struct Disk {
    file: Cursor<Vec<u8>>,
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.file.position() as usize + bytes.len() > self.room {
            return Err(Error::from(Io::StorageFull));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn disk_that_fills_up_on_the_way_is_not_silent() {
    let mut disk = Disk { file: Cursor::new(Vec::new()), room: 100_000 };
    let mut writer = WavWriter::new(&mut disk, "answer.wav", 16_000, 1).unwrap();
    let error = (0..1_000).find_map(|_| writer.write(&[0.5; 160]).err()).expect("room for 3 s only");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().starts_with("answer.wav: "), "{error}");
    drop(writer);
    let mut reader = WavReader::new(Cursor::new(disk.file.into_inner()), "answer.wav").unwrap();
    let kept = reader.read_to_end(100_000).unwrap().len();
    assert!(kept >= 32_000, "what was written stays readable: {kept}");
}

/// What a pipe can do.
struct Pipe(Vec<u8>);

impl Write for &mut Pipe {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Seek for &mut Pipe {
    fn seek(&mut self, _: SeekFrom) -> Result<u64> {
        Err(Error::from(Io::NotSeekable))
    }
}

#[test]
fn pipe_that_cannot_seek_is_not_an_error() {
    let mut pipe = Pipe(Vec::new());
    let mut writer = WavWriter::new(&mut pipe, "pipe", 16_000, 1).unwrap();
    writer.write(&[0.5; 20_000]).unwrap();
    writer.finish().unwrap();
    let mut reader = WavReader::new(Cursor::new(pipe.0), "pipe").unwrap();
    assert_eq!(reader.read_to_end(50_000).unwrap().len(), 20_000);
    assert_eq!(reader.warnings(), [Warning::UnknownLength]);
}

#[test]
fn impossible_formats_are_not_written() {
    for (rate, channels) in [(0, 1), (7_999, 1), (192_001, 1), (16_000, 0), (16_000, 257)] {
        let error = WavWriter::new(Cursor::new(Vec::new()), "x.wav", rate, channels).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[test]
fn missing_directory_is_named() {
    let error = WavWriter::create("/nowhere/answer.wav", 16_000, 1).err().unwrap();
    assert!(error.to_string().contains("/nowhere/answer.wav"), "{error}");
}
