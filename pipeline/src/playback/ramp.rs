/// Raised cosine from 0.0 at phase 0 to 1.0 at the top: the fades' shape, without a corner at either
/// end. A rise and a fall of the same length over the same samples add up to exactly their level.
#[derive(Debug)]
pub(super) struct Ramp(Box<[f32]>);

impl Ramp {
    pub(super) fn new(top: usize) -> Self {
        let gain = |phase| 0.5 - 0.5 * (std::f64::consts::PI * phase as f64 / top as f64).cos();
        Self((0..=top).map(|phase| gain(phase) as f32).collect())
    }

    /// The last phase.
    pub(super) fn top(&self) -> usize {
        self.0.len() - 1
    }

    pub(super) fn gain(&self, phase: usize) -> f32 {
        self.0[phase]
    }
}
