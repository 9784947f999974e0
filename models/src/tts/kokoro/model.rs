//! Loading: a directory becomes a [`Kokoro`] that is warm and knows what it costs.

use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::files::ModelFiles;
use super::graph::Graph;
use super::plan::{self, Run};
use super::voices::{TableHint, Voices};
use crate::text::{English, Language, Phonemes, Vocabulary};
use crate::tts::Cancel;
use crate::tts::cost::{CostModel, Timing};
use crate::tts::marks::Lengths;
use crate::{Error, ErrorKind};

/// Rate, in Hz, where the model's metadata names none: Kokoro's.
const SAMPLE_RATE: u32 = 24_000;

/// Kokoro's best voice by its authors' own grades, so the default where it is there.
const BEST_VOICE: &str = "af_heart";

/// A model above this size, in bytes, gets two threads: Kokoro in any precision has at least 86 MB, the
/// built-in voice 1.4 MB (one thread is faster for it).
const LARGE: u64 = 50_000_000;

/// Spoken at load: a short and a long run, in Kokoro's notation.
const WARM_UP: [&str; 2] = ["həlˈO.", "həlˈO, ðˈɛɹ əɡˈɛn."];

/// A first run below this is repeated, because timing short runs is noisy.
const CHEAP: Duration = Duration::from_millis(50);

/// How to load a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KokoroOptions {
    /// Threads of one run; by default 1 for a small model, else 2 where there are two cores. More than the
    /// cores left free by the other parts makes everything slower.
    pub threads: Option<NonZeroU16>,
    /// The default voice; by default `af_heart` where it is there, else the table's first.
    pub voice: Option<String>,
}

/// A loaded Kokoro model, or any with its signature, such as the built-in voice.
///
/// `Send + Sync`: load it once and share it. See the [module](super) for an example.
pub struct Kokoro {
    pub(super) name: String,
    pub(super) rate: u32,
    pub(super) graph: Graph,
    pub(super) voices: Voices,
    pub(super) vocabulary: Vocabulary,
    pub(super) lengths: Lengths,
    pub(super) language: Arc<dyn Language>,
    pub(super) cost: CostModel,
}

impl std::fmt::Debug for Kokoro {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kokoro")
            .field("name", &self.name)
            .field("voices", &self.voices.names().len())
            .finish()
    }
}

impl Kokoro {
    /// Loads the model in `dir` (see [`ModelFiles::find`] for the layouts) with English phonemes, and warms it up.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing directory, file or default voice; [`ErrorKind::Invalid`] for a damaged
    /// file or one of another kind; [`ErrorKind::Natives`] if ONNX Runtime can't be loaded;
    /// [`ErrorKind::Io`] or [`ErrorKind::Inference`] if reading or the first run fails.
    pub fn load(dir: &Path, options: &KokoroOptions) -> Result<Self, Error> {
        Self::load_files(&ModelFiles::find(dir)?, Arc::new(English::new()), options)
    }

    /// Loads a model out of named files, with any [`Language`].
    ///
    /// # Errors
    /// As [`Kokoro::load`].
    pub fn load_files(
        files: &ModelFiles,
        language: Arc<dyn Language>,
        options: &KokoroOptions,
    ) -> Result<Self, Error> {
        let threads = options.threads.map_or_else(|| threads_for(&files.model), NonZeroU16::get);
        let graph = Graph::load(&files.model, threads)?;
        let mut voices = Voices::open(&files.voices, &table_hint(&graph))?;
        voices.put_first(options.voice.as_deref().unwrap_or(BEST_VOICE));
        voices.style(options.voice.as_deref().unwrap_or_default(), 0)?;
        let vocabulary =
            files.tokens.as_deref().map_or_else(|| Ok(Vocabulary::kokoro()), Vocabulary::load)?;
        let runs = warm_up_runs(&vocabulary).ok_or_else(|| unfit_tokens(files))?;
        let cost = warm_up(&graph, &voices, rate(&graph), &runs)?;
        Ok(Self {
            name: name(&files.model),
            rate: rate(&graph),
            lengths: Lengths::new(|symbol| vocabulary.id(symbol)),
            graph,
            voices,
            vocabulary,
            language,
            cost,
        })
    }
}

fn threads_for(model: &Path) -> u16 {
    let large = std::fs::metadata(model).is_ok_and(|m| m.len() > LARGE);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if large && cores > 1 { 2 } else { 1 }
}

/// What sherpa-onnx's exports say about their raw tables.
fn table_hint(graph: &Graph) -> TableHint {
    let names = graph.metadata("speaker_names").unwrap_or_default();
    let rows = graph.metadata("style_dim").and_then(|dims| dims.split(',').next()?.trim().parse().ok());
    TableHint {
        names: names.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect(),
        rows,
    }
}

fn rate(graph: &Graph) -> u32 {
    let rate = graph.metadata("sample_rate").and_then(|rate| rate.trim().parse().ok());
    rate.filter(|rate| (8_000..=192_000).contains(rate)).unwrap_or(SAMPLE_RATE)
}

/// The directory's name, or the file's where the directory says nothing.
fn name(model: &Path) -> String {
    let dir = model.parent().and_then(Path::file_name).filter(|d| *d != "onnx");
    dir.or_else(|| model.file_stem())
        .map_or_else(|| "kokoro".to_owned(), |n| n.to_string_lossy().into_owned())
}

fn warm_up_runs(vocabulary: &Vocabulary) -> Option<[Run; 2]> {
    let run = |phonemes: &str| {
        let mut word = Phonemes::default();
        word.push_word("", phonemes, "", 0..1);
        plan::runs(&vocabulary.encode(&word), vocabulary.id('.')).into_iter().next()
    };
    Some([run(WARM_UP[0])?, run(WARM_UP[1])?])
}

fn unfit_tokens(files: &ModelFiles) -> Error {
    let file = files.tokens.as_deref().unwrap_or(&files.model);
    let message =
        format!("{}: knows no phoneme of {:?}; it belongs to another model", file.display(), WARM_UP[0]);
    Error::new(ErrorKind::Invalid, message)
}

/// Runs the graph until it is warm, then times a short and a long run; where that is cheap, the best of three.
fn warm_up(graph: &Graph, voices: &Voices, rate: u32, runs: &[Run; 2]) -> Result<CostModel, Error> {
    let timed = |run: &Run| -> Result<Timing, Error> {
        let style = voices.style("", run.phonemes())?;
        let start = Instant::now();
        let audio = graph.run(&run.ids, &style, 1.0, &Cancel::new())?;
        Ok(Timing::since(start, run.phonemes(), audio.samples.len(), rate))
    };
    let repeats = if timed(&runs[0])?.took < CHEAP { 3 } else { 1 };
    let best = |run: &Run| -> Result<Timing, Error> {
        let mut best = timed(run)?;
        for _ in 1..repeats {
            best = best.quicker(timed(run)?);
        }
        Ok(best)
    };
    Ok(CostModel::new(best(&runs[0])?, best(&runs[1])?))
}
