//! Hearing a frame does not allocate in this program's code: it would fragment the heap over days.
//!
//! ONNX Runtime's own allocations go to its own allocator and are not counted here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use duologue_vad::{Detector, Energy, ErrorKind, SegmenterConfig, SileroModel, Vad};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: only counts, then does as the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations_of_a_minute(vad: impl Vad) -> usize {
    let mut detector = Detector::new(vad, &SegmenterConfig::responsive()).unwrap();
    let mut seed = 1_u32;
    let mut piece = [0.0_f32; 160];
    let mut events = 0;
    let before = ALLOCATIONS.with(Cell::get);
    for i in 0..6_000 {
        let loudness = if i / 100 % 2 == 0 { 0.001 } else { 0.5 };
        for sample in &mut piece {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = (seed as f32 / u32::MAX as f32 - 0.5) * loudness;
        }
        detector.push(&piece[..1 + i % 160], &mut |_| events += 1).unwrap();
    }
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn the_counter_is_not_blind() {
    let before = ALLOCATIONS.with(Cell::get);
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert!(ALLOCATIONS.with(Cell::get) > before);
}

#[test]
fn energy_does_not_allocate() {
    assert_eq!(allocations_of_a_minute(Energy::new()), 0);
}

#[test]
fn silero_does_not_allocate() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material/vad/silero_vad_v6.2.1_16k_op15.onnx");
    let model = match SileroModel::load(Path::new(path)) {
        Ok(model) => model,
        Err(e) if e.kind() == ErrorKind::Natives || !Path::new(path).exists() => {
            eprintln!("SKIPPED: {e}");
            return;
        }
        Err(e) => panic!("{e}"),
    };
    assert_eq!(allocations_of_a_minute(model.stream().unwrap()), 0);
}
