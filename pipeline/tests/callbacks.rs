//! Audio callbacks must not allocate, free, lock or enter the kernel, whatever they are told.
//!
//! Allocations and frees are counted. System calls are counted by the kernel: the callbacks run
//! between two marks in a child process under `strace`, where it is installed; without it that test
//! says so. Locks are excluded by construction: neither ring nor control contains one, and a lock
//! that is waited for is a system call.

use std::process::Command;

use allocation_counter::measure;
use duologue_pipeline::capture::capture_ring;
use duologue_pipeline::playback::{
    Epoch, PlaybackConfig, PlaybackControl, PlaybackStatus, PlaybackWriter, Renderer, playback_ring,
};
use duologue_pipeline::reference::ReferenceReader;

/// Says to a child process that it is one.
const CHILD: &str = "DUOLOGUE_TEST_CALLBACKS";

struct Output {
    writer: PlaybackWriter,
    control: PlaybackControl,
    renderer: Renderer,
    reference: ReferenceReader,
}

fn output() -> Output {
    let config = PlaybackConfig { capacity_ms: 300, reference_ms: 100, ..PlaybackConfig::new(48_000) };
    let (writer, control, renderer, reference) = playback_ring(&config).unwrap();
    Output { writer, control, renderer, reference }
}

/// Every order in every state, with callbacks of many sizes, underruns, stale blocks, and an ear that
/// does not read.
fn conversation(output: &mut Output, render: &mut dyn FnMut(&mut Renderer, &mut [f32])) {
    let samples = [0.25; 4_000];
    let mut out = [0.0; 2_048];
    let orders: [fn(&PlaybackControl); 6] = [
        PlaybackControl::duck,
        PlaybackControl::hold,
        PlaybackControl::resume,
        PlaybackControl::restore,
        PlaybackControl::stop,
        |_| {},
    ];
    for turn in 1..400 {
        let epoch = Epoch(turn);
        output.control.begin(epoch);
        for (i, order) in orders.iter().enumerate() {
            output.writer.push(epoch, &samples[..(turn as usize * 37 + i * 611) % 4_000]);
            order(&output.control);
            for size in [1, 64, 480, 511, 1_024, 2_048] {
                render(&mut output.renderer, &mut out[..size]);
            }
        }
        // Stale at once: many marks to skip.
        for _ in 0..(turn % 50) {
            output.writer.push(Epoch(turn + 1), &samples[..64]);
        }
        assert!(output.writer.finish(epoch));
        if turn % 3 == 0 {
            output.reference.read(&mut out);
        }
    }
}

#[test]
fn rendering_does_not_allocate_or_free() {
    let mut output = output();
    let mut total = 0;
    conversation(&mut output, &mut |renderer, out| {
        let heap = measure(|| renderer.render(out));
        total += heap.count_total + heap.count_current.unsigned_abs();
    });
    assert_eq!(total, 0);
    let status: PlaybackStatus = output.control.status();
    assert!(status.underruns > 100 && status.device_samples > 1_000_000, "{status:?}");
}

#[test]
fn capturing_does_not_allocate_or_free() {
    let (mut writer, mut reader) = capture_ring(48_000, 100);
    let mut samples = [0.5; 2_048];
    samples[100] = f32::NAN;
    let mut out = [0.0; 4_096];
    for i in 0..3_000 {
        let heap = measure(|| writer.push(&samples[i % 101..][..1 + i % 1_900]));
        assert_eq!((heap.count_total, heap.count_current), (0, 0));
        if i % 7 == 0 {
            reader.read(&mut out);
        }
    }
    let stats = reader.stats();
    assert!(stats.dropped > 0 && stats.not_finite > 0, "{stats:?}");
}

#[test]
fn orders_and_status_do_not_allocate() {
    let Output { control, mut renderer, .. } = output();
    let mut out = [0.0; 480];
    let heap = measure(|| {
        for epoch in 1..1_000 {
            control.begin(Epoch(epoch));
            control.duck();
            control.hold();
            renderer.render(&mut out);
            control.resume();
            control.stop();
            assert!(control.status().epoch.0 <= epoch && control.epoch() == Epoch(epoch));
        }
    });
    assert_eq!(heap.count_total, 0);
}

/// The child's part of the next test: marks, callbacks, marks.
#[test]
fn callbacks_between_two_marks() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut output = output();
    let (mut writer, _reader) = capture_ring(48_000, 100);
    // Touch every page first: a first touch is a fault of the test, not of a callback.
    conversation(&mut output, &mut |renderer, out| renderer.render(out));
    let mark = |name: &str| drop(std::fs::metadata(name));
    // The first failing one of a process makes a second call, to learn whether the kernel knows the first.
    mark("/mark-nothing");
    mark("/mark-begin");
    for _ in 0..2_000 {
        output.control.hold();
        output.renderer.render(&mut [0.0; 480]);
        writer.push(&[0.1; 480]);
        output.control.resume();
        output.renderer.render(&mut [0.0; 480]);
        let _ = output.control.status();
    }
    mark("/mark-end");
}

#[test]
fn callbacks_do_not_enter_the_kernel() {
    let traced = Command::new("strace")
        .args(["-f", "-qq"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "callbacks_between_two_marks", "--test-threads=1"])
        .env(CHILD, "1")
        .output();
    let trace = match traced {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(e) => {
            eprintln!("SKIPPED: system calls are not counted: strace: {e}");
            return;
        }
    };
    let Some((_, after)) = trace.split_once("/mark-begin") else {
        eprintln!("SKIPPED: system calls are not counted: strace may not trace here: {trace:.200}");
        return;
    };
    let between = after.split_once("/mark-end").expect("the child reached its end").0;
    // The rest of the first mark's line, and the beginning of the second's.
    let calls: Vec<&str> = between.lines().skip(1).filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(calls.len(), 1, "system calls in a callback: {calls:#?}");
}
