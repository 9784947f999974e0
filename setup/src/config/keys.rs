//! Every key of `duologue.toml`, as data: what `duologue config`, the checks of every build and
//! `docs/configuration.md` have in common.
//!
//! The types that read the settings stay the truth: tests hold this table against them, key by key, default by
//! default and range by range.

use std::fmt;

use toml::Value;

use super::PREFIX;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where it stands, for instance `pipeline.voice.speed`.
    pub path: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// As one would write it; empty if there is no default.
    pub default: &'static str,
    /// Of a number; empty if it has none.
    pub unit: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Text that is never shown.
    Secret,
    /// `http://…` or `https://…`, or nothing.
    Url,
    /// `true` or `false`.
    Switch,
    /// A whole number, from … to ….
    Whole(i64, i64),
    /// A number, from … to ….
    Number(f64, f64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A table with keys of the user's own.
    Table,
    /// A list of tables.
    Tables,
}

impl Key {
    /// The environment variable that sets it.
    ///
    /// ```
    /// let key = duologue_setup::config::key("pipeline.voice.speed").unwrap();
    /// assert_eq!(key.variable(), "DUOLOGUE_PIPELINE__VOICE__SPEED");
    /// ```
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "__").to_ascii_uppercase())
    }

    /// What is wrong with `value` here; `None` if nothing is.
    pub(super) fn problem(&self, value: &Value) -> Option<String> {
        let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        let right = match self.kind {
            Kind::Text | Kind::Secret => value.is_str(),
            Kind::Url => match value.as_str() {
                Some(url) => return url_problem(url),
                None => false,
            },
            Kind::Switch => value.is_bool(),
            Kind::Whole(low, high) => value.as_integer().is_some_and(|whole| (low..=high).contains(&whole)),
            Kind::Number(low, high) => number.is_some_and(|number| (low..=high).contains(&number)),
            Kind::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Kind::Texts => value.as_array().is_some_and(|all| all.iter().all(Value::is_str)),
            Kind::Table => value.is_table(),
            Kind::Tables => value.as_array().is_some_and(|all| all.iter().all(Value::is_table)),
        };
        (!right).then(|| format!("must be {}", self.kind))
    }

    /// `text`, as a variable of the environment holds it, as a value.
    pub(super) fn value(&self, text: &str) -> Value {
        let literal =
            || format!("x = {text}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("x"));
        let plain = || Value::String(text.to_owned());
        match self.kind {
            Kind::Text | Kind::Secret | Kind::Url | Kind::Choice(_) => plain(),
            Kind::Texts if !text.trim_start().starts_with('[') => {
                Value::Array(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect())
            }
            _ => literal().unwrap_or_else(plain),
        }
    }
}

fn url_problem(url: &str) -> Option<String> {
    let bare = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match bare {
        _ if url.is_empty() => None,
        None => Some("must begin with http:// or https://, for example http://127.0.0.1:11434/v1".to_owned()),
        Some(rest) if rest.is_empty() || rest.starts_with(['/', ':', '?', '#']) => {
            Some("names no host".to_owned())
        }
        Some(rest) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
            Some("must hold no user or password; a key belongs in api_key".to_owned())
        }
        Some(_) => None,
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text | Self::Secret => f.write_str("text"),
            Self::Url => f.write_str("a URL that begins with http:// or https://"),
            Self::Switch => f.write_str("true or false"),
            Self::Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Number(low, high) => write!(f, "a number from {low} to {high}"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Texts => f.write_str("a list of texts"),
            Self::Table => f.write_str("a table"),
            Self::Tables => f.write_str("a list of tables"),
        }
    }
}

/// The key at `path`.
pub fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

const fn row(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    unit: &'static str,
    meaning: &'static str,
) -> Key {
    Key { path, kind, default, unit, meaning }
}

/// A wait of the conversation, in s.
const WAIT: Kind = Kind::Number(0.01, 3_600.0);
/// A delay of the conversation, in s.
const DELAY: Kind = Kind::Number(0.0, 10.0);
/// A limit of the session, in s.
const LIMIT: Kind = Kind::Number(0.1, 600.0);
/// A wait for a language model's server, in s.
const SERVER: Kind = Kind::Number(0.001, 86_400.0);
/// Most that the types count to.
const MOST: i64 = u32::MAX as i64;
const BACKCHANNELS: &str = r#"["ah", "aha", "alright", "cool", "exactly", "good", "great", "got it", "hm", "hmm", "huh", "i see", "mhm", "mm", "mm hmm", "oh", "ok", "okay", "right", "sure", "uh", "uh huh", "uhhuh", "um", "yeah", "yep", "yes"]"#;

/// Every key, in the order of the documentation.
#[rustfmt::skip]
pub static KEYS: &[Key] = &[
    row("stt", Kind::Text, r#""builtin""#, "", "Recogniser: a name from `duologue models list`, or a directory."),
    row("tts", Kind::Text, r#""builtin""#, "", "Voice model: a name from `duologue models list`, or a directory."),
    row("vad", Kind::Text, r#""silero""#, "", "Voice activity detector: a name or a file, or `energy`, which needs no model."),

    row("turn", Kind::Text, r#""last-words""#, "", "Turn detector: `last-words`, which needs no model, `smart-turn`, which hears the voice as well, or a directory."),
    row("recogniser.threads", Kind::Whole(1, 64), "1", "", "Threads of one inference of the recogniser."),
    row("recogniser.paths", Kind::Whole(0, 32), "", "", "Sequences that a transducer's beam search keeps; 0 decodes greedily."),
    row("recogniser.blank_penalty", Kind::Number(-20.0, 20.0), "", "", "Subtracted from the score of nothing said: above 0 fewer words are missed and more are invented."),
    row("recogniser.tail_ms", Kind::Whole(0, 5_000), "", "ms", "Silence after an utterance's end that lets the last word be written."),
    row("recogniser.hotwords", Kind::Texts, "[]", "", "Words and phrases to prefer: names, streets, products. They need a streaming transducer."),
    row("recogniser.hotword_score", Kind::Number(0.0, 10.0), "1.5", "", "What each token of a hotword adds to the score of a sequence."),

    row("pipeline.voice.name", Kind::Text, r#""""#, "", "Voice, as `duologue voices` lists them; empty: the model's first."),
    row("pipeline.voice.speed", Kind::Number(0.5, 2.0), "1.0", "", "Tempo."),

    row("pipeline.conversation.policy", Kind::Choice(&["duck", "pause", "immediate", "off"]), r#""duck""#, "", "What the user's voice does to an agent that speaks."),
    row("pipeline.conversation.output_rate", Kind::Whole(8_000, 384_000), "24000", "Hz", "Rate that playback is counted at; the pipeline sets it."),
    row("pipeline.conversation.pre_roll", DELAY, "0.3", "s", "Audio before the onset that belongs to an utterance."),
    row("pipeline.conversation.post_roll", DELAY, "0.2", "s", "Audio after the last voiced sample that belongs to an utterance."),
    row("pipeline.conversation.confirm_voiced", DELAY, "0.12", "s", "Voiced time that confirms an interruption."),
    row("pipeline.conversation.keypad_interrupts", Kind::Switch, "false", "", "Whether a key of a telephone, pressed while the agent speaks, drops what it says."),
    row("pipeline.conversation.duck_limit", WAIT, "0.8", "s", "A duck that is not confirmed by then is undone."),
    row("pipeline.conversation.yield_limit", WAIT, "5.0", "s", "A yield this long is decided by what is recognised so far."),
    row("pipeline.conversation.backchannels", Kind::Texts, BACKCHANNELS, "", "Phrases, in lower case, that do not interrupt an agent that speaks."),
    row("pipeline.conversation.min_endpoint_delay", DELAY, "0.15", "s", "From the end of speech to the end of a turn that is surely over."),
    row("pipeline.conversation.max_endpoint_delay", Kind::Number(0.0, 60.0), "1.45", "s", "From the end of speech to the end of a turn that is surely not over; at least min_endpoint_delay."),
    row("pipeline.conversation.vad_endpoint_delay", DELAY, "0.6", "s", "The same without a turn detector, or when it is late."),
    row("pipeline.conversation.turn_unlikely", Kind::Number(0.0, 1.0), "0.02", "", "At or below this probability of a complete turn the wait is the longest; at most turn_likely."),
    row("pipeline.conversation.turn_likely", Kind::Number(0.0, 1.0), "0.6", "", "At or above this probability of a complete turn the wait is the shortest."),
    row("pipeline.conversation.turn_detector", Kind::Switch, "true", "", "Whether a turn detector answers."),
    row("pipeline.conversation.detector_limit", WAIT, "0.15", "s", "How long its answer may take."),
    row("pipeline.conversation.final_limit", WAIT, "1.5", "s", "How long a final transcript may take after the end of speech."),
    row("pipeline.conversation.max_utterance", WAIT, "30.0", "s", "A longer utterance is continued as another one."),
    row("pipeline.conversation.starvation_limit", WAIT, "0.5", "s", "An utterance ends without any voice level for this long."),
    row("pipeline.conversation.edge_limit", WAIT, "1.0", "s", "Voice (or its absence) by level for this long stands in for an edge that did not come."),
    row("pipeline.conversation.speculate", Kind::Switch, "true", "", "Ask the agent before the user's turn is known to be over."),
    row("pipeline.conversation.stable_partial", DELAY, "0.15", "s", "Silence in which a partial transcript must not change to be worth such an ask."),
    row("pipeline.conversation.max_speculations", Kind::Whole(0, MOST), "3", "", "How many such asks one user turn may cost."),
    row("pipeline.conversation.speculative_speech", Kind::Switch, "true", "", "Synthesize (never play) the answer to such an ask."),
    row("pipeline.conversation.first_text_limit", WAIT, "10.0", "s", "How long the agent may take to its first text."),
    row("pipeline.conversation.stall_limit", WAIT, "10.0", "s", "How long the agent may pause in its text."),
    row("pipeline.conversation.max_reply_time", WAIT, "180.0", "s", "How long the agent may go on giving text."),
    row("pipeline.conversation.max_reply_bytes", Kind::Whole(1, 1 << 24), "16384", "bytes", "How much text one agent turn may have."),
    row("pipeline.conversation.speech_limit", WAIT, "10.0", "s", "How long synthesis and playback may go without progress."),
    row("pipeline.conversation.max_says", Kind::Whole(1, 4_096), "64", "", "How many speeches may wait to be said."),
    row("pipeline.conversation.history_limit", Kind::Whole(1, 1 << 20), "256", "", "How many entries the history keeps; the oldest go first."),

    row("pipeline.ear.echo.enabled", Kind::Switch, "true", "", "Cancel the agent's echo."),
    row("pipeline.ear.echo.noise_reduction", Kind::Choice(&["off", "low", "moderate", "high"]), r#""off""#, "", "How strongly steady noise is taken away."),
    row("pipeline.ear.echo.gain_control", Kind::Switch, "false", "", "Bring quiet speakers up to a usual level; it lifts what is left of an echo too."),
    row("pipeline.ear.vad.onset", Kind::Number(0.001, 1.0), "0.5", "", "A frame at or above this probability starts speech; at least offset."),
    row("pipeline.ear.vad.offset", Kind::Number(0.001, 1.0), "0.35", "", "A frame at or above this probability carries speech on."),
    row("pipeline.ear.vad.min_speech_ms", Kind::Whole(0, 10_000), "0", "ms", "How long speech must go on before it is reported."),
    row("pipeline.ear.vad.hangover_ms", Kind::Whole(0, 10_000), "200", "ms", "How long speech must be away before its end is reported; at least post_roll_ms."),
    row("pipeline.ear.vad.pre_roll_ms", Kind::Whole(0, 10_000), "300", "ms", "No effect here: conversation.pre_roll has."),
    row("pipeline.ear.vad.post_roll_ms", Kind::Whole(0, 10_000), "60", "ms", "No effect here: conversation.post_roll has."),
    row("pipeline.ear.vad.max_speech_ms", Kind::Whole(100, MOST), "30000", "ms", "Longer speech is split, without loss."),

    row("pipeline.playback.rate", Kind::Whole(8_000, 192_000), "48000", "Hz", "Rate of the output; the endpoint sets it."),
    row("pipeline.playback.capacity_ms", Kind::Whole(100, 600_000), "2000", "ms", "What the ring of playback holds."),
    row("pipeline.playback.fade_ms", Kind::Whole(1, 100), "20", "ms", "Fade at a hold or a stop, and back."),
    row("pipeline.playback.duck_db", Kind::Number(-80.0, 0.0), "-18.0", "dB", "Level of a ducked agent."),
    row("pipeline.playback.duck_ms", Kind::Whole(1, 200), "8", "ms", "From full level to the ducked one."),
    row("pipeline.playback.restore_ms", Kind::Whole(1, 2_000), "120", "ms", "From the ducked level back."),
    row("pipeline.playback.reference_ms", Kind::Whole(100, 60_000), "1000", "ms", "What the ring of the echo's reference holds."),

    row("session.session_id", Kind::Text, r#""""#, "", "Name of the conversation in the history store, at most 256 bytes; empty: a new one."),
    row("session.max_tool_steps", Kind::Whole(0, 100), "8", "", "How often the model may call tools in one turn."),
    row("session.max_calls_per_step", Kind::Whole(1, 128), "16", "", "Most calls of one step."),
    row("session.token_budget", Kind::Whole(256, 1 << 24), "8000", "tokens", "What the conversation may take of a model's context."),
    row("session.history_limit", Kind::Whole(16, 1 << 20), "4096", "", "Items that the history keeps; the oldest go first."),
    row("session.max_answer_bytes", Kind::Whole(64, 1 << 22), "12000", "bytes", "Most text of one answer."),
    row("session.filler_after", LIMIT, "2.5", "s", "How long a model may take before the filler is spoken."),
    row("session.filler", Kind::Text, r#""One moment.""#, "", "What is spoken meanwhile; empty: nothing."),
    row("session.first_token_limit", LIMIT, "30.0", "s", "How long a model may take to its first word."),
    row("session.token_limit", LIMIT, "15.0", "s", "How long a model may pause between two words."),
    row("session.turn_limit", Kind::Number(1.0, 3_000.0), "180.0", "s", "How long a turn may take in all, with its tools."),
    row("session.apology", Kind::Text, r#""I'm sorry, something went wrong. Please try again.""#, "", "What is spoken when a model fails; empty: nothing."),
    row("session.speculate", Kind::Switch, "true", "", "Ask the model before it is certain that the user has finished."),
    row("session.hook_limit", Kind::Number(0.01, 600.0), "10.0", "s", "How long a hook of an agent may take."),
    row("session.close_limit", Kind::Number(0.0, 600.0), "5.0", "s", "How long closing lets the agent finish what it is saying."),

    row("agent.instructions", Kind::Text, r#""""#, "", "What the language model is told to be."),
    row("agent.greeting", Kind::Text, r#""""#, "", "What the agent says first."),
    row("agent.intents", Kind::Text, "", "", "File of intents that answers where there is no language model."),
    row("agent.mcp", Kind::Tables, "[]", "", "Servers of tools. Each has `command` (a list) with `env`, or `url` with `headers`; `prefix` begins its tools' names."),

    row("llm.base_url", Kind::Url, r#""""#, "", "What stands before `/chat/completions`, for example http://127.0.0.1:11434/v1."),
    row("llm.api_key", Kind::Secret, "", "", "The key, if the server wants one."),
    row("llm.ca_file", Kind::Text, "", "", "Certificates (PEM) of authorities that are trusted besides the system's."),
    row("llm.model", Kind::Text, r#""""#, "", "The model, as the server calls it."),
    row("llm.temperature", Kind::Number(0.0, 2.0), "", "", "The server's own by default."),
    row("llm.max_tokens", Kind::Whole(1, MOST), "", "tokens", "Most tokens of an answer; the server's own limit by default."),
    row("llm.max_bytes", Kind::Whole(1, MOST), "262144", "bytes", "Most bytes of an answer."),
    row("llm.connect", SERVER, "3.0", "s", "How long a connection may take."),
    row("llm.first_token", SERVER, "30.0", "s", "How long until the first token, all attempts together."),
    row("llm.between_tokens", SERVER, "10.0", "s", "How long between two tokens."),
    row("llm.total", SERVER, "120.0", "s", "How long an answer may take, all in all."),
    row("llm.retries", Kind::Whole(0, MOST), "2", "", "How often a request is repeated whose answer has not begun."),
    row("llm.begins_thinking", Kind::Switch, "false", "", "The answer begins inside its reasoning: only `</think>` comes."),
    row("llm.extra", Kind::Table, "{}", "", "More fields of the request, as the server understands them."),

    row("worker.agent_name", Kind::Text, r#""""#, "", "Name by which it is dispatched; empty: it is sent to every new room."),
    row("worker.kind", Kind::Choice(&["room", "publisher"]), r#""room""#, "", "One job for each room, or for each participant that publishes."),
    row("worker.job_limit", Kind::Whole(0, MOST), "0", "", "Most jobs at a time; 0: no limit."),
    row("worker.load_threshold", Kind::Number(0.001, 1.0), "0.7", "", "Load at which no more jobs are taken; 1: no limit."),
    row("worker.job_load", Kind::Number(0.0, 1.0), "0.1", "", "Load that a job is counted with in its first 5 s."),
    row("worker.memory_limit_mib", Kind::Whole(0, MOST), "0", "MiB", "Resident memory above which no more jobs are taken; 0: no limit but the container's."),
    row("worker.isolate", Kind::Switch, "false", "", "Each job in a process of its own."),
    row("worker.job_memory_limit_mib", Kind::Whole(0, MOST), "0", "MiB", "Memory above which an isolated job is ended; 0: no limit. Needs isolate."),
    row("worker.overhear", Kind::Switch, "false", "", "Listen to the other people in a room as well."),
    row("worker.drain_s", Kind::Whole(0, MOST), "3600", "s", "Longest that draining waits for jobs."),
    row("worker.stop_s", Kind::Whole(1, MOST), "10", "s", "How long a job may take to end when it is told to."),
    row("worker.debug", Kind::Switch, "false", "", "Whether the linked participant may look into the session with LiveKit's debug panel."),
    row("worker.debug_identities", Kind::Texts, "[]", "", "Identities that may do so as well; needs debug."),
    row("worker.http_host", Kind::Text, "", "", "Address where the local HTTP server listens; this machine only by default, in a container everywhere."),
    row("worker.http_port", Kind::Whole(0, 65_535), "8081", "", "Its port; 0: any free one."),
];
