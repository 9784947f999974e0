//! What runs in the system's callbacks: conversion between a device's frames and mono samples.
//!
//! Real-time safe: no allocation, lock, system call or free. The rings' halves come through a slot
//! once the stream has been built, and stay until the stream is dropped.

use crate::health::{Health, Side};
use cpal::{FromSample, Sample, SizedSample};
use duologue_pipeline::capture::CaptureWriter;
use duologue_pipeline::playback::Renderer;
use ringbuf::traits::Consumer;
use ringbuf::{HeapCons, HeapProd, HeapRb, traits::Split};
use std::sync::Arc;

/// Frames converted at once; longer callbacks take several turns.
const FRAMES: usize = 512;

/// A place for one value, on its way into a callback.
pub(super) fn slot<T>() -> (HeapProd<T>, HeapCons<T>) {
    HeapRb::new(1).split()
}

/// The microphone's callback.
pub(super) struct Capturing {
    slot: HeapCons<CaptureWriter>,
    writer: Option<CaptureWriter>,
    channels: usize,
    health: Arc<Health>,
}

impl Capturing {
    pub(super) fn new(slot: HeapCons<CaptureWriter>, channels: u16, health: Arc<Health>) -> Self {
        Self { slot, writer: None, channels: usize::from(channels.max(1)), health }
    }

    /// Takes interleaved frames.
    pub(super) fn call<T: SizedSample>(&mut self, frames: &[T])
    where
        f32: FromSample<T>,
    {
        side_called(&self.health.microphone, frames.len(), self.channels);
        if self.writer.is_none() {
            self.writer = self.slot.try_pop();
        }
        let Some(writer) = &mut self.writer else { return };
        let scale = 1.0 / self.channels as f32;
        let mut mono = [0.0; FRAMES];
        for part in frames.chunks(FRAMES * self.channels) {
            let whole = part.chunks_exact(self.channels);
            let n = whole.len();
            for (to, frame) in mono.iter_mut().zip(whole) {
                *to = frame.iter().map(|s| f32::from_sample(*s)).sum::<f32>() * scale;
            }
            writer.push(&mono[..n]);
        }
    }
}

/// The speakers' callback.
pub(super) struct Playing {
    slot: HeapCons<Renderer>,
    renderer: Option<Renderer>,
    channels: usize,
    health: Arc<Health>,
}

impl Playing {
    pub(super) fn new(slot: HeapCons<Renderer>, channels: u16, health: Arc<Health>) -> Self {
        Self { slot, renderer: None, channels: usize::from(channels.max(1)), health }
    }

    /// Fills interleaved frames.
    pub(super) fn call<T: SizedSample + FromSample<f32>>(&mut self, frames: &mut [T]) {
        if self.renderer.is_none() {
            self.renderer = self.slot.try_pop();
        }
        let Some(renderer) = &mut self.renderer else {
            return frames.fill(T::EQUILIBRIUM);
        };
        let mut mono = [0.0; FRAMES];
        for part in frames.chunks_mut(FRAMES * self.channels) {
            let n = part.len() / self.channels;
            renderer.render(&mut mono[..n]);
            for (frame, sample) in part.chunks_mut(self.channels).zip(&mono) {
                frame.fill(T::from_sample(sample.clamp(-1.0, 1.0)));
            }
        }
        // Counted last: the first counted callback has taken samples from the ring.
        side_called(&self.health.speakers, frames.len(), self.channels);
    }
}

fn side_called(side: &Side, samples: usize, channels: usize) {
    side.called(samples / channels);
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_pipeline::capture::capture_ring;
    use duologue_pipeline::playback::{PlaybackConfig, playback_ring};
    use ringbuf::traits::Producer;

    fn captured<T: SizedSample>(frames: &[T], channels: u16) -> Vec<f32>
    where
        f32: FromSample<T>,
    {
        let (writer, mut reader) = capture_ring(48_000, 1_000);
        let (mut to, slot) = slot();
        let health = Arc::new(Health::default());
        let mut callback = Capturing::new(slot, channels, health.clone());
        callback.call(frames);
        assert_eq!(reader.available(), 0, "nothing before the writer is there");
        to.try_push(writer).ok().unwrap();
        callback.call(frames);
        assert_eq!(health.microphone.callbacks(), 2);
        let mut out = vec![9.0; 48_000];
        let n = reader.read(&mut out);
        out.truncate(n);
        out
    }

    #[test]
    fn no_format_is_too_loud_or_shifted() {
        assert_eq!(captured(&[0.5f32, -0.5], 1), [0.5, -0.5]);
        assert_eq!(captured(&[16_384i16, -16_384, 0], 1), [0.5, -0.5, 0.0]);
        assert_eq!(captured(&[49_152u16, 16_384, 32_768], 1), [0.5, -0.5, 0.0]);
        assert_eq!(captured(&[192u8, 64, 128], 1), [0.5, -0.5, 0.0]);
        assert_eq!(captured(&[1i32 << 30, -(1 << 30)], 1), [0.5, -0.5]);
        assert_eq!(captured(&[cpal::I24::new(1 << 22).unwrap()], 1), [0.5]);
        assert_eq!(captured(&[0.25f64], 1), [0.25]);
    }

    #[test]
    fn channels_are_mixed_and_long_callbacks_are_taken_whole() {
        let frames: Vec<f32> = (0..3 * 5_000).map(|i| [0.6, 0.3, 0.0][i % 3]).collect();
        let mono = captured(&frames, 3);
        assert_eq!(mono.len(), 5_000);
        assert!(mono.iter().all(|s| (s - 0.3).abs() < 1e-6));
    }

    #[test]
    fn speakers_are_silent_until_there_is_something_to_play() {
        let (_, _, renderer, _) = playback_ring(&PlaybackConfig::new(48_000)).unwrap();
        let (mut to, slot) = slot();
        let health = Arc::new(Health::default());
        let mut callback = Playing::new(slot, 2, health.clone());
        let mut frames = [7u16; 2_000];
        callback.call(&mut frames);
        assert_eq!(frames, [32_768; 2_000], "silence of an unsigned format");
        assert_eq!(health.speakers.callbacks(), 0, "not ready before the ring is there");
        to.try_push(renderer).ok().unwrap();
        callback.call(&mut frames);
        assert_eq!(health.speakers.callbacks(), 1);
        assert_eq!(frames, [32_768; 2_000]);
    }

    #[test]
    fn callbacks_do_not_allocate_or_free() {
        let health = Arc::new(Health::default());
        let (writer, _reader) = capture_ring(48_000, 10);
        let (mut to, input) = slot();
        to.try_push(writer).ok().unwrap();
        let mut capturing = Capturing::new(input, 2, health.clone());
        let (_, _, renderer, _reference) = playback_ring(&PlaybackConfig::new(48_000)).unwrap();
        let (mut to, output) = slot();
        to.try_push(renderer).ok().unwrap();
        let mut playing = Playing::new(output, 2, health.clone());
        let (mut reporter, _reports) = crate::health::reports("X");
        let mut frames = vec![0i16; 9_600];

        let allocations = allocation_counter::measure(|| {
            for length in [0, 2, 640, 960, 9_600] {
                capturing.call(&frames[..length]);
                playing.call(&mut frames[..length]);
                reporter.report(&health.speakers, cpal::ErrorKind::Xrun.into());
            }
        });
        assert_eq!((allocations.count_total, allocations.count_current), (0, 0));
    }
}
