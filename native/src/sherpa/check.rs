//! Whether a set of files is what sherpa-onnx expects, asked before it sees them: it ends the process where a key is missing, and throws where
//! a shape does not fit.
//!
//! The keys are those that sherpa-onnx 2.0.1 reads for each family. A check says which file is wrong, and whether two were swapped.

use std::path::Path;

use super::{states, tokens::Tokens};
use crate::{
    error::{Error, Result},
    onnx::TensorInfo,
    onnx_file::{OnnxSummary, inspect},
};

/// A file that was read.
pub(super) struct Model<'a> {
    path: &'a Path,
    /// What it should be: "encoder", "joiner", …
    role: &'static str,
    summary: OnnxSummary,
}

/// What sherpa-onnx is told about a model, so that it need not load it twice to find out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// sherpa-onnx's name for the family; empty to let it find out.
    pub model_type: &'static str,
    /// Filter-bank features per frame.
    pub features: i32,
    /// Frames of 10 ms that a streaming model moves on by at each step; 0 for others.
    pub chunk: i64,
}

const FEATURES: i32 = 80;
/// More than any tokens file lists.
const MOST_TOKENS: i64 = 1 << 20;

impl<'a> Model<'a> {
    pub(super) fn read(path: &'a Path, role: &'static str) -> Result<Self> {
        inspect(path).map(|summary| Self { path, role, summary })
    }

    pub(super) fn wrong(&self, why: impl std::fmt::Display) -> Error {
        let (inputs, outputs) = (names(&self.summary.inputs), names(&self.summary.outputs));
        Error::model(
            self.path,
            format!(
                "is not the {} it is given as: {why} (it takes {inputs} and gives {outputs}); check that no two files are swapped, or pull \
                 the model again",
                self.role
            ),
        )
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.summary.metadata.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&self, key: &str) -> Result<i64> {
        let text = self.text(key).ok_or_else(|| self.wrong(format_args!("its metadata lacks {key:?}")))?;
        text.parse::<i32>().map(i64::from).map_err(|_| {
            self.wrong(format_args!("its metadata says {key} = {text:?}, which is no whole number"))
        })
    }

    /// Lists of token numbers.
    fn numbers(&self, keys: &[&str]) -> Result<()> {
        for key in keys {
            let text =
                self.text(key).ok_or_else(|| self.wrong(format_args!("its metadata lacks {key:?}")))?;
            if text.split(',').any(|item| item.trim().parse::<i32>().is_err()) {
                return Err(self.wrong(format_args!(
                    "its metadata says {key} = {text:?}, which is no list of whole numbers"
                )));
            }
        }
        Ok(())
    }

    fn floats(&self, key: &str) -> Result<()> {
        let text = self.text(key).ok_or_else(|| self.wrong(format_args!("its metadata lacks {key:?}")))?;
        let fine = text.split(',').all(|item| item.trim().parse::<f32>().is_ok());
        if fine {
            Ok(())
        } else {
            Err(self.wrong(format_args!("its metadata's {key} is no list of numbers")))
        }
    }

    /// Checks how many inputs and outputs it has: exactly, or at least where the second is `true`.
    pub(super) fn ports(&self, inputs: (usize, bool), outputs: (usize, bool)) -> Result<()> {
        let fits = |have: usize, (want, or_more): (usize, bool)| have == want || or_more && have > want;
        if fits(self.summary.inputs.len(), inputs) && fits(self.summary.outputs.len(), outputs) {
            return Ok(());
        }
        let words =
            |(n, or_more): (usize, bool)| if or_more { format!("{n} or more") } else { n.to_string() };
        Err(self.wrong(format_args!(
            "it must take {} inputs and give {} outputs",
            words(inputs),
            words(outputs)
        )))
    }

    /// A dimension of an input, if the file fixes it.
    pub(super) fn input_dimension(&self, input: usize, dimension: usize) -> Option<i64> {
        fixed(self.summary.inputs.get(input)?, dimension)
    }

    pub(super) fn input_name(&self, input: usize) -> &str {
        self.summary.inputs.get(input).map_or("", |port| port.name.as_str())
    }

    fn output_dimension(&self, output: usize, dimension: usize) -> Option<i64> {
        fixed(self.summary.outputs.get(output)?, dimension)
    }

    /// Features per frame, if the file fixes them at that dimension of its first input.
    fn features(&self, dimension: usize) -> Result<i32> {
        match self.input_dimension(0, dimension) {
            None => Ok(FEATURES),
            Some(n @ 1..=512) => Ok(n as i32),
            Some(n) => Err(self.wrong(format_args!("{n} features per frame"))),
        }
    }

    /// Checks that two files fix a size in common alike, where both fix it.
    fn agree(&self, mine: Option<i64>, other: &Model<'_>, theirs: Option<i64>, what: &str) -> Result<()> {
        match (mine, theirs) {
            (Some(a), Some(b)) if a != b => Err(self.wrong(format_args!(
                "its {what} is {a}, but that of the {} {} is {b}, so they belong to different models",
                other.role,
                other.path.display()
            ))),
            _ => Ok(()),
        }
    }
}

fn fixed(port: &TensorInfo, dimension: usize) -> Option<i64> {
    port.shape.get(dimension).copied().filter(|n| *n > 0)
}

fn names(ports: &[TensorInfo]) -> String {
    let shown: Vec<_> = ports.iter().take(4).map(|port| port.name.as_str()).collect();
    let more = if ports.len() > shown.len() { ", …" } else { "" };
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") + more }
}

/// The three files of a transducer.
pub(super) struct TransducerFiles<'a> {
    pub encoder: &'a Path,
    pub decoder: &'a Path,
    pub joiner: &'a Path,
}

impl<'a> TransducerFiles<'a> {
    fn read(&self) -> Result<(Model<'a>, Model<'a>, Model<'a>)> {
        Ok((
            Model::read(self.encoder, "encoder")?,
            Model::read(self.decoder, "decoder")?,
            Model::read(self.joiner, "joiner")?,
        ))
    }
}

/// A streaming transducer: of icefall (zipformer and older ones) or of NeMo.
pub(super) fn online_transducer(files: &TransducerFiles<'_>, tokens: &Path) -> Result<Found> {
    let table = Tokens::read(tokens)?;
    let (encoder, decoder, joiner) = files.read()?;
    joiner.ports((2, false), (1, false))?;
    // This is how sherpa-onnx tells the two apart.
    if decoder.summary.outputs.len() != 1 {
        return nemo_transducer(&encoder, &decoder, &table, tokens, true);
    }
    let model_type = icefall_encoder(&encoder)?;
    icefall_rest(&encoder, &decoder, &joiner, &table, tokens)?;
    Ok(Found { model_type, features: encoder.features(2)?, chunk: encoder.number("decode_chunk_len")? })
}

fn icefall_encoder(encoder: &Model<'_>) -> Result<&'static str> {
    let kind =
        encoder.text("model_type").ok_or_else(|| encoder.wrong("its metadata lacks \"model_type\""))?;
    encoder.ports((2, true), (2, true))?;
    Ok(match kind {
        "zipformer2" => {
            states::zipformer2(encoder)?;
            "zipformer2"
        }
        "zipformer" => {
            states::zipformer(encoder)?;
            "zipformer"
        }
        "conformer" => {
            let keys =
                ["num_encoder_layers", "left_context", "encoder_dim", "pad_length", "cnn_module_kernel"];
            states::older(encoder, &keys)?;
            "conformer"
        }
        "lstm" => {
            states::older(encoder, &["num_encoder_layers", "rnn_hidden_size", "d_model"])?;
            "lstm"
        }
        other => {
            return Err(
                encoder.wrong(format_args!("streaming transducers of type {other:?} are not supported"))
            );
        }
    })
}

fn icefall_rest(
    encoder: &Model<'_>,
    decoder: &Model<'_>,
    joiner: &Model<'_>,
    table: &Tokens,
    tokens: &Path,
) -> Result<()> {
    decoder.ports((1, false), (1, false))?;
    states::context(decoder)?;
    let vocabulary = decoder.within("vocab_size", 1, MOST_TOKENS)?;
    joiner.agree(joiner.input_dimension(0, 1), encoder, encoder.output_dimension(0, 2), "encoder size")?;
    joiner.agree(joiner.input_dimension(1, 1), decoder, decoder.output_dimension(0, 1), "decoder size")?;
    joiner.agree(joiner.output_dimension(0, 1), decoder, Some(vocabulary), "vocabulary")?;
    table.expect_all(vocabulary, tokens, decoder.path)
}

fn nemo_transducer(
    encoder: &Model<'_>,
    decoder: &Model<'_>,
    table: &Tokens,
    tokens: &Path,
    streams: bool,
) -> Result<Found> {
    decoder.ports((3, true), (3, true))?;
    states::nemo_prediction(encoder, decoder)?;
    if streams {
        encoder.ports((5, true), (5, true))?;
        states::nemo(encoder)?;
    } else {
        encoder.within("subsampling_factor", 1, 64)?;
        encoder.ports((2, true), (2, true))?;
    }
    nemo_tokens(encoder, table, tokens)?;
    let features = match encoder.text("feat_dim") {
        Some(_) => {
            let said = encoder.within("feat_dim", 1, 512)?;
            match encoder.input_dimension(0, 1) {
                Some(taken) if taken != said => {
                    return Err(encoder.wrong(format_args!(
                        "its metadata's feat_dim = {said} is not the {taken} it takes"
                    )));
                }
                _ => said as i32,
            }
        }
        None => encoder.features(1)?,
    };
    Ok(Found { model_type: if streams { "" } else { "nemo_transducer" }, features, chunk: 0 })
}

/// NeMo counts its vocabulary without the blank, which comes last.
fn nemo_tokens(model: &Model<'_>, table: &Tokens, tokens: &Path) -> Result<()> {
    let vocabulary = model.within("vocab_size", 1, MOST_TOKENS)? + 1;
    let blank = table.get("<blk>");
    if blank != Some(vocabulary - 1) {
        let found = blank.map_or_else(|| "it has none".to_owned(), |id| format!("it is {id}"));
        return Err(Error::model(
            tokens,
            format!(
                "the token <blk> must be number {} for {}, but {found}: the two files belong to different models; pull the model again",
                vocabulary - 1,
                model.path.display()
            ),
        ));
    }
    table.expect_all(vocabulary, tokens, model.path)
}

/// Any of the names that sherpa-onnx accepts for the blank of a CTC model.
fn ctc_blank(table: &Tokens, tokens: &Path) -> Result<()> {
    if ["<blk>", "<eps>", "<blank>"].iter().any(|name| table.get(name).is_some()) {
        return Ok(());
    }
    Err(Error::model(
        tokens,
        "has no <blk>, <eps> or <blank>, which every CTC model needs; is this the model's tokens.txt?",
    ))
}

/// A streaming zipformer with a CTC head.
pub(super) fn online_zipformer2_ctc(model: &Path, tokens: &Path) -> Result<Found> {
    let table = Tokens::read(tokens)?;
    let model = Model::read(model, "streaming zipformer2 CTC model")?;
    states::zipformer2(&model)?;
    ctc_blank(&table, tokens)?;
    let vocabulary = model
        .output_dimension(0, 2)
        .ok_or_else(|| model.wrong("its first output's vocabulary is not fixed"))?;
    table.expect_all(vocabulary, tokens, model.path)?;
    Ok(Found { model_type: "", features: model.features(2)?, chunk: 0 })
}

/// A streaming CTC model in NeMo's format, such as Duologue's built-in recogniser.
pub(super) fn online_nemo_ctc(model: &Path, tokens: &Path) -> Result<Found> {
    let table = Tokens::read(tokens)?;
    let model = Model::read(model, "streaming NeMo CTC model")?;
    model.ports((5, false), (5, false))?;
    states::nemo(&model)?;
    let vocabulary = model.within("vocab_size", 1, MOST_TOKENS)? + 1;
    if let Some(classes) = model.output_dimension(0, 2).filter(|n| *n != vocabulary) {
        return Err(model.wrong(format_args!(
            "it gives {classes} classes, but its metadata's vocab_size + 1 is {vocabulary}"
        )));
    }
    nemo_tokens(&model, &table, tokens)?;
    Ok(Found { model_type: "", features: model.features(1)?, chunk: 0 })
}

/// A transducer of icefall that hears whole utterances.
pub(super) fn offline_transducer(files: &TransducerFiles<'_>, tokens: &Path) -> Result<Found> {
    let table = Tokens::read(tokens)?;
    let (encoder, decoder, joiner) = files.read()?;
    joiner.ports((2, false), (1, false))?;
    encoder.ports((2, false), (2, false))?;
    icefall_rest(&encoder, &decoder, &joiner, &table, tokens)?;
    Ok(Found { model_type: "transducer", features: encoder.features(2)?, chunk: 0 })
}

/// A transducer of NeMo that hears whole utterances, such as Parakeet.
pub(super) fn offline_nemo_transducer(files: &TransducerFiles<'_>, tokens: &Path) -> Result<Found> {
    let table = Tokens::read(tokens)?;
    let (encoder, decoder, joiner) = files.read()?;
    joiner.ports((2, false), (1, false))?;
    nemo_transducer(&encoder, &decoder, &table, tokens, false)
}

/// A zipformer with a CTC head that hears whole utterances.
pub(super) fn offline_zipformer_ctc(model: &Path, tokens: &Path) -> Result<Found> {
    let table = Tokens::read(tokens)?;
    let model = Model::read(model, "zipformer CTC model")?;
    model.ports((2, false), (2, false))?;
    ctc_blank(&table, tokens)?;
    if let Some(vocabulary) = model.output_dimension(0, 2) {
        table.expect_all(vocabulary, tokens, model.path)?;
    }
    Ok(Found { model_type: "", features: model.features(2)?, chunk: 0 })
}

/// A CTC model of NeMo that hears whole utterances.
pub(super) fn offline_nemo_ctc(model: &Path, tokens: &Path) -> Result<Found> {
    let table = Tokens::read(tokens)?;
    let model = Model::read(model, "NeMo CTC model")?;
    model.ports((2, false), (1, true))?;
    model.within("subsampling_factor", 1, 64)?;
    nemo_tokens(&model, &table, tokens)?;
    Ok(Found { model_type: "", features: model.features(1)?, chunk: 0 })
}

/// Whisper, as sherpa-onnx exports it.
pub(super) fn whisper(
    encoder: &Path,
    decoder: &Path,
    language: Option<&str>,
    tokens: &Path,
) -> Result<Found> {
    Tokens::read(tokens)?;
    let encoder = Model::read(encoder, "Whisper encoder")?;
    let decoder = Model::read(decoder, "Whisper decoder")?;
    let (mels, layers) = (encoder.within("n_mels", 1, 512)?, encoder.within("n_text_layer", 1, 128)?);
    let (context, state) =
        (encoder.within("n_text_ctx", 1, 8_192)?, encoder.within("n_text_state", 1, 16_384)?);
    encoder.within("n_vocab", 1, MOST_TOKENS)?;
    if layers * context * state > 1 << 28 {
        return Err(encoder.wrong("its metadata asks for caches of more than 2 GB"));
    }
    for key in
        ["sot", "eot", "blank_id", "translate", "transcribe", "is_multilingual", "no_timestamps", "no_speech"]
    {
        encoder.number(key)?;
    }
    encoder.numbers(&["sot_sequence"])?;
    if encoder.number("is_multilingual")? != 0 {
        encoder.numbers(&["all_language_tokens"])?;
        let codes: Vec<_> = encoder.text("all_language_codes").unwrap_or_default().split(',').collect();
        if encoder.text("all_language_tokens").map_or(0, |text| text.split(',').count()) != codes.len() {
            return Err(encoder.wrong("its metadata names other languages than it numbers"));
        }
        if let Some(language) = language.filter(|language| !codes.contains(language)) {
            return Err(Error::argument(format!(
                "language {language:?} is unknown to the model; it knows {}",
                codes.join(", ")
            )));
        }
    }
    encoder.ports((1, false), (2, false))?;
    decoder.ports((6, false), (3, true))?;
    Ok(Found { model_type: "whisper", features: mels as i32, chunk: 0 })
}

/// SenseVoice.
pub(super) fn sense_voice(model: &Path, tokens: &Path) -> Result<Found> {
    Tokens::read(tokens)?;
    let model = Model::read(model, "SenseVoice model")?;
    model.within("vocab_size", 1, MOST_TOKENS)?;
    let window = model.within("lfr_window_size", 1, 64)?;
    model.within("lfr_window_shift", 1, window)?;
    let nano = model.text("comment").is_some_and(|comment| comment.contains("Nano"));
    if !nano {
        let numbers = [
            "normalize_samples",
            "with_itn",
            "without_itn",
            "lang_auto",
            "lang_zh",
            "lang_en",
            "lang_ja",
            "lang_ko",
            "lang_yue",
        ];
        numbers.iter().try_for_each(|key| model.number(key).map(drop))?;
        model.floats("neg_mean")?;
        model.floats("inv_stddev")?;
    }
    Ok(Found { model_type: "", features: FEATURES, chunk: 0 })
}

/// Moonshine's first format: four files without metadata, told apart by their inputs.
pub(super) fn moonshine_v1(files: [&Path; 4], tokens: &Path) -> Result<Found> {
    Tokens::read(tokens)?;
    let [preprocessor, encoder, uncached, cached] = files;
    Model::read(preprocessor, "Moonshine preprocessor")?.ports((1, false), (1, false))?;
    Model::read(encoder, "Moonshine encoder")?.ports((2, false), (1, false))?;
    let uncached = Model::read(uncached, "Moonshine uncached decoder")?;
    uncached.ports((3, false), (2, true))?;
    let cached = Model::read(cached, "Moonshine cached decoder")?;
    cached.ports((4, true), (2, true))?;
    Ok(Found { model_type: "", features: FEATURES, chunk: 0 })
}

/// Moonshine's second format: an encoder and one decoder.
pub(super) fn moonshine_v2(encoder: &Path, decoder: &Path, tokens: &Path) -> Result<Found> {
    Tokens::read(tokens)?;
    Model::read(encoder, "Moonshine encoder")?.ports((1, true), (1, false))?;
    Model::read(decoder, "Moonshine merged decoder")?.ports((4, true), (2, true))?;
    Ok(Found { model_type: "", features: FEATURES, chunk: 0 })
}
