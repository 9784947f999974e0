//! Several channels as one.

/// Energy per sample, at full scale 1.0, from which on sound counts: −60 dBFS.
const AUDIBLE: f64 = 1e-6;
/// Audible sound, in seconds, that is judged before a channel is chosen.
const JUDGED_S: f64 = 0.1;
/// Channels that cancel each other leave less than this share of what one of them alone would leave in the mean.
const CANCELLED: f64 = 0.1;

/// Gives the mean of all channels, unless they cancel each other out: then the loudest alone. A cable or plug that is wired the
/// wrong way round makes one channel the inverse of the other.
pub(super) struct Mixer {
    channels: usize,
    judged: usize,
    enough: usize,
    mean: f64,
    each: Vec<f64>,
    chosen: Option<usize>,
}

impl Mixer {
    pub(super) fn new(channels: usize, rate: u32) -> Self {
        let enough = (JUDGED_S * f64::from(rate)) as usize;
        Self { channels, judged: 0, enough, mean: 0.0, each: vec![0.0; channels], chosen: None }
    }

    /// The channel, from 0, that is used alone.
    pub(super) fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    /// Makes one sample of each frame of `frames` (interleaved).
    pub(super) fn mix(&mut self, frames: &[f32], out: &mut [f32]) {
        if self.chosen.is_none() {
            self.judge(frames);
        }
        let scale = 1.0 / self.channels as f32;
        for (frame, out) in frames.chunks_exact(self.channels).zip(out) {
            *out = match self.chosen {
                Some(channel) => frame[channel],
                None => frame.iter().sum::<f32>() * scale,
            };
        }
    }

    fn judge(&mut self, frames: &[f32]) {
        for frame in frames.chunks_exact(self.channels) {
            let loudest = frame.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
            if f64::from(loudest).powi(2) < AUDIBLE {
                continue;
            }
            self.judged += 1;
            self.mean += f64::from(frame.iter().sum::<f32>()).powi(2);
            for (energy, sample) in self.each.iter_mut().zip(frame) {
                *energy += f64::from(*sample).powi(2);
            }
        }
        if self.judged < self.enough {
            return;
        }
        let loudest = self.each.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        // A channel alone among silent ones would leave all its energy in the sum.
        self.chosen =
            loudest.filter(|(_, energy)| self.mean < CANCELLED * energy).map(|(channel, _)| channel);
    }
}
