//! Voice activity detection alone: where a built-in caller speaks.
//!
//!     cargo run --release --example vad_alone

use std::error::Error;

use duologue::caller;
use duologue::setup;
use duologue::vad::{Detector, SAMPLE_RATE, SegmenterConfig, VadEvent};

fn main() -> Result<(), Box<dyn Error>> {
    let speech = caller::line("set-a-timer")?;
    assert_eq!(speech.rate(), SAMPLE_RATE, "the built-in caller's clips have the detector's rate");
    let mut samples = vec![0.0; 8_000];
    samples.extend(speech.samples());
    samples.extend(vec![0.0; 8_000]);

    let mut detector = Detector::new(setup::vad("silero", false)?, &SegmenterConfig::responsive())?;
    let seconds = |sample: u64| sample as f64 / f64::from(SAMPLE_RATE);
    for block in samples.chunks(160) {
        detector.push(block, &mut |event| match event {
            VadEvent::SpeechStarted { at, detected_at } => {
                println!("speech from {:.2} s (known at {:.2} s)", seconds(at), seconds(detected_at));
            }
            VadEvent::SpeechEnded { at, detected_at } => {
                println!("speech to   {:.2} s (known at {:.2} s)", seconds(at), seconds(detected_at));
            }
        })?;
    }
    Ok(())
}
