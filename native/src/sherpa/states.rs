//! Whether the metadata of a streaming encoder agrees with its graph, size by size.
//!
//! sherpa-onnx makes the states of a stream by the metadata alone and hands them to the graph. A size that does not fit is thrown as a C++
//! exception in the first step of decoding, where nothing can catch it; a huge one is allocated first. So each state's shape is computed here
//! as sherpa-onnx 2.0.1 computes it, and compared with what the graph takes.

use super::check::Model;
use crate::error::Result;

/// No size of a model in the world is near this; beyond it is a damaged number.
const LARGEST: i64 = 1 << 16;
/// More frames than any streaming model looks at in one step (10 ms each).
const MOST_FRAMES: i64 = 4_096;
/// Numbers in all states together: 256 MB.
const MOST_STATE: i64 = 1 << 26;
/// Tokens that a decoder looks back; real ones look back 1 or 2.
const LONGEST_CONTEXT: i64 = 16;

/// The lists in the metadata of a zipformer2, one number for each stack of layers.
const ZIPFORMER2: [&str; 7] = [
    "encoder_dims",
    "query_head_dims",
    "value_head_dims",
    "num_heads",
    "num_encoder_layers",
    "cnn_module_kernels",
    "left_context_len",
];

/// A streaming zipformer2, whatever its head. Its states follow its first input, six for each layer; two more end the list.
pub(super) fn zipformer2(model: &Model<'_>) -> Result<()> {
    let lists = model.lists(&ZIPFORMER2)?;
    let mut shapes = Vec::new();
    #[expect(clippy::needless_range_loop, reason = "seven lists are read side by side")]
    for stack in 0..lists[0].len() {
        let [dim, query, value, heads, layers, kernel, left] = std::array::from_fn(|list| lists[list][stack]);
        let (key, value) = (model.product("num_heads × query_head_dims", &[heads, query])?, heads * value);
        for _ in 0..layers {
            shapes.extend([
                vec![left, 1, key],
                vec![1, 1, left, 3 * dim / 4],
                vec![left, 1, value],
                vec![left, 1, value],
                vec![1, dim, kernel / 2],
                vec![1, dim, kernel / 2],
            ]);
        }
        model.bounded(&shapes)?;
    }
    // The states of the front end, whose sizes sherpa-onnx knows by itself, and the count of frames.
    shapes.extend([vec![1, 128, 3, 19], vec![1]]);
    model.takes_states(&shapes)?;
    chunk(model)
}

/// A streaming zipformer of the first kind: seven states for each stack of layers, kind by kind.
pub(super) fn zipformer(model: &Model<'_>) -> Result<()> {
    let keys =
        ["encoder_dims", "attention_dims", "num_encoder_layers", "cnn_module_kernels", "left_context_len"];
    let lists = model.lists(&keys)?;
    let stacks = lists[0].len();
    let of = |shape: &dyn Fn([i64; 5]) -> Vec<i64>| -> Vec<Vec<i64>> {
        (0..stacks).map(|stack| shape(std::array::from_fn(|list| lists[list][stack]))).collect()
    };
    let shapes = [
        of(&|[_, _, layers, ..]| vec![layers, 1]),
        of(&|[dim, _, layers, ..]| vec![layers, 1, dim]),
        of(&|[_, attention, layers, _, left]| vec![layers, left, 1, attention]),
        of(&|[_, attention, layers, _, left]| vec![layers, left, 1, attention / 2]),
        of(&|[_, attention, layers, _, left]| vec![layers, left, 1, attention / 2]),
        of(&|[dim, _, layers, kernel, _]| vec![layers, 1, dim, kernel - 1]),
        of(&|[dim, _, layers, kernel, _]| vec![layers, 1, dim, kernel - 1]),
    ]
    .concat();
    model.bounded(&shapes)?;
    model.takes_states(&shapes)?;
    chunk(model)
}

/// A streaming conformer or LSTM: sizes alone, because their graphs name their states in different orders.
pub(super) fn older(model: &Model<'_>, keys: &[&str]) -> Result<()> {
    let sizes = keys.iter().map(|key| model.within(key, 1, LARGEST)).collect::<Result<Vec<_>>>()?;
    model.bounded(&[sizes])?;
    chunk(model)
}

/// The frames of one step: those that the graph takes, and no more of them new than there are.
fn chunk(model: &Model<'_>) -> Result<()> {
    let frames = model.within("T", 1, MOST_FRAMES)?;
    model.within("decode_chunk_len", 1, frames)?;
    model.takes(0, 1, frames, "T")
}

/// The streaming encoder of NeMo, with a CTC head or as a transducer's: the caches are its third and fourth input.
pub(super) fn nemo(model: &Model<'_>) -> Result<()> {
    let window = model.within("window_size", 1, MOST_FRAMES)?;
    model.within("chunk_shift", 1, window)?;
    model.within("subsampling_factor", 1, 64)?;
    model.takes(0, 2, window, "window_size")?;
    let mut shapes = Vec::new();
    for (input, key) in [(2, "cache_last_channel_dim"), (3, "cache_last_time_dim")] {
        let mut shape = Vec::new();
        for dimension in 1..=3 {
            let key = format!("{key}{dimension}");
            let size = model.within(&key, 1, LARGEST)?;
            model.takes(input, dimension, size, &key)?;
            shape.push(size);
        }
        shapes.push(shape);
    }
    model.bounded(&shapes)
}

/// The prediction network of a NeMo transducer: its states are its third and fourth input.
pub(super) fn nemo_prediction(encoder: &Model<'_>, decoder: &Model<'_>) -> Result<()> {
    let layers = encoder.within("pred_rnn_layers", 1, 64)?;
    let hidden = encoder.within("pred_hidden", 1, LARGEST)?;
    for input in [2, 3] {
        decoder.takes(input, 0, layers, "pred_rnn_layers")?;
        decoder.takes(input, 2, hidden, "pred_hidden")?;
    }
    Ok(())
}

/// The stateless decoder of an icefall transducer, which takes the last tokens.
pub(super) fn context(decoder: &Model<'_>) -> Result<()> {
    let tokens = decoder.within("context_size", 1, LONGEST_CONTEXT)?;
    decoder.takes(0, 1, tokens, "context_size")
}

impl Model<'_> {
    /// A whole number of the metadata within bounds.
    pub(super) fn within(&self, key: &str, least: i64, most: i64) -> Result<i64> {
        match self.number(key)? {
            n if (least..=most).contains(&n) => Ok(n),
            n => Err(self.wrong(format_args!(
                "its metadata says {key} = {n}, which must be within {least} and {most}"
            ))),
        }
    }

    /// Lists of positive whole numbers of one length.
    pub(super) fn lists(&self, keys: &[&str]) -> Result<Vec<Vec<i64>>> {
        let lists = keys.iter().map(|key| self.list(key)).collect::<Result<Vec<_>>>()?;
        match lists.iter().position(|list| list.len() != lists[0].len()) {
            None => Ok(lists),
            Some(at) => Err(self.wrong(format_args!(
                "its metadata's lists have different lengths: {} has {}, {} has {}",
                keys[0],
                lists[0].len(),
                keys[at],
                lists[at].len()
            ))),
        }
    }

    fn list(&self, key: &str) -> Result<Vec<i64>> {
        let text = self.text(key).ok_or_else(|| self.wrong(format_args!("its metadata lacks {key:?}")))?;
        let number = |item: &str| item.trim().parse::<i64>().ok().filter(|n| (1..=LARGEST).contains(n));
        text.split(',').map(number).collect::<Option<Vec<_>>>().ok_or_else(|| {
            let shown: String = text.chars().take(80).collect();
            self.wrong(format_args!(
                "its metadata says {key} = {shown:?}, which is no list of whole numbers within 1 and {LARGEST}"
            ))
        })
    }

    fn product(&self, what: &str, factors: &[i64]) -> Result<i64> {
        match factors.iter().product::<i64>() {
            n if n <= LARGEST => Ok(n),
            n => Err(self.wrong(format_args!("its metadata's {what} is {n}, more than {LARGEST}"))),
        }
    }

    /// Checks that states of these shapes fit into memory many times over.
    fn bounded(&self, shapes: &[Vec<i64>]) -> Result<()> {
        let numbers = |shape: &Vec<i64>| shape.iter().fold(1_i64, |n, size| n.saturating_mul(*size));
        let all = shapes.iter().map(numbers).fold(0_i64, i64::saturating_add);
        if all <= MOST_STATE {
            return Ok(());
        }
        Err(self.wrong(format_args!("its metadata asks for states of {all} numbers, more than {MOST_STATE}")))
    }

    /// Checks one size of one input, where the graph fixes it.
    fn takes(&self, input: usize, dimension: usize, size: i64, key: &str) -> Result<()> {
        match self.input_dimension(input, dimension) {
            Some(taken) if taken != size => Err(self.wrong(format_args!(
                "its metadata's {key} = {size} is not what its input takes, which is {taken}"
            ))),
            _ => Ok(()),
        }
    }

    /// Checks that the inputs after the first are states of these shapes, and that as many come out.
    fn takes_states(&self, shapes: &[Vec<i64>]) -> Result<()> {
        self.ports((1 + shapes.len(), false), (1 + shapes.len(), false))?;
        for (at, shape) in shapes.iter().enumerate() {
            for (dimension, size) in shape.iter().enumerate() {
                match self.input_dimension(1 + at, dimension) {
                    Some(taken) if taken != *size => {
                        return Err(self.wrong(format_args!(
                            "by its metadata its input {} would be {shape:?}, but size {dimension} of it is {taken}",
                            self.input_name(1 + at)
                        )));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
