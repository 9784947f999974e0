//! How soon the ear tells a person from the agent's echo, and how often it takes one for the other.
//!
//! `cargo run --release -p duologue-pipeline --example barge_in [-- PART]` plays many scenes in simulated
//! time: real readings as agents, real words as users, measured and synthetic rooms. The loop is open: the
//! agent speaks on at its full level, which is harder than a conversation. PART names scenes to print
//! one by one. Needs `../shared/material`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use duologue_pipeline::capture::capture_ring;
use duologue_pipeline::conversation::voice_weight;
use duologue_pipeline::ear::{Ear, EarConfig, EarEvent};
use duologue_pipeline::endpoint::simulated::{
    Caller, Clip, EchoPath, Noise, NoiseKind, NoiseLevel, Response, SimulatedRoom, SimulatedRoomConfig, When,
};
use duologue_pipeline::endpoint::{Exchange, Rates};
use duologue_pipeline::playback::{Epoch, PlaybackConfig, playback_ring};
use duologue_vad::SileroModel;

const RATE: usize = 16_000;
const BLOCK: usize = 160;
/// Weighted voiced time that confirms an interruption, and the pause that starts it over, in samples: as
/// the conversation's defaults.
const CONFIRM: u64 = RATE as u64 * 120 / 1000;
const PAUSE: u64 = RATE as u64 / 5;
/// Time, in ms, that an echo takes to be learned, about.
const KNOWN_MS: u64 = 1_000;
/// Active level of the agent, in dB of full scale.
const AGENT_DB: f32 = -20.0;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Clone)]
struct Scene {
    group: &'static str,
    name: String,
    far: Vec<f32>,
    /// What the microphone heard, or how it comes about.
    mic: Mic,
}

#[derive(Clone)]
enum Mic {
    Recorded { samples: Vec<f32>, onset: Option<usize> },
    Room { echo: Option<EchoPath>, user: Option<(Clip, u64)> },
}

/// Times in ms after the user's first sample; before it, or without a user, all are false.
#[derive(Clone, Default)]
struct Outcome {
    ducked: Option<f32>,
    yielded: Option<f32>,
    false_ducks: u32,
    false_yields: u32,
}

fn main() -> Fallible<()> {
    let material = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material"));
    if !material.is_dir() {
        println!("SKIPPED: {} is not there", material.display());
        return Ok(());
    }
    let part = std::env::args().nth(1);
    let model = SileroModel::load(&material.join("vad/silero_vad_v6.2.1_16k_op15.onnx"))?;
    let mut scenes = scenes(material)?;
    if let Some(part) = &part {
        scenes.retain(|scene| scene.group.contains(part.as_str()) || scene.name.contains(part.as_str()));
    }
    let next = AtomicUsize::new(0);
    let work = || -> Fallible<Vec<(usize, Outcome)>> {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(scene) = scenes.get(i) else { return Ok(done) };
            done.push((i, play(&model, scene)?));
        }
    };
    let mut outcomes = vec![Outcome::default(); scenes.len()];
    std::thread::scope(|scope| -> Fallible<()> {
        let threads = [scope.spawn(work), scope.spawn(work)];
        for thread in threads {
            for (i, outcome) in thread.join().expect("invariant: scenes do not panic")? {
                outcomes[i] = outcome;
            }
        }
        Ok(())
    })?;
    report(&scenes, &outcomes, part.is_some());
    Ok(())
}

fn report(scenes: &[Scene], outcomes: &[Outcome], each: bool) {
    for (scene, outcome) in scenes.iter().zip(outcomes) {
        let bad = outcome.false_yields > 0 || scene.has_user() && outcome.yielded.is_none();
        if each || bad && std::env::var_os("BAD").is_some() {
            println!("{:12} {:58} {}", scene.group, scene.name, outcome.text());
        }
    }
    let mut groups: Vec<&str> = Vec::new();
    for scene in scenes {
        if !groups.contains(&scene.group) {
            groups.push(scene.group);
        }
    }
    println!(
        "{:14} scenes  ducked p50  p95  yield p50  p95  missed  no duck | false ducks (scenes)  self-interrupted",
        ""
    );
    for group in groups {
        let of: Vec<(&Scene, &Outcome)> =
            scenes.iter().zip(outcomes).filter(|(scene, _)| scene.group == group).collect();
        let times = |f: fn(&Outcome) -> Option<f32>| {
            let mut times: Vec<f32> = of.iter().filter_map(|(_, outcome)| f(outcome)).collect();
            times.sort_by(f32::total_cmp);
            [0.5, 0.95].map(|q| {
                times.get((times.len() as f32 * q) as usize).map_or("-".into(), |t| format!("{t:.0}"))
            })
        };
        let ([d50, d95], [y50, y95]) = (times(|o| o.ducked), times(|o| o.yielded));
        let users = of.iter().filter(|(scene, _)| scene.has_user()).count();
        let missed = users - of.iter().filter(|(_, o)| o.yielded.is_some()).count();
        let unducked = users - of.iter().filter(|(_, o)| o.ducked.is_some()).count();
        let ducks: u32 = of.iter().map(|(_, o)| o.false_ducks).sum();
        let ducking = of.iter().filter(|(_, o)| o.false_ducks > 0).count();
        let yields = of.iter().filter(|(_, o)| o.false_yields > 0).count();
        println!(
            "{group:14} {:6} {d50:>10} {d95:>5} {y50:>9} {y95:>5} {missed:>7} {unducked:>8} | {ducks:>11} ({ducking:>3}) {yields:>14}",
            of.len()
        );
    }
}

impl Scene {
    fn has_user(&self) -> bool {
        match &self.mic {
            Mic::Recorded { onset, .. } => onset.is_some(),
            Mic::Room { user, .. } => user.is_some(),
        }
    }
}

impl Outcome {
    fn text(&self) -> String {
        let ms = |t: Option<f32>| t.map_or("  -".into(), |t| format!("{t:4.0}"));
        format!(
            "duck {} yield {} false {}/{}",
            ms(self.ducked),
            ms(self.yielded),
            self.false_ducks,
            self.false_yields
        )
    }
}

fn play(model: &SileroModel, scene: &Scene) -> Fallible<Outcome> {
    let (mut writer, mut capture) = capture_ring(RATE as u32, 100);
    let config = PlaybackConfig { fade_ms: 1, ..PlaybackConfig::new(RATE as u32) };
    let (mut mouth, control, mut renderer, mut reference) = playback_ring(&config)?;
    control.begin(Epoch(1));
    let mut ear = Ear::new(&EarConfig::default(), Box::new(model.stream()?), RATE as u32, RATE as u32)?;
    let trace = std::env::var_os("TRACE").is_some();
    let (mut room, onset, mic): (_, _, &[f32]) = match &scene.mic {
        Mic::Recorded { samples, onset } => (None, *onset, samples),
        Mic::Room { echo, user } => {
            let mut config = SimulatedRoomConfig::new(Rates { capture: RATE as u32, playback: RATE as u32 });
            config.echo.clone_from(echo);
            config.noise = Some(Noise { kind: NoiseKind::Pink, level: NoiseLevel::Dbfs(-60.0) });
            if let Some((clip, at)) = user {
                config.caller = Caller::new().says(clip.clone(), When::At(*at));
            }
            let onset = user.as_ref().map(|(_, at)| *at as usize * RATE / 1000);
            (Some(SimulatedRoom::new(config)?.0), onset, &[])
        }
    };
    let mut outcome = Outcome::default();
    let (mut voiced, mut silent, mut last) = (0_u64, 0_u64, 0_u64);
    let (mut played, mut captured) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (i, block) in scene.far.chunks_exact(BLOCK).enumerate() {
        mouth.push(Epoch(1), block);
        renderer.render(&mut played);
        match &mut room {
            Some(room) => {
                room.exchange(&played, &mut captured)?;
            }
            None => match mic.get(i * BLOCK..(i + 1) * BLOCK) {
                Some(block) => captured.copy_from_slice(block),
                None => break,
            },
        }
        writer.push(&captured);
        let now = (i + 1) * BLOCK;
        let user = onset.is_some_and(|onset| now > onset);
        let since = now as f32 - onset.unwrap_or(0) as f32;
        let since = since / (RATE as f32 / 1000.0);
        ear.process(&mut capture, &mut reference, &mut |event| match event {
            EarEvent::SpeechStarted { .. } if user => outcome.ducked = outcome.ducked.or(Some(since)),
            EarEvent::SpeechStarted { .. } => outcome.false_ducks += 1,
            EarEvent::Voice { at, voiced: is, probability, echo } => {
                let step = ((at - last) as f32 * voice_weight(probability)) as u64;
                if trace {
                    println!(
                        "{:6.0} ms  p {probability:.2} echo {echo:.2} {}",
                        at as f32 / 16.0,
                        if is { "#" } else { "" }
                    );
                }
                if is {
                    let before = voiced;
                    (voiced, silent) = (voiced + step, 0);
                    if before < CONFIRM && voiced >= CONFIRM {
                        if user {
                            outcome.yielded = outcome.yielded.or(Some(since));
                        } else {
                            outcome.false_yields += 1;
                        }
                    }
                } else {
                    silent += at - last;
                    if silent > PAUSE {
                        voiced = 0;
                    }
                }
                last = at;
            }
            _ => {}
        })?;
    }
    Ok(outcome)
}

/// Voices, words and rooms, combined so that each meets many of the others.
fn scenes(material: &Path) -> Fallible<Vec<Scene>> {
    let mut scenes = recorded(material)?;
    let agents = agents(material)?;
    let users = users(material)?;
    let rir = |name: &str| Clip::from_wav(material.join("rir").join(name)).map(Response::Recorded);
    let (first, second) = (rir("rir1.wav")?, rir("rir2.wav")?);
    let decay = Response::Decay { rt60_ms: 180, direct_db: 3.0 };
    let path =
        |delay: f32, gain: f32, response: &Response| EchoPath::new(delay, gain).response(response.clone());
    let rooms = [
        ("decay 38 -14", path(38.0, -14.0, &decay)),
        ("rir1 20 -10", path(20.0, -10.0, &first)),
        ("rir2 60 -14", path(60.0, -14.0, &second)),
        ("direct 0 -6", path(0.0, -6.0, &Response::Direct)),
        ("rir1 120 0 clip", path(120.0, 0.0, &first).speaker_limit(0.5)),
        ("rir2 200 -6", path(200.0, -6.0, &second)),
        ("rir2 40 6 clip", path(40.0, 6.0, &second).speaker_limit(0.67)),
    ];
    for (voice, far) in &agents {
        for (room, echo) in &rooms {
            let mic = Mic::Room { echo: Some(echo.clone()), user: None };
            scenes.push(Scene { group: "greeting", name: format!("{voice} {room}"), far: far.clone(), mic });
        }
    }
    let mut n = 0;
    for (group, levels, rooms) in [
        ("usual echo", [-20.0, -26.0, -30.0], &rooms[..3]),
        ("loud echo", [-17.0, -20.0, -23.0], &rooms[3..]),
    ] {
        for (room, echo) in rooms {
            for at in [310, 620, 1_030, 1_540, 2_050, 2_860, 3_770] {
                for level in levels {
                    n += 1;
                    let (word, clip) = &users[n * 7 % users.len()];
                    let (voice, far) = &agents[(n + n / 9) % agents.len()];
                    let gain = 10f32.powf((level - active_db(clip)) / 20.0);
                    let clip = Clip::new(clip.iter().map(|x| x * gain).collect::<Vec<_>>(), RATE as u32)?;
                    let name = format!("{word} {level} dB over {voice} at {at}, {room}");
                    let mic = Mic::Room { echo: Some(echo.clone()), user: Some((clip, at)) };
                    let mut far = far.clone();
                    far.truncate((at as usize + 2_500) * RATE / 1000);
                    // The echo of the first words of a call is not known yet.
                    let group = if at < KNOWN_MS { "first words" } else { group };
                    scenes.push(Scene { group, name, far, mic });
                }
            }
        }
    }
    for (i, (word, clip)) in users.iter().enumerate() {
        let gain = 10f32.powf((-24.0 - active_db(clip)) / 20.0);
        let clip = Clip::new(clip.iter().map(|x| x * gain).collect::<Vec<_>>(), RATE as u32)?;
        let (voice, far) = &agents[i % agents.len()];
        let mut far = far.clone();
        far.truncate(4 * RATE);
        let mic = Mic::Room { echo: None, user: Some((clip, 1_000 + 37 * i as u64)) };
        scenes.push(Scene { group: "headphones", name: format!("{word} over {voice}"), far, mic });
    }
    Ok(scenes)
}

fn recorded(material: &Path) -> Fallible<Vec<Scene>> {
    let scene = |group, id: &str, onset| -> Fallible<Scene> {
        let read = |part| samples(&material.join(format!("echo/{id}_{part}.wav")));
        let mic = Mic::Recorded { samples: read("mic")?, onset };
        Ok(Scene { group, name: id.to_owned(), far: read("lpb")?, mic })
    };
    Ok(vec![
        scene("real echo", "9mkQhVtzTEy2hDk-6u2Sww_farend_singletalk", None)?,
        scene("real double", "DMTgmZwtgUilp4omPK7-OQ_doubletalk", Some(67_200))?,
    ])
}

/// Agents begin after 100 ms, at their first sound, at [`AGENT_DB`].
fn agents(material: &Path) -> Fallible<Vec<(String, Vec<f32>)>> {
    let files = [
        "speech/librispeech_1089-134686-0001.wav",
        "speech/jfk.wav",
        "speech/cheetah_test_en.wav",
        "speech/librivox/sense_and_sensibility_01_austen_64kb-0870.wav",
        "speech/librivox/sense_and_sensibility_01_austen_64kb-0890.wav",
        "kokoro/reference/kokoro_af_bella.wav",
        "kokoro/reference/kokoro_af_heart.wav",
        "kokoro/reference/kokoro_am_michael.wav",
        "kokoro/reference/kokoro_bf_emma.wav",
    ];
    let extra = std::env::var_os("AGENT").map(PathBuf::from);
    let paths = files.iter().map(|file| material.join(file)).chain(extra);
    paths
        .map(|path| {
            let voice = speech(&path, 60.0)?;
            let gain = 10f32.powf((AGENT_DB - active_db(&voice)) / 20.0);
            let mut far = vec![0.0; RATE / 10];
            // Long enough for every scene.
            while far.len() < 7 * RATE {
                far.extend(voice.iter().map(|x| x * gain));
            }
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let name = stem.chars().skip(stem.chars().count().saturating_sub(14)).collect();
            Ok((name, far))
        })
        .collect()
}

/// Short words and the beginnings of sentences, from their first sound on.
fn users(material: &Path) -> Fallible<Vec<(String, Vec<f32>)>> {
    let sentences = [
        "speech/whatstheweatherlike.wav",
        "speech/livekit_hello_world.wav",
        "speech/livekit_weather_question.wav",
        "speech/librispeech_1221-135766-0002_8k.wav",
        "speech/librivox/sense_and_sensibility_01_austen_64kb-0880.wav",
        "speech/jfk.wav",
        "speech/cheetah_test_en.wav",
    ];
    let mut paths: Vec<PathBuf> = sentences.iter().map(|file| material.join(file)).collect();
    let mut digits: Vec<PathBuf> = std::fs::read_dir(material.join("speech/digits"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    digits.retain(|path| path.extension().is_some_and(|ext| ext == "wav"));
    digits.sort();
    paths.extend(digits.into_iter().step_by(4));
    let builtin = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/builtin/caller"));
    paths.extend(
        ["stop", "stop-what-time-is-it", "turn-on-the-kitchen-lights"]
            .map(|n| builtin.join(format!("{n}.wav"))),
    );
    paths
        .into_iter()
        .map(|path| {
            let clip = speech(&path, 2.0)?;
            Ok((path.file_stem().unwrap_or_default().to_string_lossy().chars().take(20).collect(), clip))
        })
        .collect()
}

/// A recording at [`RATE`].
fn samples(path: &Path) -> Fallible<Vec<f32>> {
    Ok(Clip::from_wav(path)?.at_rate(RATE as u32)?.samples().to_vec())
}

/// A recording from its first word on.
fn speech(path: &Path, seconds: f32) -> Fallible<Vec<f32>> {
    Ok(Clip::from_wav(path)?.trimmed(seconds).at_rate(RATE as u32)?.samples().to_vec())
}

/// Level of the blocks within 25 dB of the loudest, in dB of full scale.
fn active_db(samples: &[f32]) -> f32 {
    let powers: Vec<f32> =
        samples.chunks_exact(BLOCK).map(|b| b.iter().map(|x| x * x).sum::<f32>() / BLOCK as f32).collect();
    let loudest = powers.iter().fold(0.0f32, |a, p| a.max(*p));
    let active: Vec<f32> = powers.into_iter().filter(|p| *p > loudest * 0.003_162).collect();
    10.0 * (active.iter().sum::<f32>() / active.len().max(1) as f32).max(1e-10).log10()
}
