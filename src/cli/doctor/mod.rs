//! `duologue doctor`: what works on this machine, how fast each stage is, and what to do.

mod configured;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use duologue::config::Config;
use duologue::models::registry::ModelKind;
use duologue::models::{Cancel, SpeakOptions};
use duologue::native::{ErrorKind, LoadOptions, Source, locate};
use duologue::outln;
use duologue::pipeline::offline;
use duologue::setup::{self, Models};
use serde_json::{Value, json};

use crate::cli::args::Common;
use crate::cli::output::resident_bytes;

/// Said to be recognised again.
const SENTENCE: &str = "turn on the kitchen lights and set a timer for ten minutes";

pub fn run(common: &Common) -> Result<()> {
    let mut report =
        Report { printed: Ok(()), json: common.json, values: serde_json::Map::new(), healthy: true };
    report.machine();
    let settings = common.settings()?;
    let is_ready = report.natives();
    report.registry(&settings)?;
    if is_ready {
        report.stages(&settings)?;
    }
    report.agent(&settings, common.offline);
    report.devices();
    report.finish()
}

struct Report {
    printed: std::io::Result<()>,
    json: bool,
    values: serde_json::Map<String, Value>,
    healthy: bool,
}

impl Report {
    fn print(&mut self, line: std::fmt::Arguments<'_>) {
        if self.printed.is_ok() {
            self.printed = duologue::terminal::line(line);
        }
    }

    fn note(&mut self, key: &str, value: Value, line: &str) {
        if !self.json {
            self.print(format_args!("  ok  {key:<12} {line}"));
        }
        self.values.insert(key.to_owned(), value);
    }

    fn problem(&mut self, key: &str, problem: &str) {
        self.healthy = false;
        if !self.json {
            self.print(format_args!("  !!  {key:<12} {problem}"));
        }
        self.values.insert(key.to_owned(), json!({ "problem": problem }));
    }

    fn machine(&mut self) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let features = duologue::native::cpu::features();
        let value = json!({ "os": os, "arch": arch, "cores": cores, "features": features });
        self.note("machine", value, &format!("{os} {arch}, {cores} cores, {}", features.join(" ")));
    }

    /// Whether the engines are here. What is not here yet is no fault: the first run fetches it.
    fn natives(&mut self) -> bool {
        let options = LoadOptions::offline(true);
        let begin = Instant::now();
        match duologue::native::load_with(&options) {
            Ok(natives) => {
                let ms = begin.elapsed().as_secs_f64() * 1e3;
                let value = json!({
                    "dir": natives.dir(), "onnxruntime": natives.ort_version(), "sherpa_onnx": natives.sherpa_version(), "load_ms": ms,
                });
                let line = format!(
                    "ONNX Runtime {}, sherpa-onnx {}, loaded in {ms:.0} ms from {}",
                    natives.ort_version(),
                    natives.sherpa_version(),
                    natives.dir().display()
                );
                self.note("engines", value, &line);
                self.verify(natives.source(), natives.dir(), &options);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::NativesMissing | ErrorKind::Offline) => {
                let line = "not here yet: the first run fetches ONNX Runtime and sherpa-onnx; `duologue fetch` does it now";
                self.note("engines", json!({ "would_fetch": ["onnxruntime", "sherpa-onnx"] }), line);
                false
            }
            Err(error) => {
                self.problem("engines", &error.to_string());
                for candidate in locate(&options).map(|search| search.candidates).unwrap_or_default() {
                    if !self.json {
                        self.print(format_args!("                   looked at {candidate}"));
                    }
                }
                false
            }
        }
    }

    /// Hashes the engines, whatever their stamps say. In a directory that the user names they may be builds of the user's own.
    fn verify(&mut self, source: Source, dir: &Path, options: &LoadOptions) {
        match duologue::native::verify(dir, options) {
            Ok(()) => self.note("engines' sums", json!({ "published": true }), "as published, by SHA-256"),
            Err(error) if source == Source::Named => {
                let value = json!({ "published": false, "difference": error.to_string() });
                self.note(
                    "engines' sums",
                    value,
                    &format!("not as published, but named by DUOLOGUE_NATIVES ({error})"),
                );
            }
            Err(error) => self.problem("engines' sums", &error.to_string()),
        }
    }

    fn registry(&mut self, settings: &Config) -> Result<()> {
        let registry = setup::registry(true)?;
        for name in [&settings.stt, &settings.tts, &settings.vad, &settings.turn] {
            if let Ok(entry) = registry.entry(name)
                && !registry.is_present(name)
            {
                let megabytes = entry.bytes() as f64 / 1e6;
                let line = format!("{name} is not here yet: the first run fetches it ({megabytes:.0} MB)");
                self.note(&format!("model {name}"), json!({ "would_fetch_bytes": entry.bytes() }), &line);
            }
        }
        for kind in [ModelKind::Stt, ModelKind::Tts, ModelKind::Vad] {
            let names: Vec<&str> = registry
                .list()
                .iter()
                .filter(|entry| entry.kind == kind && registry.is_present(&entry.name))
                .map(|entry| entry.name.as_str())
                .collect();
            let key = format!("{kind} models");
            if names.is_empty() {
                self.problem(&key, "none is here; run `duologue fetch` while there is a network");
            } else {
                self.note(&key, json!(names), &names.join(", "));
            }
        }
        Ok(())
    }

    /// How long the turn detector takes to judge 8 s whose words tell nothing.
    fn turn(&mut self, models: &Models, settings: &Config) -> Result<()> {
        let mut stream = models.turn.stream()?;
        stream.hear(&[0.0; 8 * 16_000]);
        let begin = Instant::now();
        stream.predict("i went to the market")?;
        let ms = begin.elapsed().as_secs_f64() * 1e3;
        let limit = settings.pipeline.conversation.detector_limit.as_secs_f64() * 1e3;
        let line = format!("{ms:.0} ms; an answer that takes longer than {limit:.0} ms is not waited for");
        self.note("deciding turns", json!({ "ms": ms, "limit_ms": limit }), &line);
        Ok(())
    }

    fn stages(&mut self, settings: &Config) -> Result<()> {
        let begin = Instant::now();
        let models = match Models::load(settings, true) {
            Ok(models) => models,
            Err(error) => {
                self.problem("models", &error.to_string());
                return Ok(());
            }
        };
        let ms = begin.elapsed().as_secs_f64() * 1e3;
        self.note(
            "loading",
            json!({ "ms": ms }),
            &format!("{}, {} and the detector in {ms:.0} ms", models.stt.name(), models.tts.name()),
        );

        self.voice(settings, &models);
        let begin = Instant::now();
        let speech = offline::speak(&*models.tts, SENTENCE, &SpeakOptions::default(), &Cancel::new())?;
        let seconds = speech.samples.len() as f64 / f64::from(models.tts.sample_rate());
        self.speed("speaking", begin, seconds);

        let begin = Instant::now();
        let heard = offline::transcribe(&*models.stt, &speech.samples, models.tts.sample_rate())?;
        self.speed("recognising", begin, seconds);
        self.note(
            "round trip",
            json!({ "said": SENTENCE, "heard": heard.text }),
            &format!("said “{SENTENCE}”, heard “{}”", heard.text),
        );

        self.turn(&models, settings)?;
        let mut vad = models.vad()?;
        let frame = vec![0.01; vad.frame_len()];
        let begin = Instant::now();
        for _ in 0..100 {
            vad.predict(&frame)?;
        }
        self.speed("detecting", begin, 100.0 * frame.len() as f64 / 16_000.0);
        if let Some(bytes) = resident_bytes() {
            self.note(
                "memory",
                json!({ "resident_bytes": bytes }),
                &format!("{} MB with everything loaded", bytes / 1_000_000),
            );
        }
        Ok(())
    }

    fn speed(&mut self, key: &str, begin: Instant, seconds: f64) {
        let factor = begin.elapsed().as_secs_f64() / seconds.max(1e-9);
        if factor >= 1.0 {
            let advice = "slower than speech itself: choose a smaller model (`duologue models list`), or free the machine";
            self.problem(key, &format!("RTF {factor:.3}: {advice}"));
            return;
        }
        self.note(
            key,
            json!({ "rtf": factor }),
            &format!("RTF {factor:.3} (1 s of sound takes {:.0} ms)", factor * 1e3),
        );
    }

    #[cfg(feature = "devices")]
    fn devices(&mut self) {
        match duologue::devices::list() {
            Ok(devices) => {
                let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
                self.note("devices", json!(names), &names.join("; "));
            }
            Err(error) => self.problem("devices", &error.to_string()),
        }
    }

    #[cfg(not(feature = "devices"))]
    fn devices(&mut self) {
        self.note(
            "devices",
            json!(null),
            "this build has no microphone and speakers; build with --features devices to talk",
        );
    }

    fn finish(self) -> Result<()> {
        self.printed?;
        if self.json {
            outln!("{}", Value::Object(self.values))?;
        }
        if self.healthy {
            Ok(())
        } else {
            Err(anyhow::anyhow!("something needs attention; see the lines marked !!"))
        }
    }
}
