//! Sessions and bindings on the real Silero VAD.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use duologue_native::{
    ErrorKind,
    onnx::{
        Binding, Cancel,
        ElementKind::{F32, I64},
        Session, SessionOptions, TensorView,
    },
};

use crate::common;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts the allocations of each thread on the Rust side.
struct Counting;

// SAFETY: passes every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn silero() -> Option<Arc<Session>> {
    common::natives()?;
    let path = common::shared("material/vad/silero_vad_v6.2.1_16k_op15.onnx")?;
    Some(Arc::new(Session::load(&path, &SessionOptions::default()).unwrap()))
}

fn bind(session: &Arc<Session>) -> Binding {
    let inputs: [(&str, &[i64], _); 3] =
        [("input", &[1, 576], F32), ("state", &[2, 1, 128], F32), ("sr", &[], I64)];
    let mut binding =
        session.bind(&inputs, &[("output", &[1, 1], F32), ("stateN", &[2, 1, 128], F32)]).unwrap();
    binding.input_i64(2)[0] = 16_000;
    binding
}

fn tone() -> Vec<f32> {
    (0..576).map(|i| (i as f32 * 0.3).sin() * 0.5).collect()
}

#[test]
fn run_does_not_allocate() {
    let Some(session) = silero() else { return };
    let mut binding = bind(&session);
    binding.input_f32(0).copy_from_slice(&tone());
    let cancel = Cancel::new();
    binding.run_with(&cancel).unwrap();
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..100 {
        binding.input_f32(0)[7] += 0.01;
        binding.run_with(&cancel).unwrap();
        binding.swap(1, 1).unwrap();
        assert!(binding.output_f32(0)[0].is_finite());
    }
    assert!(before > 0, "nothing is counted");
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}

#[test]
fn binding_and_free_run_do_not_disagree() {
    let Some(session) = silero() else { return };
    let mut binding = bind(&session);
    let (tone, mut state) = (tone(), vec![0.0; 256]);
    for _ in 0..10 {
        binding.input_f32(0).copy_from_slice(&tone);
        binding.run().unwrap();
        let inputs = [
            ("input", TensorView::f32(&[1, 576], &tone)),
            ("state", TensorView::f32(&[2, 1, 128], &state)),
            ("sr", TensorView::i64(&[], &[16_000])),
        ];
        let out = session.run(&inputs, &["output", "stateN"], &Cancel::never()).unwrap();
        assert_eq!(out[0].f32s().unwrap(), binding.output_f32(0));
        state = out[1].f32s().unwrap().to_vec();
        assert_eq!(state, binding.output_f32(1));
        binding.swap(1, 1).unwrap();
    }
    assert!(state.iter().any(|&x| x != 0.0), "the state never changed");
}

#[test]
fn threads_do_not_disturb_each_other() {
    let Some(session) = silero() else { return };
    let frames = |session: &Arc<Session>| {
        let mut binding = bind(session);
        (0..200)
            .map(|i| {
                binding.input_f32(0).iter_mut().zip(tone()).for_each(|(x, t)| *x = t * (i % 7) as f32 / 7.0);
                binding.run().unwrap();
                binding.swap(1, 1).unwrap();
                binding.output_f32(0)[0]
            })
            .collect::<Vec<f32>>()
    };
    let alone = frames(&session);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| frames(&session))).collect();
        all.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), alone));
    });
}

#[test]
fn bad_input_is_an_error_and_no_crash() {
    let Some(session) = silero() else { return };
    let never = Cancel::never();
    let (tone, state) = (tone(), vec![0.0; 256]);
    let sr = ("sr", TensorView::i64(&[], &[16_000]));
    let st = ("state", TensorView::f32(&[2, 1, 128], &state));
    type Case<'a> = (&'a str, &'a [(&'a str, TensorView<'a>)], &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        ("no input", &[("inptu", TensorView::f32(&[1, 576], &tone)), st, sr], &["output"]),
        ("no output", &[("input", TensorView::f32(&[1, 576], &tone)), st, sr], &["outptu"]),
        ("needs", &[("input", TensorView::f32(&[1, 577], &tone)), st, sr], &["output"]),
        ("negative", &[("input", TensorView::f32(&[-1, 576], &tone)), st, sr], &["output"]),
        ("holds F32", &[("input", TensorView::i64(&[1, 1], &[3])), st, sr], &["output"]),
        ("too large", &[("input", TensorView::f32(&[i64::MAX, i64::MAX], &tone)), st, sr], &["output"]),
    ];
    for (word, inputs, outputs) in cases {
        let error = session.run(inputs, outputs, &never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    let error = session.run(&[sr], &["output"], &never).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("also needs"), "{error}");
}

#[test]
fn garbage_is_no_model() {
    if common::natives().is_none() {
        return;
    }
    let options = SessionOptions::default();
    let error = Session::from_bytes("garbage", &[7; 4096], &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelInvalid);
    let error = Session::load("/nowhere/model.onnx".as_ref(), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelMissing);
    assert!(error.to_string().contains("/nowhere/model.onnx"));
}

#[test]
fn thrown_switch_lets_no_run_begin() {
    let Some(session) = silero() else { return };
    let mut binding = bind(&session);
    let cancel = Cancel::new();
    binding.run_with(&cancel).unwrap();
    cancel.clone().cancel();
    assert_eq!(binding.run_with(&cancel).unwrap_err().kind(), ErrorKind::Cancelled);
    binding.run().unwrap();
    // Thrown before any run has made its options.
    let early = Cancel::new();
    early.cancel();
    assert_eq!(binding.run_with(&early).unwrap_err().kind(), ErrorKind::Cancelled);
}
