//! Cancelling a run from another thread.
//!
//! `data/loop.onnx` adds 1 to `start` as often as `n` says, in an ONNX `Loop`: a run as long as a test wants, in 265 bytes.

use std::{sync::mpsc, thread, time::Duration};

use duologue_native::{
    ErrorKind,
    onnx::{Cancel, ElementKind::F32, ElementKind::I64, Session, SessionOptions, TensorView},
};

use crate::common;

fn session() -> Option<Session> {
    common::natives()?;
    Some(
        Session::from_bytes("loop.onnx", include_bytes!("data/loop.onnx"), &SessionOptions::default())
            .unwrap(),
    )
}

fn count_to(session: &Session, n: i64, cancel: &Cancel) -> duologue_native::Result<f32> {
    let n = [n];
    let inputs = [("n", TensorView::i64(&[1], &n)), ("start", TensorView::f32(&[1], &[0.0]))];
    session.run(&inputs, &["end"], cancel).map(|out| out[0].f32s().unwrap()[0])
}

/// Minutes of work, so that a run that is not cancelled shows as a wrong result and not as a hang.
const LONG: i64 = 200_000_000;

#[test]
fn run_in_progress_does_not_go_on() {
    let Some(session) = session() else { return };
    assert_eq!(count_to(&session, 1_000, &Cancel::new()).unwrap(), 1_000.0);
    let cancel = Cancel::new();
    thread::scope(|scope| {
        let run = scope.spawn(|| count_to(&session, LONG, &cancel));
        // Long enough for the run to have begun; if not, this tests the other path, and is right too.
        thread::sleep(Duration::from_millis(200));
        cancel.cancel();
        assert_eq!(run.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    });
    assert_eq!(count_to(&session, 10, &Cancel::never()).unwrap(), 10.0, "the session is spoilt");
}

#[test]
fn cancelling_one_run_does_not_cancel_another() {
    let Some(session) = session() else { return };
    let (mine, other) = (Cancel::new(), Cancel::new());
    thread::scope(|scope| {
        let long = scope.spawn(|| count_to(&session, LONG, &mine));
        let short = scope.spawn(|| count_to(&session, 500_000, &other));
        mine.cancel();
        assert_eq!(long.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(short.join().unwrap().unwrap(), 500_000.0);
    });
}

#[test]
fn bound_run_in_progress_does_not_go_on() {
    let Some(session) = session() else { return };
    let session = std::sync::Arc::new(session);
    let mut binding = session.bind(&[("n", &[1], I64), ("start", &[1], F32)], &[("end", &[1], F32)]).unwrap();
    binding.input_i64(0)[0] = LONG;
    let cancel = Cancel::new();
    let (started, begins) = mpsc::channel();
    let thread_cancel = cancel.clone();
    let run = thread::spawn(move || {
        started.send(()).unwrap();
        let result = binding.run_with(&thread_cancel);
        binding.input_i64(0)[0] = 7;
        binding.run().unwrap();
        (result, binding.output_f32(0)[0])
    });
    begins.recv().unwrap();
    thread::sleep(Duration::from_millis(100));
    cancel.cancel();
    let (result, after) = run.join().unwrap();
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(after, 7.0, "the binding is spoilt");
}

#[test]
fn switch_thrown_while_a_run_begins_is_not_lost() {
    let Some(session) = session() else { return };
    for _ in 0..200 {
        let cancel = Cancel::new();
        thread::scope(|scope| {
            let run = scope.spawn(|| count_to(&session, LONG, &cancel));
            cancel.cancel();
            assert_eq!(run.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
        });
    }
}
