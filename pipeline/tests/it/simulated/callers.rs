//! A caller with a real voice and an agent that answers, in a reverberant and noisy room.

use crate::wav::bytes::material;
use duologue_pipeline::endpoint::simulated::{
    Caller, Clip, EchoPath, Noise, NoiseKind, NoiseLevel, Response, SimulatedRoom, SimulatedRoomConfig, When,
};
use duologue_pipeline::endpoint::{Exchange, Flow, Rates};

/// An agent that speaks a fixed answer after the caller, and ducks and stops when told to.
#[test]
fn conversation_does_not_get_stuck_and_its_truth_is_the_agents() {
    let [Some(question), Some(answer), Some(rir)] = [
        material("speech/livekit_hello_world.wav"),
        material("kokoro/reference/kokoro_af_heart.wav"),
        material("rir/rir1.wav"),
    ] else {
        return;
    };
    let rates = Rates { capture: 48_000, playback: 24_000 };
    let question = Clip::from_wav(question).unwrap();
    let answer = Clip::from_wav(answer).unwrap();
    assert_eq!(answer.rate(), 24_000);
    let mut config = SimulatedRoomConfig::new(rates);
    config.caller = Caller::new()
        .says(question.clone(), When::At(300))
        .says(question.clone(), When::AfterAgentSpeech(900))
        .says(question, When::AfterAgentSilence(700));
    config.echo = Some(EchoPath::new(35.0, -18.0).response(Response::Recorded(Clip::from_wav(rir).unwrap())));
    config.noise = Some(Noise { kind: NoiseKind::Pink, level: NoiseLevel::SnrDb(25.0) });
    let (mut room, log) = SimulatedRoom::new(config).unwrap();

    let (mut played, mut captured) = ([0.0; 240], [0.0; 480]);
    let mut answered = 0;
    let mut said = answer.samples().len();
    let mut blocks = 0;
    while room.exchange(&played, &mut captured).unwrap() == Flow::Continue {
        blocks += 1;
        assert!(blocks < 6_000, "stuck at {:?}", log.items());
        let items = log.items();
        let speaking = items.last().is_some_and(|i| i.end.is_none());
        let ended = items.iter().filter(|i| i.end.is_some()).count();
        if ended > answered {
            (answered, said) = (ended, 0);
        }
        // Polite: yields at once.
        let n = if speaking { 0 } else { (answer.samples().len() - said).min(240) };
        played.fill(0.0);
        played[..n].copy_from_slice(&answer.samples()[said..said + n]);
        said = if speaking { answer.samples().len() } else { said + n };
    }
    let items = log.items();
    assert_eq!(items.len(), 3);
    let onset = log.agent().iter().map(|s| s.start).find(|s| *s > items[0].end.unwrap()).unwrap();
    assert_eq!(items[1].start, onset + 48 * 900, "interrupted 900 ms into the answer");
    let silent = log.time_until_silent(items[1].start).unwrap();
    assert!(silent.as_millis() <= 20, "a polite agent is silent within two blocks: {silent:?}");
    let last = log.agent().iter().map(|s| s.end).rfind(|e| *e <= items[2].start).unwrap();
    assert_eq!(items[2].start, last + 48 * 700);
}

/// Prints how much faster than real time the room is. Run it in release:
/// `cargo test --release -p duologue-pipeline --test it -- --ignored --nocapture simulated::callers`.
#[test]
#[ignore = "prints figures"]
fn room_speed() {
    let tone: Vec<f32> = (0..240).map(|i| (i as f32 * 0.1).sin() * 0.3).collect();
    let clip = Clip::new(vec![0.1; 48_000], 48_000).unwrap();
    let plain = EchoPath::new(40.0, -20.0);
    let reverberant = plain.clone().response(Response::Decay { rt60_ms: 500, direct_db: 3.0 });
    for (name, capture, echo) in [
        ("48 kHz, direct echo", 48_000, plain.clone()),
        ("16 kHz, direct echo", 16_000, plain),
        ("48 kHz, 500 ms response", 48_000, reverberant.clone()),
        ("16 kHz, 500 ms response", 16_000, reverberant),
    ] {
        let mut config = SimulatedRoomConfig::new(Rates { capture, playback: 24_000 });
        config.caller = Caller::new().says(clip.clone(), When::At(1_000));
        config.echo = Some(echo);
        config.noise = Some(Noise { kind: NoiseKind::Pink, level: NoiseLevel::Dbfs(-50.0) });
        let (mut room, _) = SimulatedRoom::new(config).unwrap();
        let mut captured = vec![0.0; capture as usize / 100];
        let start = std::time::Instant::now();
        for _ in 0..60_000 {
            room.exchange(&tone, &mut captured).unwrap();
        }
        println!("{name}: {:.0} × real time", 600.0 / start.elapsed().as_secs_f64());
    }
}
