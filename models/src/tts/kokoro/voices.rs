//! The voices of a model: names, and the style that each gives to a clause.
//!
//! A voice is a table of rows of 256 numbers; which row is used depends on the clause's number of
//! phonemes. Read are: single `.bin` files (raw `f32`), several voices one after the other in a raw
//! `.bin` (named by the model's metadata), and `.npz` archives whatever their ending (Kokoro's
//! `voices-v1.0.bin`), stored or deflated.
//!
//! Invariant: opening reads names and sizes only; a voice is read, checked and kept when it is first
//! used (0.5 MB each), so that a table of 54 voices costs what the used ones cost. A blend is
//! written `af_bella:0.7+af_sarah:0.3` wherever a name is.
//!
//! ```no_run
//! use duologue_models::tts::kokoro::Voices;
//!
//! let voices = Voices::open(&["voices-v1.0.bin"], &Default::default())?;
//! let style = voices.style("af_heart:2+af_sarah", 40)?;
//! assert_eq!(style.len(), 256);
//! # Ok::<(), duologue_models::Error>(())
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use duologue_fetch::plain;

use super::names::{self, Blend};
use crate::tts::npy;
use crate::{Error, ErrorKind};

/// Numbers in one row: the first half shapes the sound, the second half the prosody.
pub const STYLE_WIDTH: usize = 256;

/// Rows of a Kokoro voice (v1.0); v0.19 has 511.
pub const KOKORO_ROWS: usize = 510;

/// Most rows that are taken for a voice.
pub(super) const MAX_ROWS: usize = 4096;

/// Most voices that are taken for a table.
const MAX_VOICES: u64 = 1024;

/// Styles of real voices lie within ±3.2 (all 54 of Kokoro v1.0); a value beyond this is another kind of file.
const MAX_VALUE: f32 = 100.0;

/// The style of one clause.
pub type Style = [f32; STYLE_WIDTH];

/// What a model's metadata says about raw tables, which carry no names themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableHint {
    /// The voices' names in the table's order; unused unless there are as many as voices. Without
    /// names, voices are called `0`, `1`, …
    pub names: Vec<String>,
    /// Rows of each voice; without it [`KOKORO_ROWS`], else 511, whichever fits the file.
    pub rows: Option<usize>,
}

/// The voices of a model.
#[derive(Debug)]
pub struct Voices {
    names: Vec<String>,
    places: Vec<Place>,
    loaded: Mutex<HashMap<usize, Arc<Vec<f32>>>>,
}

/// Where a voice is read from.
#[derive(Clone, Debug)]
enum Place {
    Raw { file: PathBuf, offset: u64, rows: usize },
    Archive { file: PathBuf, entry: usize },
}

impl Place {
    fn file(&self) -> &Path {
        let (Place::Raw { file, .. } | Place::Archive { file, .. }) = self;
        file
    }
}

impl Voices {
    /// Looks into voice files. Of two voices with one name the first is kept.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing file or none at all, [`ErrorKind::Io`] if one can't be
    /// read, [`ErrorKind::Invalid`] if one is not a voice table; the message names it.
    pub fn open(files: &[impl AsRef<Path>], hint: &TableHint) -> Result<Self, Error> {
        let mut voices = Self { names: Vec::new(), places: Vec::new(), loaded: Mutex::default() };
        for file in files {
            for (name, place) in look_into(file.as_ref(), hint)? {
                if !voices.names.contains(&name) {
                    voices.names.push(name);
                    voices.places.push(place);
                }
            }
        }
        if voices.names.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "no voice file; pull the model again"));
        }
        Ok(voices)
    }

    /// Makes `name` the first, which is the default, if there is such a voice.
    pub fn put_first(&mut self, name: &str) {
        if let Some(at) = self.names.iter().position(|n| n == name) {
            self.names[..=at].rotate_right(1);
            self.places[..=at].rotate_right(1);
            self.loaded = Mutex::default();
        }
    }

    /// The names, in the files' order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The style for a clause of `phonemes` phonemes in `voice`: a name, a blend of names
    /// (`af_bella:0.7+af_sarah:0.3`; a weight left out is 1, and weights are scaled to sum 1), or
    /// nothing for the first voice.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name, with the nearest ones; [`ErrorKind::Config`] for
    /// a malformed blend; [`ErrorKind::Invalid`] or [`ErrorKind::Io`] if the voice can't be read.
    pub fn style(&self, voice: &str, phonemes: usize) -> Result<Style, Error> {
        let mut style = [0.0; STYLE_WIDTH];
        for (name, weight) in Blend::parse(voice, &self.names[0])?.parts() {
            let table = self.table(name)?;
            let row = row_for(phonemes, table.len() / STYLE_WIDTH);
            let row = &table[row * STYLE_WIDTH..][..STYLE_WIDTH];
            style.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
        Ok(style)
    }

    /// All rows of the voice `name`, one after the other.
    ///
    /// # Errors
    /// As [`Voices::style`].
    pub fn table(&self, name: &str) -> Result<Arc<Vec<f32>>, Error> {
        let at = self.names.iter().position(|n| n == name);
        let at = at.ok_or_else(|| names::unknown(name, &self.names))?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = loaded.get(&at) {
            return Ok(table.clone());
        }
        let table = Arc::new(read(&self.places[at], name)?);
        loaded.insert(at, table.clone());
        Ok(table)
    }
}

/// The row for a clause of `phonemes` phonemes, as Kokoro's authors take it (`pack[len(ps) - 1]`): the
/// first row is for one phoneme. Beyond the table it is the last.
fn row_for(phonemes: usize, rows: usize) -> usize {
    phonemes.saturating_sub(1).min(rows - 1)
}

fn look_into(file: &Path, hint: &TableHint) -> Result<Vec<(String, Place)>, Error> {
    let mut open = open(file)?;
    let size = open.metadata().map_err(|e| io(file, &e))?.len();
    let mut head = Vec::new();
    open.by_ref().take(64).read_to_end(&mut head).map_err(|e| io(file, &e))?;
    if head.starts_with(b"PK") {
        return archive_entries(file);
    }
    if head.starts_with(b"\x93NUMPY") {
        return Err(invalid(file, "a single .npy array, where an .npz archive or raw .bin belongs"));
    }
    let rows = raw_rows(size, hint.rows).ok_or_else(|| invalid(file, not_a_table(&head, size)))?;
    let bytes = (rows * STYLE_WIDTH * 4) as u64;
    let count = size / bytes;
    Ok((0..count)
        .map(|i| {
            let name = raw_name(file, i as usize, count as usize, &hint.names);
            (name, Place::Raw { file: file.to_owned(), offset: i * bytes, rows })
        })
        .collect())
}

/// Rows of each voice in a raw file of `size` bytes.
fn raw_rows(size: u64, hint: Option<usize>) -> Option<usize> {
    let fits = |rows: &usize| {
        let bytes = (rows * STYLE_WIDTH * 4) as u64;
        (1..=MAX_ROWS).contains(rows) && size > 0 && size.is_multiple_of(bytes) && size / bytes <= MAX_VOICES
    };
    hint.into_iter().chain([KOKORO_ROWS, KOKORO_ROWS + 1]).find(fits)
}

fn raw_name(file: &Path, index: usize, count: usize, names: &[String]) -> String {
    match (file.file_stem().and_then(|s| s.to_str()), count) {
        _ if names.len() == count => names[index].clone(),
        (Some(stem), 1) => stem.to_owned(),
        _ => index.to_string(),
    }
}

/// Says what a file that is no voice table seems to be.
fn not_a_table(head: &[u8], size: u64) -> String {
    let text = std::str::from_utf8(head).unwrap_or_default().trim_start();
    let found = match head {
        [] => "is empty".to_owned(),
        _ if text.starts_with("version https://git-lfs") => "is a Git LFS pointer, not the file".to_owned(),
        _ if text.starts_with('<') => "is a web page".to_owned(),
        [0x08, ..=0x0f, ..] => format!("looks like an ONNX model ({size} bytes)"),
        _ => format!("has {size} bytes"),
    };
    format!("{found}, where a voice table belongs: an .npz archive, or a multiple of 522240 bytes")
}

fn archive_entries(file: &Path) -> Result<Vec<(String, Place)>, Error> {
    let archive = archive(file)?;
    let mut entries = Vec::new();
    for entry in 0..archive.len() {
        let name = archive.name_for_index(entry).and_then(|n| n.strip_suffix(".npy"));
        if let Some(name) = name.filter(|n| !n.is_empty()) {
            entries.push((name.to_owned(), Place::Archive { file: file.to_owned(), entry }));
        }
    }
    match entries.len() {
        0 => Err(invalid(file, "an archive without voices (a PyTorch .pt, perhaps), where an .npz belongs")),
        1..=1024 => Ok(entries),
        count => Err(invalid(file, format!("{count} voices, where at most {MAX_VOICES} are expected"))),
    }
}

fn archive(file: &Path) -> Result<zip::ZipArchive<BufReader<File>>, Error> {
    zip::ZipArchive::new(BufReader::new(open(file)?)).map_err(|e| invalid(file, e))
}

fn read(place: &Place, name: &str) -> Result<Vec<f32>, Error> {
    let file = place.file();
    let table = match place {
        Place::Raw { offset, rows, .. } => {
            let mut open = open(file)?;
            let mut bytes = vec![0; rows * STYLE_WIDTH * 4];
            open.seek(SeekFrom::Start(*offset)).map_err(|e| io(file, &e))?;
            open.read_exact(&mut bytes).map_err(|e| io(file, &e))?;
            npy::floats(&bytes)
        }
        Place::Archive { entry, .. } => {
            let mut archive = archive(file)?;
            let entry = archive.by_index(*entry).map_err(|e| invalid(file, e))?;
            let limit = ((MAX_ROWS + 1) * STYLE_WIDTH * 4) as u64;
            let mut bytes = Vec::new();
            entry.take(limit).read_to_end(&mut bytes).map_err(|e| invalid(file, e))?;
            npy::rows(&bytes, STYLE_WIDTH, MAX_ROWS)
                .map_err(|found| invalid(file, format!("voice {name:?} is {found}")))?
        }
    };
    match table.iter().position(|v| v.is_nan() || v.abs() > MAX_VALUE) {
        None => Ok(table),
        Some(at) => {
            let found = format!("voice {name:?} has the value {} in row {}", table[at], at / STYLE_WIDTH);
            Err(invalid(file, format!("{found}: it is damaged, or another kind of file")))
        }
    }
}

fn open(file: &Path) -> Result<File, Error> {
    plain::open(file).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, format!("no voice file {}; pull the model again", file.display()))
        }
        _ => io(file, &e),
    })
}

fn io(file: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => invalid(file, "cut off while it was read"),
        _ => Error::new(ErrorKind::Io, format!("can't read {}: {error}", file.display())),
    }
}

fn invalid(file: &Path, found: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, format!("{}: {found}; pull the model again", file.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::tts::npy::tests::npy;

    fn material(name: &str) -> Option<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
        if !path.exists() {
            println!("SKIPPED: {} is absent", path.display());
            return None;
        }
        Some(path)
    }

    fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn raw(voices: usize, value: impl Fn(usize) -> f32) -> Vec<u8> {
        (0..voices * KOKORO_ROWS * STYLE_WIDTH).flat_map(|i| value(i).to_le_bytes()).collect()
    }

    fn npz(deflated: bool, entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = zip::ZipWriter::new(&mut bytes);
        let method = if deflated { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        for (name, data) in entries {
            writer.start_file(*name, options).unwrap();
            writer.write_all(data).unwrap();
        }
        writer.finish().unwrap();
        bytes.into_inner()
    }

    fn refusal(bytes: &[u8]) -> String {
        let (_dir, path) = written("voices.bin", bytes);
        let voices = Voices::open(&[&path], &TableHint::default());
        let error = voices.and_then(|v| v.style("", 3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("voices.bin"), "{error}");
        error.to_string()
    }

    #[test]
    fn the_table_and_the_single_files_are_the_same_voices() {
        let Some(dir) = material("material/kokoro") else { return };
        let table = Voices::open(&[dir.join("voices-v1.0.bin")], &TableHint::default()).unwrap();
        assert_eq!(table.names().len(), 54);
        for name in ["af_bella", "af_heart", "af_sarah", "am_michael", "bf_emma", "bm_george"] {
            let file = dir.join(format!("voices/{name}.bin"));
            let single = Voices::open(&[&file], &TableHint::default()).unwrap();
            assert_eq!(single.names(), [name]);
            assert_eq!(npy::floats(&std::fs::read(&file).unwrap()), *table.table(name).unwrap(), "{name}");
            assert_eq!(single.style("", 77).unwrap(), table.style(name, 77).unwrap(), "{name}");
        }
        let read = table.loaded.lock().unwrap().len();
        assert_eq!(read, 6, "voices that nobody asked for were read");
    }

    #[test]
    fn the_first_row_is_for_one_phoneme_and_none_lies_beyond_the_table() {
        let (_dir, path) = written("v.bin", &raw(1, |i| (i / STYLE_WIDTH) as f32 / 10.0));
        let voices = Voices::open(&[path], &TableHint::default()).unwrap();
        for (phonemes, row) in [(0, 0.0), (1, 0.0), (60, 59.0), (509, 508.0), (510, 509.0), (9999, 509.0)] {
            assert_eq!(voices.style("v", phonemes).unwrap(), [row / 10.0; STYLE_WIDTH]);
        }
    }

    #[test]
    fn voices_of_a_raw_table_are_told_apart() {
        let (_dir, path) = written("voices.bin", &raw(2, |i| (i / (KOKORO_ROWS * STYLE_WIDTH)) as f32));
        let hint = TableHint { names: vec!["slt".into(), "rms".into()], rows: Some(510) };
        let named = Voices::open(&[&path], &hint).unwrap();
        assert_eq!(named.style("slt", 3).unwrap()[0], 0.0);
        assert_eq!(named.style("rms", 3).unwrap()[0], 1.0);
        let one_name = TableHint { names: vec!["slt".into()], rows: None };
        assert_eq!(Voices::open(&[&path], &one_name).unwrap().names(), ["0", "1"]);
    }

    #[test]
    fn a_deflated_archive_is_read_like_a_stored_one() {
        let voice = |v: f32| npy("<f4", "(510, 1, 256)", &vec![v; KOKORO_ROWS * STYLE_WIDTH]);
        let entries = [("a.npy", voice(1.0)), ("notes.txt", b"hello".to_vec()), ("b.npy", voice(2.0))];
        for deflated in [false, true] {
            let (_dir, path) = written("voices.bin", &npz(deflated, &entries));
            let voices = Voices::open(&[&path], &TableHint::default()).unwrap();
            assert_eq!(voices.names(), ["a", "b"]);
            assert_eq!(voices.style("b", 9).unwrap(), [2.0; STYLE_WIDTH]);
            let blend = voices.style("a:1+b:3", 9).unwrap();
            assert!((blend[0] - 1.75).abs() < 1e-6);
        }
    }

    #[test]
    fn a_damaged_or_swapped_file_is_named_and_refused() {
        assert!(refusal(b"").contains("is empty"));
        assert!(refusal(&raw(1, |_| 0.1)[..522_000]).contains("522000 bytes"));
        assert!(
            refusal(b"version https://git-lfs.github.com/spec/v1\noid sha256:aa").contains("LFS pointer")
        );
        assert!(refusal(b"<!DOCTYPE html><html>").contains("web page"));
        assert!(refusal(&raw(1, |i| if i == 800 { f32::NAN } else { 0.1 })).contains("NaN in row 3"));
        assert!(refusal(&raw(1, |_| 1e20)).contains("another kind"));
        assert!(refusal(&npz(false, &[("archive/data.pkl", b"x".to_vec())])).contains("PyTorch"));
        assert!(refusal(&npz(true, &[("a.npy", npy("<f4", "(3, 7)", &[0.0; 21]))])).contains("(3, 7)"));
        let whole = npz(false, &[("a.npy", npy("<f4", "(2, 256)", &[0.5; 512]))]);
        for length in (2..whole.len()).step_by(97) {
            refusal(&whole[..length]);
        }
        let Some(model) = material("builtin/artefacts/tts.f16.onnx") else { return };
        assert!(refusal(&std::fs::read(model).unwrap()).contains("ONNX model"));
    }

    #[test]
    fn a_missing_file_is_not_called_damaged() {
        let error = Voices::open(&["/nonexistent/voices.bin"], &TableHint::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(Voices::open(&[""; 0], &TableHint::default()).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
