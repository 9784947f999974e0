//! A simulated room whose caller speaks when told to, instead of by a script.

use duologue_pipeline::endpoint::simulated::{
    Clip, EchoPath, Response, SimulatedRoom, SimulatedRoomConfig, SimulatedRoomLog,
};
use duologue_pipeline::endpoint::{Exchange, Flow, Rates};

use duologue_agent::Error;

/// What sound cards do.
const RATES: Rates = Rates { capture: 48_000, playback: 48_000 };
/// Where a line begins and ends to be speech: 10 ms whose power is less than 30 dB below that of the
/// loudest 10 ms.
const VOICED: f32 = 0.001;

/// When a line was said, in captured samples: from its first to behind its last that is speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub start: u64,
    pub end: u64,
}

/// The room, and the user in it.
pub(super) struct CallerRoom {
    room: SimulatedRoom,
    line: Vec<f32>,
    said: usize,
    now: u64,
}

impl CallerRoom {
    /// With speakers, so that the agent hears itself.
    pub fn new() -> Result<(Self, SimulatedRoomLog), Error> {
        let mut config = SimulatedRoomConfig::new(RATES);
        let response = Response::Decay { rt60_ms: 180, direct_db: 3.0 };
        config.echo = Some(EchoPath::new(38.0, -14.0).response(response));
        let (room, log) = SimulatedRoom::new(config)?;
        Ok((Self { room, line: Vec::new(), said: 0, now: 0 }, log))
    }

    /// The user says `clip` from the next sample on; what was being said is broken off.
    pub fn say(&mut self, clip: &Clip) -> Result<Spoken, Error> {
        let clip = clip.at_rate(RATES.capture)?;
        let (from, to) = voiced(clip.samples());
        self.line = clip.samples()[from..].to_vec();
        self.said = 0;
        Ok(Spoken { start: self.now, end: self.now + (to - from) as u64 })
    }

    /// Whether the line has been said.
    pub fn is_quiet(&self) -> bool {
        self.said >= self.line.len()
    }
}

impl Exchange for CallerRoom {
    fn rates(&self) -> Rates {
        RATES
    }

    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, duologue_pipeline::Error> {
        self.room.exchange(played, captured)?;
        for (to, from) in captured.iter_mut().zip(&self.line[self.said..]) {
            *to = (*to + from).clamp(-1.0, 1.0);
        }
        self.said = (self.said + captured.len()).min(self.line.len());
        self.now += captured.len() as u64;
        Ok(Flow::Continue)
    }

    fn finish(&mut self) -> Result<(), duologue_pipeline::Error> {
        self.room.finish()
    }
}

/// Where `samples` at the capture rate begin and end to be speech.
fn voiced(samples: &[f32]) -> (usize, usize) {
    let frame = RATES.capture as usize / 100;
    let powers: Vec<f32> = samples.chunks(frame).map(|f| f.iter().map(|x| x * x).sum()).collect();
    let loudest = powers.iter().fold(0.0f32, |a, p| a.max(*p));
    let is_voiced = |power: &f32| *power > loudest * VOICED;
    let first = powers.iter().position(is_voiced).unwrap_or(0);
    let last = powers.iter().rposition(is_voiced).map_or(0, |last| last + 1);
    (first * frame, (last * frame).min(samples.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_around_a_line_is_not_counted_as_speech() {
        let mut samples = vec![0.0; 4_800];
        samples.extend(vec![0.5; 9_600]);
        samples.extend(vec![0.0; 4_800]);
        let clip = Clip::new(samples, RATES.capture).unwrap();
        let (mut room, _log) = CallerRoom::new().unwrap();
        let mut captured = [0.0; 480];
        room.exchange(&[0.0; 480], &mut captured).unwrap();
        assert_eq!(room.say(&clip).unwrap(), Spoken { start: 480, end: 10_080 });
        room.exchange(&[0.0; 480], &mut captured).unwrap();
        assert!(captured.iter().all(|sample| *sample == 0.5) && !room.is_quiet());
        for _ in 0..29 {
            room.exchange(&[0.0; 480], &mut captured).unwrap();
        }
        assert!(room.is_quiet());
        let silence = Clip::new(vec![0.0; 100], RATES.capture).unwrap();
        let said = room.say(&silence).unwrap();
        assert_eq!(said.start, said.end);
    }
}
