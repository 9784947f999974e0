//! Hearing a frame does not allocate in this program's code: it would fragment the heap over days.
//!
//! ONNX Runtime's own allocations go to its own allocator and are not counted here.

use std::path::Path;

use allocation_counter::measure;
use duologue_vad::{Detector, Energy, ErrorKind, SegmenterConfig, SileroModel, Vad};

fn allocations_of_a_minute(vad: impl Vad) -> u64 {
    let mut detector = Detector::new(vad, &SegmenterConfig::responsive()).unwrap();
    let mut seed = 1_u32;
    let mut piece = [0.0_f32; 160];
    let mut events = 0;
    let heard = measure(|| {
        for i in 0..6_000 {
            let loudness = if i / 100 % 2 == 0 { 0.001 } else { 0.5 };
            for sample in &mut piece {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = (seed as f32 / u32::MAX as f32 - 0.5) * loudness;
            }
            detector.push(&piece[..1 + i % 160], &mut |_| events += 1).unwrap();
        }
    });
    heard.count_total
}

#[test]
fn the_counter_is_not_blind() {
    let heard = measure(|| drop(std::hint::black_box(vec![0_u8; 100])));
    assert_eq!(heard.count_total, 1);
}

#[test]
fn energy_does_not_allocate() {
    assert_eq!(allocations_of_a_minute(Energy::new()), 0);
}

#[test]
fn silero_does_not_allocate() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material/vad/silero_vad_v6.2.1_16k_op15.onnx");
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
