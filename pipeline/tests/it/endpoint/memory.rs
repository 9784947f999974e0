//! The endpoint in memory keeps every sample or counts what it lost, and outlives any side.

use duologue_pipeline::ErrorKind;
use duologue_pipeline::endpoint::{Exchange, Flow, MemoryConfig, Rates, memory};
use std::time::Duration;

const RATES: Rates = Rates { capture: 16_000, playback: 24_000 };
const LONG: Duration = Duration::from_secs(20);

fn config(capacity_ms: u32, patience: Duration) -> MemoryConfig {
    MemoryConfig { capacity_ms, patience, ..MemoryConfig::new(RATES) }
}

#[test]
fn endpoint_dropped_midway_does_not_hang_its_user() {
    let (endpoint, input, output) = memory(config(20, LONG)).unwrap();
    assert_eq!(input.push(&[0.5; 320]).unwrap(), 320);
    let pusher = {
        let input = input.clone();
        std::thread::spawn(move || input.push_all(&[0.5; 320], LONG))
    };
    let puller = std::thread::spawn(move || output.pull_for(&mut [0.0; 240], LONG));
    drop(endpoint);
    assert_eq!(pusher.join().unwrap().err().unwrap().kind(), ErrorKind::Closed);
    assert_eq!(puller.join().unwrap().err().unwrap().kind(), ErrorKind::Closed);
    assert_eq!(input.push(&[0.5]).err().unwrap().kind(), ErrorKind::Closed);
}

#[test]
fn what_was_played_last_is_not_lost_with_the_endpoint() {
    let (mut endpoint, _input, output) = memory(config(1_000, Duration::ZERO)).unwrap();
    endpoint.exchange(&[0.25; 240], &mut [0.0; 160]).unwrap();
    drop(endpoint);
    let mut out = [0.0; 500];
    assert_eq!(output.pull(&mut out).unwrap(), 240);
    assert_eq!(output.pull(&mut out).err().unwrap().kind(), ErrorKind::Closed);
}

#[test]
fn user_that_has_gone_does_not_stop_the_pipeline() {
    let (mut endpoint, input, output) = memory(config(20, LONG)).unwrap();
    input.push(&[0.5; 200]).unwrap();
    drop((input, output));
    let mut captured = [0.0; 160];
    let flows: Vec<Flow> = (0..4).map(|_| endpoint.exchange(&[0.5; 240], &mut captured).unwrap()).collect();
    assert_eq!(flows, [Flow::Continue, Flow::Continue, Flow::Ended, Flow::Ended]);
    assert_eq!(endpoint.counters().starved, 0);
    assert_eq!(endpoint.counters().play_dropped, 0, "nobody is left to miss them");
}

#[test]
fn overflow_is_counted_on_both_sides() {
    let (mut endpoint, input, output) = memory(config(20, Duration::ZERO)).unwrap();
    assert_eq!(input.push(&[0.5; 400]).unwrap(), 320);
    assert_eq!(input.dropped(), 80);
    for block in 0..3 {
        endpoint.exchange(&[block as f32 / 4.0; 240], &mut [0.0; 160]).unwrap();
    }
    assert_eq!(output.dropped(), 240, "the oldest block had to go");
    let mut out = [0.0; 480];
    assert_eq!(output.pull(&mut out).unwrap(), 480);
    assert_eq!((out[0], out[479]), (0.25, 0.5));
    let counters = endpoint.counters();
    assert_eq!((counters.push_dropped, counters.starved, counters.play_dropped), (80, 160, 240));
}

#[test]
fn starved_exchange_is_silence_and_counted() {
    let (mut endpoint, input, _output) = memory(config(1_000, Duration::ZERO)).unwrap();
    input.push(&[0.5; 100]).unwrap();
    let mut captured = [9.0; 160];
    assert_eq!(endpoint.exchange(&[0.0; 240], &mut captured).unwrap(), Flow::Continue);
    assert_eq!((captured[99], captured[100]), (0.5, 0.0));
    assert_eq!(endpoint.counters().starved, 60);
}

#[test]
fn full_endpoint_makes_its_user_wait_and_says_how_far_it_came() {
    let (_endpoint, input, _output) = memory(config(20, Duration::ZERO)).unwrap();
    let error = input.push_all(&[0.5; 400], Duration::from_millis(1)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("320 of 400 samples"), "{error}");
    assert_eq!(input.dropped(), 0);
}

#[test]
fn nothing_is_lost_between_threads_that_wait_for_each_other() {
    let (mut endpoint, input, output) = memory(config(30, LONG)).unwrap();
    let total = 16_000;
    let pusher = std::thread::spawn(move || {
        let samples: Vec<f32> = (0..total).map(|i| i as f32 / 65_536.0).collect();
        samples.chunks(333).for_each(|piece| input.push_all(piece, LONG).unwrap());
    });
    let puller = std::thread::spawn(move || {
        let (mut all, mut out) = (Vec::new(), [0.0; 777]);
        while let Ok(n) = output.pull_for(&mut out, LONG) {
            all.extend_from_slice(&out[..n]);
        }
        all
    });
    let (mut heard, mut played, mut captured) = (Vec::new(), [0.0; 240], [0.0; 160]);
    while endpoint.exchange(&played, &mut captured).unwrap() == Flow::Continue {
        heard.extend_from_slice(&captured);
        played.fill(heard.len() as f32 / 65_536.0);
    }
    assert_eq!(endpoint.counters(), Default::default());
    drop(endpoint);
    pusher.join().unwrap();
    assert_eq!(heard, (0..total).map(|i| i as f32 / 65_536.0).collect::<Vec<f32>>());
    let played = puller.join().unwrap();
    assert_eq!(played.len(), (total / 160 + 1) as usize * 240);
    assert!(played.is_sorted(), "in order");
}

#[test]
fn closed_input_is_the_end_for_every_clone() {
    let (mut endpoint, input, _output) = memory(config(20, LONG)).unwrap();
    let clone = input.clone();
    input.close();
    assert_eq!(clone.push(&[0.5]).err().unwrap().kind(), ErrorKind::Closed);
    assert_eq!(endpoint.exchange(&[0.0; 240], &mut [0.0; 160]).unwrap(), Flow::Ended);
}

#[test]
fn impossible_configurations_are_refused_by_key() {
    let rates = Rates { capture: 11_025, ..RATES };
    let refused = [
        (MemoryConfig::new(rates), "rates.capture"),
        (MemoryConfig { capacity_ms: 19, ..MemoryConfig::new(RATES) }, "capacity_ms"),
    ];
    for (config, key) in refused {
        let error = memory(config).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(key), "{error}");
    }
}
