//! Takes hum and rumble off, which are not speech.

/// First-order high-pass at 300 Hz.
#[derive(Clone, Debug, Default)]
pub(crate) struct HighPass {
    input: f32,
    output: f32,
}

impl HighPass {
    /// `exp(-2π · 300 Hz / 16 kHz)`.
    const POLE: f32 = 0.888_9;

    pub(crate) fn step(&mut self, input: f32) -> f32 {
        // A sample that is no number would stay in the filter for good.
        let input = if input.is_finite() { input.clamp(-8.0, 8.0) } else { 0.0 };
        self.output = input - self.input + Self::POLE * self.output;
        self.input = input;
        self.output
    }
}
