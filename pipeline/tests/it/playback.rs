//! Random orders, pushes and callback sizes must never be heard as a pop, a stale word, a gap or a
//! repetition.
//!
//! The same orders drive three playback rings at once. One plays ones, so that its output is the
//! gain; the second plays each sample's index and the third its epoch, so that the quotient tells
//! which sample was heard.

use duologue_pipeline::playback::{
    Epoch, Mode, PlaybackConfig, PlaybackControl, PlaybackStatus, PlaybackWriter, Renderer, playback_ring,
};
use duologue_pipeline::reference::ReferenceReader;
use proptest::prelude::*;

const RATE: u32 = 8_000;
/// 20 ms.
const FADE: usize = 160;
/// Scales an index into ±1.0.
const INDEX: f32 = 1.0 / 131_072.0;
/// Scales an epoch into ±1.0.
const EPOCH: f32 = 1.0 / 256.0;

fn config() -> PlaybackConfig {
    PlaybackConfig { capacity_ms: 1_000, ..PlaybackConfig::new(RATE) }
}

/// A sample as it was heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    gain: f32,
    epoch: u32,
    index: u64,
}

struct Lane {
    writer: PlaybackWriter,
    control: PlaybackControl,
    renderer: Renderer,
    reference: ReferenceReader,
    code: fn(u32, u64) -> f32,
}

impl Lane {
    fn new(code: fn(u32, u64) -> f32) -> Self {
        let (writer, control, renderer, reference) = playback_ring(&config()).unwrap();
        Self { writer, control, renderer, reference, code }
    }

    fn push(&mut self, epoch: u32, from: u64, n: usize) -> usize {
        let samples: Vec<f32> = (from..from + n as u64).map(|i| (self.code)(epoch, i)).collect();
        self.writer.push(Epoch(epoch), &samples)
    }

    fn render(&mut self, n: usize) -> Vec<f32> {
        let mut out = vec![9.0; n];
        self.renderer.render(&mut out);
        let mut tapped = vec![9.0; n];
        assert_eq!(self.reference.read(&mut tapped), n);
        assert_eq!(tapped, out, "the reference is what was rendered");
        out
    }
}

/// The three rings, and what came of them.
struct Rig {
    lanes: [Lane; 3],
    epoch: u32,
    /// Samples accepted of each epoch.
    pushed: Vec<u64>,
    heard: Vec<Heard>,
    statuses: Vec<PlaybackStatus>,
}

impl Rig {
    fn new() -> Self {
        let codes: [fn(u32, u64) -> f32; 3] =
            [|_, _| 1.0, |_, i| (i + 1) as f32 * INDEX, |e, _| e as f32 * EPOCH];
        Self {
            lanes: codes.map(Lane::new),
            epoch: 1,
            pushed: vec![0; 256],
            heard: Vec::new(),
            statuses: Vec::new(),
        }
    }

    fn control(&self, order: impl Fn(&PlaybackControl)) {
        self.lanes.iter().for_each(|lane| order(&lane.control));
    }

    fn begin(&mut self, epoch: u32) {
        self.epoch = epoch;
        self.control(|c| c.begin(Epoch(epoch)));
    }

    fn push(&mut self, epoch: u32, n: usize) {
        let from = self.pushed[epoch as usize];
        let accepted: Vec<usize> = self.lanes.iter_mut().map(|l| l.push(epoch, from, n)).collect();
        assert!(accepted.iter().all(|&a| a == accepted[0]));
        self.pushed[epoch as usize] += accepted[0] as u64;
    }

    fn finish(&mut self, epoch: u32) {
        assert!(self.lanes.iter_mut().all(|l| l.writer.finish(Epoch(epoch))));
    }

    fn render(&mut self, n: usize) {
        let [ones, indices, epochs] = &mut self.lanes;
        let (gains, indices, epochs) = (ones.render(n), indices.render(n), epochs.render(n));
        for ((gain, index), epoch) in gains.into_iter().zip(indices).zip(epochs) {
            let heard = if gain == 0.0 {
                Heard { gain, epoch: 0, index: 0 }
            } else {
                let index = (index / gain / INDEX).round() as u64 - 1;
                Heard { gain, epoch: (epoch / gain / EPOCH).round() as u32, index }
            };
            self.heard.push(heard);
        }
        let status = self.lanes[0].control.status();
        assert!(self.lanes.iter().all(|l| l.control.status() == status));
        self.statuses.push(status);
    }

    fn status(&self) -> PlaybackStatus {
        *self.statuses.last().unwrap()
    }
}

/// The steepest the gain may be: a raised cosine over a quarter of the fade, and the duck's.
fn steepest() -> f32 {
    let fade = std::f32::consts::FRAC_PI_2 / (FADE as f32 / 4.0);
    let duck = std::f32::consts::FRAC_PI_2 / (RATE as f32 * 0.008);
    (fade + duck) * 1.01
}

fn assert_no_pop(heard: &[Heard]) {
    let mut last = 0.0;
    for (n, now) in heard.iter().enumerate() {
        assert!((now.gain - last).abs() <= steepest(), "the level jumps at {n}: {last} → {}", now.gain);
        last = now.gain;
    }
}

/// Within an epoch every sample follows the one before, or, after silence, one heard before.
fn assert_in_order(heard: &[Heard]) {
    let (mut epoch, mut next, mut silent) = (0, 0, true);
    for (n, now) in heard.iter().enumerate() {
        if now.gain == 0.0 {
            silent = true;
            continue;
        }
        assert!(now.epoch >= epoch, "epoch {} at {n} after {epoch}", now.epoch);
        if now.epoch > epoch {
            assert!(silent, "epoch {} begins at {n} before {epoch} has faded out", now.epoch);
            (epoch, next) = (now.epoch, 0);
        }
        let repeats = silent && now.index < next && next - now.index <= FADE as u64;
        assert!(now.index == next || repeats, "sample {} at {n} where {next} was due", now.index);
        next = now.index + 1;
        silent = false;
    }
}

fn assert_played_is_true(statuses: &[PlaybackStatus]) {
    for pair in statuses.windows(2) {
        let [before, after] = pair else { unreachable!() };
        assert!(after.epoch >= before.epoch);
        assert!(after.device_samples >= before.device_samples && after.underruns >= before.underruns);
        if after.epoch == before.epoch {
            assert!(after.played >= before.played, "{before:?} → {after:?}");
            let cut = |s: &PlaybackStatus| matches!(s.mode, Mode::Held | Mode::Stopped);
            assert!(!(cut(before) && cut(after)) || after.played == before.played, "{before:?} → {after:?}");
            assert!(!before.finished || after.finished);
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(usize),
    PushStale(usize),
    PushAhead(usize),
    Finish,
    Begin(u32),
    Duck,
    Restore,
    Hold,
    Resume,
    Stop,
    Render(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (1usize..1500).prop_map(Op::Push),
        1 => (1usize..200).prop_map(Op::PushStale),
        1 => (1usize..200).prop_map(Op::PushAhead),
        2 => Just(Op::Finish),
        2 => (1u32..3).prop_map(Op::Begin),
        1 => Just(Op::Duck),
        1 => Just(Op::Restore),
        2 => Just(Op::Hold),
        3 => Just(Op::Resume),
        1 => Just(Op::Stop),
        12 => prop_oneof![1usize..40, 60usize..100, 100usize..900].prop_map(Op::Render),
    ]
}

/// Keeps what the rules say must be silent by when.
#[derive(Default)]
struct Deadline {
    /// From this position on, nothing may be heard of epochs up to this one.
    silent: Option<(usize, u32)>,
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2 * ProptestConfig::default().cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_order_of_events_is_heard_as_a_pop_or_a_stale_word(ops in prop::collection::vec(op(), 1..120)) {
        let mut rig = Rig::new();
        rig.begin(1);
        let mut ended = [false; 256];
        let mut deadline = Deadline::default();
        for op in ops {
            let (now, epoch) = (rig.heard.len(), rig.epoch);
            match op {
                Op::Push(n) if !ended[epoch as usize] => rig.push(epoch, n),
                Op::PushStale(n) if epoch > 1 => {
                    let accepted: Vec<usize> = rig.lanes.iter_mut().map(|l| l.push(epoch - 1, 70_000, n)).collect();
                    prop_assert_eq!(accepted, vec![n; 3]);
                }
                Op::PushAhead(n) if ended[epoch as usize] && !ended[epoch as usize + 1] => rig.push(epoch + 1, n),
                Op::Finish if !ended[epoch as usize] => {
                    ended[epoch as usize] = true;
                    rig.finish(epoch);
                }
                Op::Begin(by) if epoch < 200 => {
                    rig.begin(epoch + by);
                    deadline.silent = Some((now + FADE, epoch));
                }
                Op::Duck => rig.control(PlaybackControl::duck),
                Op::Restore => rig.control(PlaybackControl::restore),
                Op::Hold => {
                    rig.control(PlaybackControl::hold);
                    deadline.silent = deadline.silent.filter(|&(_, e)| e == epoch).or(Some((now + FADE, epoch)));
                }
                Op::Resume if deadline.silent.is_some_and(|(_, e)| e == epoch) => {
                    rig.control(PlaybackControl::resume);
                    if rig.lanes[0].control.wants(Epoch(epoch)) {
                        deadline.silent = None;
                    }
                }
                Op::Stop => {
                    rig.control(PlaybackControl::stop);
                    deadline.silent = deadline.silent.filter(|&(_, e)| e == epoch).or(Some((now + FADE, epoch)));
                }
                Op::Render(n) => {
                    rig.render(n);
                    if let Some((from, epoch)) = deadline.silent {
                        let late = rig.heard.iter().skip(from.max(now)).find(|h| h.gain > 0.0 && h.epoch <= epoch);
                        prop_assert!(late.is_none(), "{:?} after the fade of epoch {}", late, epoch);
                    }
                    let status = rig.status();
                    prop_assert!(status.played <= rig.pushed[status.epoch.0 as usize]);
                    if status.finished {
                        prop_assert_eq!(status.played, rig.pushed[status.epoch.0 as usize]);
                        prop_assert!(ended[status.epoch.0 as usize]);
                    }
                }
                _ => {}
            }
        }
        assert_no_pop(&rig.heard);
        assert_in_order(&rig.heard);
        assert_played_is_true(&rig.statuses);
    }

    #[test]
    fn holds_lose_nothing_and_repeat_nothing_beyond_the_fade(
        length in 1_000usize..7_900,
        holds in prop::collection::vec((FADE / 4..1_500, FADE..2_000), 0..6),
        period in 1usize..700,
    ) {
        let mut rig = Rig::new();
        rig.begin(1);
        rig.push(1, length);
        rig.finish(1);
        for &(sounding, silent) in &holds {
            rig.render(sounding);
            rig.control(PlaybackControl::hold);
            rig.render(silent);
            rig.control(PlaybackControl::resume);
        }
        let whole_fades = holds.iter().all(|&(sounding, _)| sounding > FADE);
        while !rig.status_or_default().finished {
            rig.render(period);
        }
        prop_assert_eq!(rig.status().played, length as u64);
        let mut level = vec![0.0; length];
        for heard in rig.heard.iter().filter(|h| h.gain > 0.0) {
            level[heard.index as usize] += heard.gain;
        }
        // A quarter of the fade at either end is the declick. A hold within the fade before the end
        // must fade faster than it fades in again; one before the last fade was over takes some level.
        let whole = &level[FADE / 4..length - FADE];
        for (i, &level) in whole.iter().enumerate() {
            let right = if whole_fades { 0.98..1.02 } else { 0.5..f32::INFINITY };
            prop_assert!(right.contains(&level), "sample {} was heard {} times", i + FADE / 4, level);
        }
        prop_assert!(level.iter().enumerate().all(|(i, &l)| l > 0.0 || i + 1 >= length - 4 ));
    }

    #[test]
    fn late_blocks_are_faded_around_and_none_is_lost(
        blocks in prop::collection::vec((1usize..400, 0usize..600), 1..20),
        period in 1usize..300,
    ) {
        let mut rig = Rig::new();
        rig.begin(1);
        for (block, gap) in blocks {
            rig.push(1, block);
            for _ in 0..gap.div_ceil(period) {
                rig.render(period);
            }
        }
        rig.finish(1);
        for _ in 0..20_000 / period {
            rig.render(period);
        }
        prop_assert!(rig.status().finished);
        prop_assert_eq!(rig.status().played, rig.pushed[1]);
        assert_no_pop(&rig.heard);
        assert_in_order(&rig.heard);
    }
}

impl Rig {
    fn status_or_default(&self) -> PlaybackStatus {
        self.statuses.last().copied().unwrap_or_default()
    }
}

#[test]
fn a_barge_in_does_not_cost_the_words_that_were_held() {
    let mut rig = Rig::new();
    rig.begin(1);
    rig.push(1, 4_000);
    rig.finish(1);
    rig.render(800);
    rig.control(PlaybackControl::duck);
    rig.render(80);
    let ducked = rig.heard.last().unwrap().gain;
    assert!((ducked - 0.126).abs() < 0.002, "ducked by 18 dB within 10 ms: {ducked}");
    rig.control(PlaybackControl::hold);
    rig.render(FADE);
    assert_eq!((rig.status().mode, rig.status().played), (Mode::Held, 880));
    assert!(!rig.status().audible);
    rig.render(5_000);
    rig.control(PlaybackControl::resume);
    rig.render(800);
    let first = rig.heard.iter().rposition(|h| h.gain == 0.0).unwrap() + 1;
    assert_eq!(rig.heard[first].index, 880);
    assert_eq!(rig.heard[first + FADE].gain, 1.0, "a resumed turn is not ducked any more");
    rig.render(3_000);
    assert!(rig.status().finished);
    assert_no_pop(&rig.heard);
}

#[test]
fn a_stopped_turn_is_not_reported_as_finished() {
    let mut rig = Rig::new();
    rig.begin(1);
    rig.push(1, 4_000);
    rig.finish(1);
    rig.render(400);
    rig.control(PlaybackControl::stop);
    rig.render(400);
    rig.render(4_000);
    let status = rig.status();
    assert_eq!(
        (status.mode, status.played, status.finished, status.audible),
        (Mode::Stopped, 400, false, false)
    );
    rig.begin(2);
    rig.push(2, 100);
    rig.finish(2);
    rig.render(200);
    let status = rig.status();
    assert_eq!((status.epoch, status.played, status.finished), (Epoch(2), 100, true));
}

#[test]
fn a_full_ring_does_not_swallow_samples() {
    let (mut writer, control, mut renderer, _) = playback_ring(&config()).unwrap();
    control.begin(Epoch(1));
    assert_eq!(writer.push(Epoch(1), &vec![0.1; 9_000]), 8_000);
    assert_eq!((writer.free(), writer.push(Epoch(1), &[0.1])), (0, 0));
    renderer.render(&mut [0.0; 500]);
    assert_eq!(writer.free(), 500);
    assert!(writer.finish(Epoch(1)));
}
