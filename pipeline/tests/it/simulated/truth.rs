//! The simulated room is what its configuration says, to the sample and the decibel.

use crate::wav::bytes::material;
use duologue_pipeline::ErrorKind;
use duologue_pipeline::endpoint::simulated::{
    Caller, Clip, EchoPath, Item, Noise, NoiseKind, NoiseLevel, Recording, Response, SimulatedRoom,
    SimulatedRoomConfig, SimulatedRoomLog, When,
};
use duologue_pipeline::endpoint::{Exchange, Flow, Rates};
use duologue_pipeline::wav::WavReader;

const RATE: u32 = 16_000;
const SAME: Rates = Rates { capture: RATE, playback: RATE };

fn clip(level: f32, n: usize) -> Clip {
    Clip::new(vec![level; n], RATE).unwrap()
}

/// Deterministic white noise within ±0.5.
fn white(n: usize) -> Vec<f32> {
    (0..n as u32)
        .map(|i| ((i.wrapping_mul(2_654_435_761) ^ (i >> 3)).wrapping_mul(0x9E37_79B1) as f32 / 4.3e9) - 0.5)
        .collect()
}

/// Plays `agent` (as long as `ms` asks, then silence) and gives what was captured.
fn run(config: SimulatedRoomConfig, agent: &[f32], ms: usize) -> (Vec<f32>, SimulatedRoomLog) {
    let rates = config.rates;
    let (mut room, log) = SimulatedRoom::new(config).unwrap();
    let (np, nc) = ((rates.playback / 100) as usize, (rates.capture / 100) as usize);
    let mut all = Vec::new();
    for block in 0..ms / 10 {
        let mut played = vec![0.0; np];
        let rest = agent.get(block * np..).unwrap_or_default();
        let n = rest.len().min(np);
        played[..n].copy_from_slice(&rest[..n]);
        let mut captured = vec![9.0; nc];
        room.exchange(&played, &mut captured).unwrap();
        all.extend(captured);
    }
    room.finish().unwrap();
    (all, log)
}

fn db(samples: &[f32]) -> f32 {
    let power: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    10.0 * power.log10() as f32
}

/// Silence with the agent audible in these ranges of samples.
fn agent(ranges: &[(usize, usize)]) -> Vec<f32> {
    let mut samples = vec![0.0; ranges.iter().map(|r| r.1).max().unwrap_or(0)];
    ranges.iter().for_each(|r| samples[r.0..r.1].fill(0.25));
    samples
}

fn starts(caller: Caller, agent: &[f32], ms: usize) -> Vec<u64> {
    let (captured, log) = run(SimulatedRoomConfig { caller, ..SimulatedRoomConfig::new(SAME) }, agent, ms);
    for item in log.items() {
        if let Some(end) = item.end {
            assert!(
                captured[item.start as usize..end as usize].iter().all(|s| *s != 0.0),
                "it is said there"
            );
        }
    }
    log.items().iter().map(|i| i.start).collect()
}

#[test]
fn timeline_is_not_off_by_a_sample() {
    let caller = Caller::new()
        .says(clip(0.5, 1_001), When::At(25))
        .says(clip(0.5, 10), When::Gap(3))
        .says(clip(0.5, 10), When::Gap(0))
        .says(clip(0.5, 10), When::At(1));
    assert_eq!(starts(caller, &[], 500), [400, 1_401 + 48, 1_459, 1_469]);
}

#[test]
fn answer_after_silence_is_not_off_by_a_sample() {
    // The pause of 20 ms inside does not count.
    let played = agent(&[(777, 1_900), (2_220, 4_003)]);
    let caller = Caller::new().says(clip(0.5, 100), When::AfterAgentSilence(30));
    assert_eq!(starts(caller, &played, 1_000), [4_003 + 480]);
    // Silence that lasts less than a block, in the middle of one.
    let played = agent(&[(800, 810), (830, 1_000)]);
    let caller = Caller::new().says(clip(0.5, 100), When::AfterAgentSilence(1));
    assert_eq!(starts(caller, &played, 1_000), [826]);
}

#[test]
fn interruption_is_not_off_by_a_sample() {
    let played = agent(&[(777, 9_000)]);
    for ms in [0, 1, 7, 10, 250] {
        let caller = Caller::new().says(clip(0.5, 100), When::AfterAgentSpeech(ms));
        assert_eq!(starts(caller, &played, 1_000), [777 + ms * 16]);
    }
}

#[test]
fn script_does_not_take_old_speech_for_an_answer() {
    let played = agent(&[(0, 800), (8_000, 9_600), (14_000, 15_000)]);
    let caller = Caller::new()
        .says(clip(0.5, 160), When::At(100))
        .says(clip(0.5, 160), When::AfterAgentSilence(100))
        .says(clip(0.5, 160), When::AfterAgentSpeech(10));
    assert_eq!(starts(caller, &played, 1_500), [1_600, 9_600 + 1_600, 14_160]);
}

#[test]
fn agent_that_never_speaks_does_not_hold_up_a_patient_caller() {
    let caller = Caller::new().item(Item::new(clip(0.5, 100), When::AfterAgentSilence(500)).patience_ms(300));
    assert_eq!(starts(caller, &[], 1_000), [4_800]);
    let waiting = Caller::new().says(clip(0.5, 100), When::AfterAgentSpeech(0));
    let (captured, log) =
        run(SimulatedRoomConfig { caller: waiting, ..SimulatedRoomConfig::new(SAME) }, &[], 1_000);
    assert!(!log.caller_done() && log.items().is_empty());
    assert_eq!(captured, vec![0.0; 16_000]);
}

#[test]
fn reaction_is_exact_between_different_rates() {
    let rates = Rates { capture: 48_000, playback: 24_000 };
    let caller = Caller::new().says(Clip::new(vec![0.5; 480], 48_000).unwrap(), When::AfterAgentSpeech(50));
    let mut played = vec![0.0; 24_000];
    played[1_001..].fill(0.25);
    let (_, log) = run(SimulatedRoomConfig { caller, ..SimulatedRoomConfig::new(rates) }, &played, 500);
    assert_eq!(log.agent()[0].start, 2_002);
    assert_eq!(log.items()[0].start, 2_002 + 2_400);
}

#[test]
fn end_comes_after_the_last_word_and_not_before() {
    let caller = Caller::new().says(clip(0.5, 160), When::At(10));
    let (mut room, log) =
        SimulatedRoom::new(SimulatedRoomConfig { caller, ..SimulatedRoomConfig::new(SAME) }).unwrap();
    let mut captured = [0.0; 160];
    let flows: Vec<Flow> = (0..4).map(|_| room.exchange(&[0.0; 160], &mut captured).unwrap()).collect();
    assert_eq!(flows, [Flow::Continue, Flow::Continue, Flow::Continue, Flow::Ended]);
    assert!(log.caller_done());
    assert_eq!(log.now(), 640);
}

#[test]
fn same_seed_is_not_a_different_room() {
    let build = |seed| {
        let mut config = SimulatedRoomConfig::new(Rates { capture: 16_000, playback: 24_000 });
        config.caller = Caller::new().says(clip(0.2, 4_000), When::AfterAgentSpeech(100));
        config.noise = Some(Noise { kind: NoiseKind::Babble, level: NoiseLevel::SnrDb(10.0) });
        config.echo = Some(
            EchoPath::new(60.0, -20.0)
                .response(Response::Decay { rt60_ms: 300, direct_db: 3.0 })
                .speaker_limit(0.4),
        );
        SimulatedRoomConfig { seed, ..config }
    };
    let played = white(24_000);
    let (first, log) = run(build(7), &played, 2_000);
    let (second, again) = run(build(7), &played, 2_000);
    assert_eq!(first, second);
    assert_eq!(log.items(), again.items());
    assert_ne!(first, run(build(8), &played, 2_000).0);
}

#[test]
fn echo_is_not_louder_later_or_earlier_than_configured() {
    let played = white(32_000);
    for (delay_ms, gain_db) in [(0.0, -6.0), (12.5, -20.0), (180.0, -40.0)] {
        let config = SimulatedRoomConfig {
            echo: Some(EchoPath::new(delay_ms, gain_db)),
            ..SimulatedRoomConfig::new(SAME)
        };
        let (captured, _) = run(config, &played, 2_000);
        let delay = (delay_ms * 16.0) as usize;
        let gain = 10f32.powf(gain_db / 20.0);
        assert!(captured[..delay].iter().all(|s| *s == 0.0));
        for (echo, original) in captured[delay..].iter().zip(&played) {
            assert!((echo - original * gain).abs() < 1e-6);
        }
    }
}

#[test]
fn reverberation_does_not_change_the_configured_level() {
    let mut responses = vec![
        Response::Decay { rt60_ms: 50, direct_db: 10.0 },
        Response::Decay { rt60_ms: 600, direct_db: 0.0 },
    ];
    for name in ["rir/rir1.wav", "rir/rir2.wav"] {
        responses.extend(material(name).map(|path| Response::Recorded(Clip::from_wav(path).unwrap())));
    }
    let played = white(80_000);
    for response in responses {
        let echo = EchoPath::new(20.0, -15.0).response(response.clone());
        let (captured, _) =
            run(SimulatedRoomConfig { echo: Some(echo), ..SimulatedRoomConfig::new(SAME) }, &played, 5_000);
        let level = db(&captured[32_000..]) - db(&played[32_000..]);
        assert!((level + 15.0).abs() < 1.0, "{level} dB");
        assert!(db(&captured[..320]) < -60.0, "nothing before the delay");
    }
}

#[test]
fn conversion_does_not_move_the_echo() {
    let rates = Rates { capture: 16_000, playback: 48_000 };
    let mut played = vec![0.0; 48_000];
    // A smooth pulse around sample 24,000: 8,000 at the capture rate.
    for (i, s) in played[23_400..24_601].iter_mut().enumerate() {
        *s = 0.25 - 0.25 * (std::f32::consts::TAU * i as f32 / 1_200.0).cos();
    }
    let config =
        SimulatedRoomConfig { echo: Some(EchoPath::new(100.0, -6.0206)), ..SimulatedRoomConfig::new(rates) };
    let (captured, _) = run(config, &played, 1_000);
    let peak = (0..16_000).max_by(|a, b| captured[*a].total_cmp(&captured[*b])).unwrap();
    assert!((9_599..=9_601).contains(&peak), "peak at {peak}");
    assert!((captured[peak] - 0.25).abs() < 0.002, "{}", captured[peak]);
}

#[test]
fn no_pair_of_rates_is_a_panic_or_moves_the_agent() {
    for (capture, playback) in
        [(8_100, 16_000), (44_100, 24_000), (16_000, 44_100), (192_000, 8_000), (11_000, 12_300)]
    {
        let rates = Rates { capture, playback };
        let mut played = vec![0.0; playback as usize / 2];
        played.extend((0..playback / 2).map(|i| (i as f32 * 400.0 / playback as f32).sin() * 0.5));
        let config = SimulatedRoomConfig {
            echo: Some(EchoPath::new(0.0, 0.0)),
            recording: Recording::Memory { seconds: 2 },
            ..SimulatedRoomConfig::new(rates)
        };
        let (captured, log) = run(config, &played, 1_000);
        assert_eq!(captured.len(), capture as usize);
        let agent = log.recorded().agent;
        let first = agent.iter().position(|s| s.abs() > 0.25).unwrap() as f32 / capture as f32;
        // The sine rises to half its height within π / 6 / 400 s.
        assert!((first - 0.5 - 0.001_31).abs() < 0.000_5, "{rates:?}: {first} s");
        assert!((log.agent()[0].start as f32 / capture as f32 - 0.5).abs() < 0.000_5);
    }
}

#[test]
fn overdriven_speakers_are_not_linear() {
    let echo = EchoPath::new(10.0, 0.0).speaker_limit(0.3);
    let (captured, _) =
        run(SimulatedRoomConfig { echo: Some(echo), ..SimulatedRoomConfig::new(SAME) }, &[0.9, 0.03], 100);
    assert!((captured[160] - 0.3 * 3f32.tanh()).abs() < 1e-6);
    assert!((captured[161] - 0.03).abs() < 2e-4, "soft signals are left alone");
}

#[test]
fn noise_is_not_louder_than_configured() {
    let mut kinds = vec![NoiseKind::White, NoiseKind::Pink, NoiseKind::Babble];
    kinds.extend(
        material("noise/speechbrain_noise2.wav")
            .map(|path| NoiseKind::Recorded(Clip::from_wav(path).unwrap())),
    );
    for kind in kinds {
        let noise = Noise { kind: kind.clone(), level: NoiseLevel::Dbfs(-40.0) };
        let (captured, _) =
            run(SimulatedRoomConfig { noise: Some(noise), ..SimulatedRoomConfig::new(SAME) }, &[], 40_000);
        assert!((db(&captured) + 40.0).abs() < 0.5, "{kind:?}: {} dB", db(&captured));

        // A caller at −20 dBFS, silent two thirds of the time: what counts is when he speaks.
        let mut speech = vec![0.0; 48_000];
        speech[..16_000].fill(0.1);
        let caller = Caller::new().says(Clip::new(speech, RATE).unwrap(), When::At(0));
        let noise = Noise { kind, level: NoiseLevel::SnrDb(15.0) };
        let config = SimulatedRoomConfig {
            caller,
            noise: Some(noise),
            mic_gain_db: 6.0,
            ..SimulatedRoomConfig::new(SAME)
        };
        let (captured, _) = run(config, &[], 40_000);
        let level = db(&captured[48_000..]);
        assert!((level + 20.0 + 15.0 - 6.0).abs() < 0.7, "{level} dB");
    }
}

#[test]
fn noise_has_no_click_where_its_loop_begins_again() {
    let noise = Noise { kind: NoiseKind::Pink, level: NoiseLevel::Dbfs(-30.0) };
    let (captured, _) =
        run(SimulatedRoomConfig { noise: Some(noise), ..SimulatedRoomConfig::new(SAME) }, &[], 20_000);
    let step =
        |r: std::ops::Range<usize>| captured[r].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    assert!(step(127_990..128_010) <= step(0..127_000));
}

#[test]
fn loud_room_does_not_leave_full_scale() {
    let caller = Caller::new().item(Item::new(clip(0.9, 3_200), When::At(0)).gain_db(20.0));
    let config = SimulatedRoomConfig { caller, mic_gain_db: 20.0, ..SimulatedRoomConfig::new(SAME) };
    let (captured, _) = run(config, &[f32::NAN, f32::INFINITY], 500);
    assert!(captured.iter().all(|s| s.abs() <= 1.0));
}

#[test]
fn recording_is_not_out_of_step() {
    let dir = tempfile::tempdir().unwrap();
    let (conversation, mic) = (dir.path().join("both.wav"), dir.path().join("mic.wav"));
    for playback in [16_000, 48_000] {
        let rates = Rates { capture: 16_000, playback };
        let build = |recording| SimulatedRoomConfig {
            caller: Caller::new().says(clip(0.5, 1_600), When::AfterAgentSpeech(100)),
            echo: Some(EchoPath::new(50.0, -20.0)),
            recording,
            ..SimulatedRoomConfig::new(rates)
        };
        let mut played = vec![0.0; playback as usize / 10];
        played.extend(vec![0.25; playback as usize / 2]);

        let (captured, log) = run(build(Recording::Memory { seconds: 10 }), &played, 1_000);
        let recorded = log.recorded();
        assert_eq!(recorded.mic, captured);
        assert_eq!((recorded.caller.len(), recorded.agent.len()), (16_000, 16_000));
        let first = |s: &[f32]| s.iter().position(|s| s.abs() > 0.1).unwrap() as i64;
        assert!((first(&recorded.agent) - 1_600).abs() <= 2, "agent at {}", first(&recorded.agent));
        assert_eq!(first(&recorded.caller), 1_600 + 1_600);

        let files = Recording::Wav { conversation: conversation.clone(), mic: Some(mic.clone()) };
        run(build(files), &played, 1_000);
        let mut frames = vec![0.0; 32_000];
        let mut both = WavReader::open(&conversation).unwrap();
        assert_eq!(both.read_frames(&mut frames).unwrap(), 16_000);
        let close = |a: f32, b: f32| (a - b).abs() < 1e-4;
        assert!(frames.iter().step_by(2).zip(&recorded.caller).all(|(a, b)| close(*a, *b)), "caller left");
        assert!(
            frames.iter().skip(1).step_by(2).zip(&recorded.agent).all(|(a, b)| close(*a, *b)),
            "agent right"
        );
        assert_eq!(WavReader::open(&mic).unwrap().frames(), Some(16_000));
    }
}

#[test]
fn recording_does_not_fill_the_memory() {
    let config = SimulatedRoomConfig {
        recording: Recording::Memory { seconds: 1 },
        log_s: 1,
        ..SimulatedRoomConfig::new(SAME)
    };
    let (_, log) = run(config, &agent(&[(0, 60_000)]), 4_000);
    assert_eq!(log.recorded().mic.len(), 16_000);
    assert_eq!(log.time_until_silent(32_000), None, "beyond what the log holds");
    assert_eq!(log.now(), 64_000);
}

#[test]
fn delays_are_measured_from_what_was_really_played() {
    // A tone, ducked by 12 dB 83 ms and silent 260 ms after sample 16,000.
    let (from, ducked, silent) = (16_000, 16_000 + 83 * 16, 16_000 + 260 * 16);
    let played: Vec<f32> =
        (0..silent).map(|i| (i as f32 * 0.3).sin() * if i < ducked { 0.5 } else { 0.125 }).collect();
    let (_, log) = run(SimulatedRoomConfig::new(SAME), &played, 3_000);
    let ms = |d: Option<std::time::Duration>| d.map(|d| d.as_millis());
    assert_eq!(ms(log.time_until_ducked(from, 9.0)), Some(83));
    assert_eq!(ms(log.time_until_ducked(from, 15.0)), Some(260));
    assert_eq!(ms(log.time_until_silent(from)), Some(260));
    assert_eq!(ms(log.time_until_silent(40_000)), Some(0), "silent already");
    assert_eq!(log.time_until_silent(47_900), None, "not silent for long enough to know");
    let peak = log.agent_peak_dbfs(0, 16_000).unwrap();
    assert!((peak + 6.0).abs() < 0.1, "{peak} dBFS");
    assert_eq!(log.agent().len(), 1);
    assert!(log.agent()[0].start <= 2 && (log.agent()[0].end as i64 - silent as i64).abs() <= 2);
}

#[test]
fn pause_between_words_is_not_taken_for_a_duck() {
    let played = agent(&[(0, 16_500), (17_500, 24_000)]);
    let (_, log) = run(SimulatedRoomConfig::new(SAME), &played, 3_000);
    assert_eq!(log.time_until_ducked(16_000, 9.0).map(|d| d.as_millis()), Some(500));
}

#[test]
fn pause_between_words_does_not_split_a_stretch() {
    let played = agent(&[(1_000, 2_000), (2_000 + 3_199, 6_000), (6_000 + 3_200, 10_000)]);
    let (_, log) = run(SimulatedRoomConfig::new(SAME), &played, 1_000);
    let stretches: Vec<(u64, u64)> = log.agent().iter().map(|s| (s.start, s.end)).collect();
    assert_eq!(stretches, [(1_000, 6_000), (9_200, 10_000)], "200 ms are 3,200 samples");
}

#[test]
fn impossible_rooms_are_refused_by_key() {
    let base = || SimulatedRoomConfig::new(SAME);
    let noise = |level| Some(Noise { kind: NoiseKind::White, level });
    let silent_ir = Response::Recorded(clip(0.0, 100));
    let cases = [
        (SimulatedRoomConfig { rates: Rates { capture: 22_050, ..SAME }, ..base() }, "rates.capture"),
        (SimulatedRoomConfig { mic_gain_db: f32::NAN, ..base() }, "mic_gain_db"),
        (SimulatedRoomConfig { echo: Some(EchoPath::new(-1.0, 0.0)), ..base() }, "echo.delay_ms"),
        (
            SimulatedRoomConfig { echo: Some(EchoPath::new(1.0, 0.0).speaker_limit(0.0)), ..base() },
            "speaker_limit",
        ),
        (SimulatedRoomConfig { echo: Some(EchoPath::new(1.0, 0.0).response(silent_ir)), ..base() }, "silent"),
        (SimulatedRoomConfig { noise: noise(NoiseLevel::SnrDb(10.0)), ..base() }, "the caller says nothing"),
        (SimulatedRoomConfig { noise: noise(NoiseLevel::Dbfs(3.0)), ..base() }, "noise.level.dbfs"),
        (
            SimulatedRoomConfig { recording: Recording::Memory { seconds: 601 }, ..base() },
            "recording.seconds",
        ),
        (SimulatedRoomConfig { log_s: 0, ..base() }, "log_s"),
    ];
    for (config, key) in cases {
        let error = SimulatedRoom::new(config).err().unwrap();
        assert!(error.to_string().contains(key), "{key}: {error}");
    }
    let (mut room, _) = SimulatedRoom::new(base()).unwrap();
    assert_eq!(room.exchange(&[0.0; 80], &mut [0.0; 160]).err().unwrap().kind(), ErrorKind::Config);
}
