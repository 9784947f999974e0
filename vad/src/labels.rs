//! Labels of a recording: which stretches a person says are speech.
//!
//! One line, as the TEN VAD test set writes it: `name,start,end,label,start,end,label,…` with
//! seconds and `1` for speech, `0` for none; sorted, without gaps or overlaps.
//! Invariant: a [`Labels`] that was read has at least one stretch and no time is labelled twice.
//!
//! ```
//! use duologue_vad::score::Labels;
//!
//! let labels = Labels::parse("clip,0.000,0.500,0,0.500,2.000,1")?;
//! assert!(!labels.speech_at(0.25));
//! assert!(labels.speech_at(0.75));
//! # Ok::<(), duologue_vad::Error>(())
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind};

/// One labelled stretch, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    start: f64,
    end: f64,
    speech: bool,
}

/// A recording's labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    name: String,
    stretches: Vec<Stretch>,
}

impl Labels {
    /// Reads one line of labels.
    ///
    /// # Errors
    /// [`ErrorKind::Labels`], saying which field is wrong and why.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let line = text.trim_start_matches('\u{feff}').trim();
        if line.lines().count() > 1 {
            return Err(wrong("more than one line; one file labels one recording".into()));
        }
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let (name, rest) = fields.split_first().expect("invariant: split gives at least one field");
        if name.is_empty() {
            return Err(wrong("field 1 (the recording's name) is empty".into()));
        }
        if rest.is_empty() || rest.len() % 3 != 0 {
            let message =
                format!("{} fields after the name; expected triples of start,end,label", rest.len());
            return Err(wrong(message));
        }
        let mut stretches: Vec<Stretch> = Vec::with_capacity(rest.len() / 3);
        for (i, triple) in rest.chunks_exact(3).enumerate() {
            let stretch = parse_stretch(triple, 2 + 3 * i)?;
            let previous = stretches.last().map_or(0.0, |s| s.end);
            if stretch.start < previous {
                let message = format!("field {}: {} starts before {previous}", 2 + 3 * i, stretch.start);
                return Err(wrong(message));
            }
            stretches.push(stretch);
        }
        Ok(Self { name: (*name).into(), stretches })
    }

    /// Reads a label file.
    ///
    /// # Errors
    /// [`ErrorKind::Labels`], naming the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|e| unreadable(path, e))?;
        Self::parse(&text).map_err(|e| Error::new(ErrorKind::Labels, format!("{}: {e}", path.display())))
    }

    /// The recording's name, without an extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the sound at `seconds` is labelled speech; false where there is no label.
    pub fn speech_at(&self, seconds: f64) -> bool {
        self.stretches.iter().any(|s| s.speech && s.start <= seconds && seconds < s.end)
    }

    /// Where the labels end, in seconds.
    pub fn end(&self) -> f64 {
        self.stretches.last().expect("invariant: labels have a stretch").end
    }

    /// The stretches of speech, in seconds.
    pub fn speech(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.stretches.iter().filter(|s| s.speech).map(|s| (s.start, s.end))
    }
}

/// A recording and its labels, in a labelled set.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledFile {
    /// The recording: the label file's path with the extension `wav`.
    pub wav: PathBuf,
    /// Its labels.
    pub labels: Labels,
}

/// The labelled recordings in `dir`: every `.scv` file and the `.wav` beside it, sorted by name.
///
/// # Errors
/// [`ErrorKind::Labels`] if `dir` cannot be read or holds no labels, if a label file is malformed,
/// or if its recording is missing; the message names the file.
pub fn labelled_files(dir: &Path) -> Result<Vec<LabelledFile>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| unreadable(dir, e))? {
        let path = entry.map_err(|e| unreadable(dir, e))?.path();
        if path.extension().is_none_or(|extension| extension != "scv") {
            continue;
        }
        let wav = path.with_extension("wav");
        if !wav.is_file() {
            let message = format!("{}: no such recording, but labels for it", wav.display());
            return Err(Error::new(ErrorKind::Labels, message));
        }
        files.push(LabelledFile { wav, labels: Labels::read(&path)? });
    }
    if files.is_empty() {
        let message = format!("{}: no .scv label files in this directory", dir.display());
        return Err(Error::new(ErrorKind::Labels, message));
    }
    files.sort_by(|a, b| a.wav.cmp(&b.wav));
    Ok(files)
}

fn parse_stretch(triple: &[&str], field: usize) -> Result<Stretch, Error> {
    let seconds = |i: usize| {
        let value: f64 = triple[i]
            .parse()
            .map_err(|_| wrong(format!("field {}: {:?} is not a number of seconds", field + i, triple[i])))?;
        if !(0.0..1e6).contains(&value) {
            return Err(wrong(format!("field {}: {value} s is out of range", field + i)));
        }
        Ok(value)
    };
    let (start, end) = (seconds(0)?, seconds(1)?);
    if end < start {
        return Err(wrong(format!("field {}: ends at {end}, before it starts at {start}", field + 1)));
    }
    let speech = match triple[2] {
        "0" => false,
        "1" => true,
        other => return Err(wrong(format!("field {}: label {other:?}; expected 0 or 1", field + 2))),
    };
    Ok(Stretch { start, end, speech })
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Labels, message)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Labels, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_labels_are_not_scored() {
        let cases = [
            ("", "name"),
            ("clip", "triples"),
            ("clip,0,1", "triples"),
            ("clip,0,1,1,2", "triples"),
            (",0,1,1", "name"),
            ("clip,zero,1,1", "field 2"),
            ("clip,0,x,1", "field 3"),
            ("clip,0,1,yes", "field 4"),
            ("clip,0,1,2", "field 4"),
            ("clip,2,1,1", "before it starts"),
            ("clip,0,2,1,1,3,0", "field 5"),
            ("clip,NaN,1,1", "field 2"),
            ("clip,0,inf,1", "field 3"),
            ("clip,-1,1,1", "field 2"),
            ("a,0,1,1\nb,0,1,1", "one line"),
        ];
        for (text, named) in cases {
            let error = Labels::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Labels);
            assert!(error.to_string().contains(named), "{text:?}: {error}");
        }
    }

    #[test]
    fn good_labels_are_not_refused() {
        let labels = Labels::parse("\u{feff}clip, 0.0, 0.5, 1, 0.5, 0.5, 0, 0.7, 1.25, 1\r\n").unwrap();
        assert_eq!(labels.name(), "clip");
        assert_eq!(labels.end(), 1.25);
        assert_eq!(labels.speech().collect::<Vec<_>>(), [(0.0, 0.5), (0.7, 1.25)]);
        let at = [0.0, 0.499, 0.5, 0.6, 0.7, 1.3].map(|t| labels.speech_at(t));
        assert_eq!(at, [true, true, false, false, true, false]);
    }

    #[test]
    fn a_missing_directory_is_not_left_unnamed() {
        let error = labelled_files(Path::new("/no/such/set")).unwrap_err();
        assert!(error.to_string().contains("/no/such/set"), "{error}");
    }
}
