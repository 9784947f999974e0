//! Reads what an ONNX file says about itself, without ONNX Runtime and without its weights.
//!
//! Invariant: whatever the bytes are, [`inspect`] returns a summary or an error naming the file; it never panics, recurses without bound, or
//! holds more than names and metadata in memory. It finds truncated files, because every length in the file must fit inside its parent.
//!
//! ```no_run
//! let summary = duologue_native::onnx_file::inspect("encoder.onnx".as_ref())?;
//! println!("{:?}: {} inputs", summary.metadata.get("model_type"), summary.inputs.len());
//! # Ok::<(), duologue_native::Error>(())
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use duologue_fetch::plain;

use crate::{
    error::{Error, ErrorKind, Result},
    onnx::{ElementKind, TensorInfo},
};

/// What an ONNX file says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OnnxSummary {
    /// Version of the file format.
    pub ir_version: u64,
    /// The tool that wrote it.
    pub producer: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Number of operators.
    pub nodes: usize,
    /// Number of weights.
    pub initializers: usize,
    /// What a run must be given; weights that old files list as inputs are left out.
    pub inputs: Vec<TensorInfo>,
    /// What a run gives.
    pub outputs: Vec<TensorInfo>,
    /// Key and value of the metadata.
    pub metadata: BTreeMap<String, String>,
    /// Files beside this one that hold weights.
    pub external_data: BTreeSet<String>,
}

/// Longest name or metadata value that is read; real ones are a few kilobytes.
const STRING_LIMIT: u64 = 16 << 20;

/// Reads a file's summary, and checks that it is a whole ONNX model and that its external weights are there.
///
/// # Errors
/// [`ErrorKind::ModelMissing`], [`ErrorKind::ModelInvalid`], [`ErrorKind::Io`].
pub fn inspect(path: &Path) -> Result<OnnxSummary> {
    let file = match plain::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(Error::new(
                ErrorKind::ModelMissing,
                format!("model {} does not exist; pull the model or correct the path", path.display()),
            ));
        }
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => return Err(Error::model(path, e)),
        Err(e) => return Err(Error::io("cannot read", path, &e)),
    };
    let meta = file.metadata().map_err(|e| Error::io("cannot read", path, &e))?;
    let mut reader = Reader { from: BufReader::with_capacity(1 << 16, file), at: 0 };
    let mut summary = read_model(&mut reader, meta.len()).map_err(|fault| fault.at(path))?;
    summary.bytes = meta.len();
    for name in &summary.external_data {
        if !path.with_file_name(name).is_file() {
            return Err(Error::model(
                path,
                format!("its weights are in {name}, which is not beside it; pull the model again"),
            ));
        }
    }
    Ok(summary)
}

enum Fault {
    Io(io::Error),
    /// Not what the format allows; said for people.
    Format(String),
}

impl Fault {
    fn at(self, path: &Path) -> Error {
        match self {
            Self::Io(e) => Error::io("cannot read", path, &e),
            Self::Format(why) => Error::model(
                path,
                format!("{why}; the file is damaged, incomplete or no ONNX model, pull it again"),
            ),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Format("it ends in the middle".to_owned()),
            _ => Self::Io(error),
        }
    }
}

type Parsed<T> = std::result::Result<T, Fault>;

fn fault<T>(why: impl Into<String>) -> Parsed<T> {
    Err(Fault::Format(why.into()))
}

/// Reads Protocol Buffers: fields of number, wire type and value.
struct Reader {
    from: BufReader<File>,
    at: u64,
}

enum Value {
    Number(u64),
    /// A string, bytes or a message: its length.
    Length(u64),
}

impl Reader {
    /// The next field before `end`.
    fn field(&mut self, end: u64) -> Parsed<Option<(u64, Value)>> {
        if self.at >= end {
            return if self.at == end { Ok(None) } else { fault("a part is longer than the whole") };
        }
        let key = self.varint()?;
        let (number, wire) = (key >> 3, key & 7);
        let value = match wire {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(self.bytes()?)),
            2 => {
                let length = self.varint()?;
                if length > end.saturating_sub(self.at) {
                    return fault(format!(
                        "it ends in the middle: {length} bytes are announced and {} are left",
                        end.saturating_sub(self.at)
                    ));
                }
                Value::Length(length)
            }
            5 => Value::Number(u32::from_le_bytes(self.bytes()?).into()),
            _ => return fault(format!("byte {} is no field", self.at)),
        };
        if number == 0 {
            return fault(format!("byte {} is no field", self.at));
        }
        Ok(Some((number, value)))
    }

    fn varint(&mut self) -> Parsed<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        fault(format!("byte {} is no number", self.at))
    }

    fn bytes<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn string(&mut self, length: u64) -> Parsed<String> {
        if length > STRING_LIMIT {
            return fault(format!("a name of {length} bytes"));
        }
        let mut text = vec![0; length as usize];
        self.from.read_exact(&mut text)?;
        self.at += length;
        String::from_utf8(text).or_else(|_| fault("a name is no text"))
    }

    fn skip(&mut self, value: &Value) -> Parsed<()> {
        if let Value::Length(length) = *value {
            let signed = i64::try_from(length).or_else(|_| fault("a part is longer than any file"))?;
            self.from.seek_relative(signed)?;
            self.at += length;
        }
        Ok(())
    }

    /// Calls `each` for the fields of a message of `length` bytes; what `each` leaves unread is skipped.
    fn message(
        &mut self,
        length: u64,
        mut each: impl FnMut(&mut Self, u64, &Value) -> Parsed<()>,
    ) -> Parsed<()> {
        let end = self.at + length;
        while let Some((number, value)) = self.field(end)? {
            let start = self.at;
            each(self, number, &value)?;
            if self.at == start {
                self.skip(&value)?;
            }
        }
        Ok(())
    }
}

fn read_model(reader: &mut Reader, bytes: u64) -> Parsed<OnnxSummary> {
    let mut summary = OnnxSummary::default();
    let mut weights = BTreeSet::new();
    let (mut graphs, mut opsets) = (0, 0);
    reader.message(bytes, |r, number, value| {
        match (number, value) {
            (1, Value::Number(version)) => summary.ir_version = *version,
            (2, Value::Length(length)) => summary.producer = r.string(*length)?,
            (7, Value::Length(length)) => {
                graphs += 1;
                read_graph(r, *length, &mut summary, &mut weights)?;
            }
            (8, Value::Length(_)) => opsets += 1,
            (14, Value::Length(length)) => {
                let (key, text) = read_pair(r, *length)?;
                summary.metadata.insert(key, text);
            }
            _ => {}
        }
        Ok(())
    })?;
    if summary.ir_version == 0 || graphs != 1 || opsets == 0 || summary.outputs.is_empty() {
        return fault("it holds no model");
    }
    summary.inputs.retain(|input| !weights.contains(&input.name));
    Ok(summary)
}

fn read_graph(
    reader: &mut Reader,
    length: u64,
    summary: &mut OnnxSummary,
    weights: &mut BTreeSet<String>,
) -> Parsed<()> {
    reader.message(length, |r, number, value| {
        match (number, value) {
            (1, Value::Length(_)) => summary.nodes += 1,
            (5, Value::Length(length)) => {
                summary.initializers += 1;
                weights.insert(read_weight(r, *length, &mut summary.external_data)?);
            }
            (11, Value::Length(length)) => summary.inputs.push(read_port(r, *length)?),
            (12, Value::Length(length)) => summary.outputs.push(read_port(r, *length)?),
            _ => {}
        }
        Ok(())
    })
}

/// The name of a weight; notes the file that holds it, if it lies outside.
fn read_weight(reader: &mut Reader, length: u64, external: &mut BTreeSet<String>) -> Parsed<String> {
    let mut name = String::new();
    reader.message(length, |r, number, value| {
        match (number, value) {
            (8, Value::Length(length)) => name = r.string(*length)?,
            (13, Value::Length(length)) => {
                let (key, file) = read_pair(r, *length)?;
                if key == "location" {
                    external.insert(file);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(name)
}

fn read_pair(reader: &mut Reader, length: u64) -> Parsed<(String, String)> {
    let mut pair = (String::new(), String::new());
    reader.message(length, |r, number, value| {
        match (number, value) {
            (1, Value::Length(length)) => pair.0 = r.string(*length)?,
            (2, Value::Length(length)) => pair.1 = r.string(*length)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(pair)
}

/// An input or output: its name, and from its type the element kind and the shape.
fn read_port(reader: &mut Reader, length: u64) -> Parsed<TensorInfo> {
    let mut port = TensorInfo { name: String::new(), kind: ElementKind::Other, shape: Vec::new() };
    reader.message(length, |r, number, value| match (number, value) {
        (1, Value::Length(length)) => {
            port.name = r.string(*length)?;
            Ok(())
        }
        (2, Value::Length(length)) => r.message(*length, |r, number, value| match (number, value) {
            (1, Value::Length(length)) => read_tensor_type(r, *length, &mut port),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })?;
    Ok(port)
}

fn read_tensor_type(reader: &mut Reader, length: u64, port: &mut TensorInfo) -> Parsed<()> {
    reader.message(length, |r, number, value| match (number, value) {
        (1, Value::Number(element)) => {
            // Numbers of TensorProto.DataType.
            port.kind = match element {
                1 => ElementKind::F32,
                6 => ElementKind::I32,
                7 => ElementKind::I64,
                _ => ElementKind::Other,
            };
            Ok(())
        }
        (2, Value::Length(length)) => r.message(*length, |r, number, value| match (number, value) {
            (1, Value::Length(length)) => {
                let dimension = read_dimension(r, *length)?;
                port.shape.push(dimension);
                Ok(())
            }
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

/// A dimension, or -1 where it has a name or nothing.
fn read_dimension(reader: &mut Reader, length: u64) -> Parsed<i64> {
    let mut dimension = -1;
    reader.message(length, |_, number, value| {
        if let (1, Value::Number(n)) = (number, value) {
            dimension = i64::try_from(*n).unwrap_or(-1);
        }
        Ok(())
    })?;
    Ok(dimension)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn inspect_bytes(bytes: &[u8]) -> Result<OnnxSummary> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        inspect(file.path())
    }

    /// A field that holds bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn model() -> Vec<u8> {
        let shape = [field(1, &[0x08, 80]), field(1, &field(2, b"T"))].concat();
        let tensor = [&[0x08, 1][..], &field(2, &shape)].concat();
        let port = [field(1, b"x"), field(2, &field(1, &tensor))].concat();
        let weight = field(8, b"w");
        let graph = [
            field(1, b""),
            field(5, &weight),
            field(11, &port),
            field(11, &field(1, b"w")),
            field(12, &field(1, b"y")),
        ]
        .concat();
        let pair = [field(1, b"model_type"), field(2, b"zipformer2")].concat();
        [&[0x08, 8][..], &field(2, b"test"), &field(7, &graph), &field(8, &[0x10, 17]), &field(14, &pair)]
            .concat()
    }

    #[test]
    fn whole_model_is_not_refused() {
        let summary = inspect_bytes(&model()).unwrap();
        assert_eq!((summary.ir_version, summary.producer.as_str(), summary.nodes), (8, "test", 1));
        assert_eq!(
            summary.inputs,
            [TensorInfo { name: "x".into(), kind: ElementKind::F32, shape: vec![80, -1] }]
        );
        assert_eq!(summary.outputs[0].name, "y");
        assert_eq!(summary.metadata["model_type"], "zipformer2");
    }

    #[test]
    fn truncated_model_is_never_taken_for_a_whole_one() {
        let (bytes, whole) = (model(), inspect_bytes(&model()).unwrap());
        for end in 0..bytes.len() {
            match inspect_bytes(&bytes[..end]) {
                Err(e) => assert_eq!(e.kind(), ErrorKind::ModelInvalid, "{e}"),
                // Cut between two fields of the outermost level: only the metadata can be missing.
                Ok(part) => assert!(part.metadata.is_empty() && part.inputs == whole.inputs, "{end}"),
            }
        }
    }

    #[test]
    fn no_byte_sequence_makes_it_panic() {
        let bytes = model();
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] = value;
                let _ = inspect_bytes(&bad);
            }
        }
    }

    #[test]
    fn missing_external_weights_are_named() {
        let location = [field(1, b"location"), field(2, b"model.weights")].concat();
        let weight = [field(8, b"w"), field(13, &location)].concat();
        let graph = [field(5, &weight), field(12, &field(1, b"y"))].concat();
        let bytes = [&[0x08, 8][..], &field(7, &graph), &field(8, &[0x10, 17])].concat();
        let error = inspect_bytes(&bytes).unwrap_err();
        assert!(error.to_string().contains("model.weights"), "{error}");
    }
}
