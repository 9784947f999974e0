//! The command line: what can be asked for, and the help that teaches it.

#[cfg(feature = "serve")]
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use duologue::pipeline::cues::Format;

/// A voice pipeline that runs on this machine: it hears, lets an agent think, and speaks.
///
/// Start with `duologue demo`: a caller talks with a small agent in a simulated room, with no
/// microphone, no speakers and no download but the engines themselves.
#[derive(Debug, Parser)]
#[command(name = "duologue", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  duologue demo                         hear a conversation (writes conversation.wav)
  duologue say \"Hello there\" -o hi.wav  text to speech
  duologue transcribe meeting.wav       speech to text (--format srt: subtitles)
  duologue eval kitchen.toml            play a conversation and compare it with what must come of it
  duologue doctor                       what works here, how fast, and what to do
  duologue fetch                        get everything now, to work without a network later")]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Debug)]
pub struct Common {
    /// Settings file [default: duologue.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "DUOLOGUE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Recogniser: a name from `models list`, or a directory
    #[arg(long, global = true, value_name = "MODEL")]
    pub stt: Option<String>,
    /// Voice model: a name from `models list`, or a directory
    #[arg(long, global = true, value_name = "MODEL")]
    pub tts: Option<String>,
    /// Voice activity detector: `silero`, `energy`, or a file
    #[arg(long, global = true, value_name = "MODEL")]
    pub vad: Option<String>,
    /// Turn detector: `last-words`, `smart-turn`, or a directory
    #[arg(long, global = true, value_name = "MODEL")]
    pub turn: Option<String>,
    /// Open no socket
    #[arg(long, global = true, env = "DUOLOGUE_OFFLINE", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub offline: bool,
    /// Machine-readable output
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A caller talks with a small offline agent in a simulated room
    Demo(DemoArgs),
    /// Talk with the small agent through microphone and speakers, echo cancelled
    #[command(visible_alias = "console")]
    Talk(TalkArgs),
    /// Text to speech
    Say(SayArgs),
    /// What will be spoken for a text, how it sounds, and which rule read each piece
    Text(TextArgs),
    /// Speech to text, live on a terminal
    Transcribe(TranscribeArgs),
    /// Where there is speech in a recording; or how well that is found in a labelled set
    Vad(VadArgs),
    /// Models: list, show, pull, verify, remove and bundle them
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Fetch the engines and models, for a machine that will be offline
    #[cfg_attr(feature = "room", command(visible_alias = "download-files"))]
    Fetch,
    /// Load a foreign model in this process, which may end it: the other commands ask for it
    #[command(name = duologue::models::probe::COMMAND, hide = true)]
    Probe {
        /// Its directory
        dir: PathBuf,
    },
    /// What works on this machine, how fast, and what to do
    Doctor,
    /// Measure the latency budgets in the simulated room
    Bench(BenchArgs),
    /// Play scenarios with an agent, in text and spoken, and compare what comes of them
    #[cfg(feature = "agent")]
    #[command(after_long_help = EVAL_HELP)]
    Eval(EvalArgs),
    /// Play scenarios with an agent; needs a build with the feature `agent`
    #[cfg(not(feature = "agent"))]
    Eval(Anything),
    /// OpenAI's speech and transcription routes over the configured models
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// OpenAI's speech and transcription routes; needs a build with the feature `serve`
    #[cfg(not(feature = "serve"))]
    Serve(Anything),
    /// Run the configured agent in LiveKit rooms
    #[cfg(feature = "room")]
    #[command(after_long_help = super::worker::HELP)]
    Worker {
        #[command(subcommand)]
        command: super::worker::WorkerCommand,
    },
    /// LiveKit rooms from outside: tokens, dispatching agents, who is there
    #[cfg(feature = "room")]
    #[command(after_long_help = super::room::HELP)]
    Room {
        #[command(subcommand)]
        command: super::room::RoomCommand,
    },
    /// Run the configured agent in LiveKit rooms; needs a build with the feature `room`
    #[cfg(not(feature = "room"))]
    Worker(Anything),
    /// LiveKit rooms from outside; needs a build with the feature `room`
    #[cfg(not(feature = "room"))]
    Room(Anything),
    /// Serve Home Assistant: speech to text, text to speech, wake words (Wyoming)
    #[cfg(feature = "serve")]
    #[command(after_long_help = super::wyoming::HELP)]
    Wyoming(super::wyoming::WyomingArgs),
    /// Serve Home Assistant (Wyoming); needs a build with the feature `serve`
    #[cfg(not(feature = "serve"))]
    Wyoming(Anything),
    /// STELLA's speech services, for agents of its published package (gRPC)
    #[cfg(feature = "serve")]
    #[command(after_long_help = super::stella::HELP)]
    Stella(super::stella::StellaArgs),
    /// STELLA's speech services; needs a build with the feature `serve`
    #[cfg(not(feature = "serve"))]
    Stella(Anything),
    /// Settings: what is in effect and where it came from
    Config {
        #[command(subcommand)]
        command: Option<ConfigCommand>,
    },
    /// The voices of the voice model
    Voices,
    /// Print a completion script for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Whether the settings are valid
    Check,
    /// What a key or a table means: value, default, unit, environment variable
    Explain {
        /// A key such as `pipeline.voice.speed`, or a table such as `llm` [default: all]
        key: Option<String>,
    },
    /// docs/configuration.md, written anew
    #[command(hide = true)]
    Reference,
    /// Vouch for duologue.toml in this directory, with its present content
    Trust,
}

/// The arguments of a command that this build has not.
#[cfg(not(all(feature = "agent", feature = "room", feature = "serve")))]
#[derive(Args, Debug)]
pub struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<std::ffi::OsString>,
}

#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The configured agent ([agent] and [llm] of the settings) instead of the small one; live
    #[arg(long, conflicts_with_all = ["fast", "input"])]
    pub agent: bool,
    /// Let this recording be the caller
    #[arg(long, value_name = "FILE.wav")]
    pub input: Option<PathBuf>,
    /// As fast as the machine can, in simulated time, instead of live
    #[arg(long)]
    pub fast: bool,
    /// Where conversation.wav and timeline.svg go
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

#[derive(Args, Debug)]
pub struct TalkArgs {
    /// Microphone, by (part of) its name
    #[arg(long, value_name = "NAME")]
    pub input_device: Option<String>,
    /// Speakers, by (part of) their name
    #[arg(long, value_name = "NAME")]
    pub output_device: Option<String>,
    /// List the devices and stop
    #[arg(long)]
    pub list_devices: bool,
}

#[derive(Args, Debug)]
pub struct SayArgs {
    /// What to say; `-` reads standard input
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// Write this file: .wav, or .raw for samples alone (16 bits, little-endian); `-`: standard output
    #[arg(short, long, value_name = "FILE", required_unless_present = "play", allow_hyphen_values = true)]
    pub output: Option<PathBuf>,
    /// Samples alone, without a header
    #[arg(long)]
    pub raw: bool,
    /// Play it
    #[arg(long)]
    pub play: bool,
    /// Voice, by name
    #[arg(long)]
    pub voice: Option<String>,
    /// Tempo, 0.5 to 2.0
    #[arg(long)]
    pub speed: Option<f32>,
}

#[derive(Args, Debug)]
pub struct TextArgs {
    /// A file, read line by line, or the text itself; `-` reads standard input
    #[arg(value_name = "FILE|-|TEXT")]
    pub text: String,
    /// Voice, by name; it decides the language
    #[arg(long)]
    pub voice: Option<String>,
    /// Language, by its tag (`en-US`)
    #[arg(long)]
    pub language: Option<String>,
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    let help = |format| match format {
        Format::Text => "A line for each utterance: seconds and words",
        Format::Srt => "SubRip subtitles",
        Format::Vtt => "WebVTT subtitles",
        Format::Tsv => "Tab-separated: begin and end in ms, words",
    };
    let possible = Format::ALL.map(|format| PossibleValue::new(format.name()).help(help(format)));
    PossibleValuesParser::new(possible)
        .map(|name| Format::ALL.into_iter().find(|format| format.name() == name).unwrap_or_default())
}

#[derive(Args, Debug)]
pub struct TranscribeArgs {
    /// WAV files, or folders of them; `-` is standard input
    #[arg(required = true, value_name = "FILE.wav|DIR")]
    pub files: Vec<PathBuf>,
    /// The transcript's form
    #[arg(long, default_value = "text", value_parser = format_parser())]
    pub format: Format,
    /// Write each transcript into this folder, named after its recording
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Transcribe each channel by itself, as for a call with one party on each
    #[arg(long)]
    pub split: bool,
}

#[cfg(feature = "serve")]
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Address to listen at; another than this machine's own needs a key, or --insecure
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen at; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Key that clients must send; may be given several times
    #[arg(long, value_name = "KEY", env = "DUOLOGUE_API_KEY", hide_env_values = true, value_delimiter = ',')]
    pub api_key: Vec<String>,
    /// TOML file of keys, a line a client: phone = "KEY"
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Let everybody in who reaches the address
    #[arg(long)]
    pub insecure: bool,
    /// Origin whose web pages may ask, or `*`
    #[arg(long, value_name = "ORIGIN")]
    pub cors: Option<String>,
}

#[derive(Args, Debug)]
pub struct VadArgs {
    /// A WAV file
    #[arg(required_unless_present = "score", conflicts_with = "score", value_name = "FILE.wav")]
    pub file: Option<PathBuf>,
    /// A directory of WAV files with labels (.scv: start,end,label triples, in seconds)
    #[arg(long, value_name = "DIR")]
    pub score: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// All models by name
    List,
    /// What is known of a model: its files, sizes, hashes, licence, and whether it is here
    Show {
        /// Its name
        name: String,
    },
    /// Fetch models: whole, verified, continued where an earlier try broke off
    Pull {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Remove models from the cache
    Rm {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Copy models that are here into a folder, for machines without a network (there DUOLOGUE_MIRROR names it)
    Bundle {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
        /// The folder
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Where a model's files are
    Path {
        /// Its name
        name: String,
    },
    /// Compare a model's files with their known hashes
    Verify {
        /// Its name [default: every model that is here]
        name: Option<String>,
    },
}

#[derive(Args, Debug)]
pub struct BenchArgs {
    /// How many times the caller asks and interrupts, live (about 6 s each)
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(3..=1000))]
    pub turns: u32,
    /// Interrupt with these recordings of people (WAV files) instead of the built-in caller's
    #[arg(long, value_name = "DIR")]
    pub speech: Option<PathBuf>,
    /// Only count how often the agent takes its own echo for somebody, over this many of its turns in simulated
    /// rooms
    #[arg(long, num_args = 0..=1, default_value_t = 0, default_missing_value = "1000", value_name = "TURNS", conflicts_with_all = ["llm", "soak"], value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub echo: u32,
    /// Only ask the turn detector about a labelled set of turns: a folder with `turns.tsv`, as `benches/turns.py` makes
    #[arg(long, value_name = "DIR", conflicts_with_all = ["echo", "llm", "soak"])]
    pub endpointing: Option<PathBuf>,
    /// Also ask an agent this many times for each speed of a scripted language model, live
    #[arg(long, default_value_t = 0, value_name = "TURNS", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub llm: u32,
    /// Also run this many turns in simulated time and watch the memory grow
    #[arg(long, default_value_t = 0, value_name = "TURNS")]
    pub soak: u32,
}

#[cfg(feature = "agent")]
#[derive(Args, Debug)]
pub struct EvalArgs {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only in text, without audio and models of speech
    #[arg(long, conflicts_with = "spoken")]
    pub text: bool,
    /// Only spoken, in a simulated room: another voice says the user's lines, and the recogniser hears
    /// them
    #[arg(long)]
    pub spoken: bool,
}

#[cfg(feature = "agent")]
const EVAL_HELP: &str = "\
A scenario is a conversation and what must come of it:

  [agent]
  instructions = \"You are a kitchen timer.\"
  llm = { intents = \"kitchen.intents.toml\" }    # or { script = FILE }

  [[tool]]                                       # a mock: it gives a fixed result
  name = \"set_timer\"
  result = \"done\"

  [[step]]
  user = \"set a timer for ten minutes\"
  expect = [
      { tool = \"set_timer\", arguments = { seconds = 600 } },
      { message = \"ten minutes\" },
  ]
  absent = [\"sorry\"]        # words that the agent must not say
  no_more = true             # nothing else may happen
  within_ms = 2000           # end of the user's speech to the first sample of the answer (spoken)

  [[step]]
  user = \"tell me a story\"
  interrupted_at = \"forest\"  # the next line begins when the agent reaches this word (spoken)

  [[step]]
  user = \"stop\"

Each scenario is played in text, then spoken, unless one of them is chosen. The exit status is 1 if
anything is otherwise than expected; --json gives one report a line. The built-in recogniser knows 86
words, listed in models/builtin/README.md. More scenarios: examples/scenarios/.";
