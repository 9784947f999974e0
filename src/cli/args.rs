//! The command line: what can be asked for, and the help that teaches it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A voice pipeline that runs on this machine: it hears, lets an agent think, and speaks.
///
/// Start with `duologue demo`: a caller talks with a small agent in a simulated room, with no
/// microphone, no speakers and no download but the engines themselves.
#[derive(Debug, Parser)]
#[command(name = "duologue", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  duologue demo                         hear a conversation (writes conversation.wav)
  duologue say \"Hello there\" -o hi.wav  text to speech
  duologue transcribe meeting.wav       speech to text
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
    #[cfg_attr(feature = "room", command(visible_alias = "console"))]
    Talk(TalkArgs),
    /// Text to speech
    Say(SayArgs),
    /// Speech to text, live on a terminal
    Transcribe(TranscribeArgs),
    /// Where there is speech in a recording; or how well that is found in a labelled set
    Vad(VadArgs),
    /// Models: list, find and verify them
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Fetch the engines and models, for a machine that will be offline
    #[cfg_attr(feature = "room", command(visible_alias = "download-files"))]
    Fetch,
    /// What works on this machine, how fast, and what to do
    Doctor,
    /// Measure the latency budgets in the simulated room
    Bench(BenchArgs),
    /// Play scenarios with an agent, in text and spoken, and compare what comes of them
    #[command(after_long_help = EVAL_HELP)]
    Eval(EvalArgs),
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
    /// Print a completion script for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub struct DemoArgs {
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
    pub text: String,
    /// Write a WAV file
    #[arg(short, long, value_name = "FILE.wav", required_unless_present = "play")]
    pub output: Option<PathBuf>,
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
pub struct TranscribeArgs {
    /// WAV files
    #[arg(required = true, value_name = "FILE.wav")]
    pub files: Vec<PathBuf>,
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
    /// Also ask an agent this many times for each speed of a scripted language model, live
    #[arg(long, default_value_t = 0, value_name = "TURNS", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub llm: u32,
    /// Also run this many turns in simulated time and watch the memory grow
    #[arg(long, default_value_t = 0, value_name = "TURNS")]
    pub soak: u32,
}

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
