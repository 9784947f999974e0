//! Calls made by formula: who speaks when, and in which room.

use crate::ear::{BLOCK, RATE};
use crate::endpoint::Rates;
use crate::endpoint::simulated::{
    Caller, Clip, EchoPath, Noise, NoiseKind, NoiseLevel, Response, SimulatedRoomConfig, When,
};
use crate::{Error, ErrorKind};

/// Levels of the echo under what is played, in dB, and its delays, in ms.
const LEVELS_DB: [f32; 4] = [-20.0, -14.0, -10.0, -6.0];
const DELAYS_MS: [f32; 7] = [5.0, 20.0, 38.0, 60.0, 90.0, 130.0, 180.0];
const NOISE_DBFS: f32 = -50.0;
/// From the user's last sample to the agent's first, in ms.
const GAP_MS: (usize, usize) = (150, 400);
/// Of 100 agent turns so many are interrupted, and so many are accompanied by a short assent.
const INTERRUPTED: usize = 40;
const ACCOMPANIED: usize = 20;
/// From the user's first sample to the interrupted agent's last, in ms, and the fade in it.
const YIELD_MS: (usize, usize) = (180, 350);
const FADE_MS: usize = 20;

/// What can be said in a call, and where.
pub struct Cast {
    /// Of each voice, its sentences.
    pub agents: Vec<Vec<Clip>>,
    /// What callers say, at least one word of each.
    pub users: Vec<Clip>,
    /// A short assent, said over the agent.
    pub backchannel: Clip,
    /// How rooms reverberate.
    pub rooms: Vec<Response>,
}

/// One call: all that sounds in it, whatever is heard of it. Positions are samples at 16 kHz.
#[derive(Clone, Debug)]
pub struct Call {
    /// The room and the voice, for people.
    pub name: String,
    /// What is played.
    pub played: Vec<f32>,
    /// When the agent speaks.
    pub turns: Vec<(usize, usize)>,
    /// When the caller speaks.
    pub said: Vec<(usize, usize)>,
    /// Where the caller begins to interrupt the agent.
    pub interruptions: Vec<usize>,
    /// The room, with the caller in it.
    pub room: SimulatedRoomConfig,
}

impl Call {
    /// Call number `n`, of so many agent `turns`. The same number is the same call; consecutive ones go through
    /// levels, delays, rooms, voices and noise. Even ones begin with a greeting, odd ones with a question.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if nobody is in the cast; as [`Clip::at_rate`].
    pub fn new(cast: &Cast, n: usize, turns: usize) -> Result<Self, Error> {
        if cast.agents.iter().any(Vec::is_empty)
            || cast.agents.is_empty()
            || cast.users.is_empty()
            || cast.rooms.is_empty()
        {
            return Err(Error::new(
                ErrorKind::Config,
                "cast: needs an agent's sentence, a user's and a room",
            ));
        }
        let (level, room) = (LEVELS_DB[n % LEVELS_DB.len()], n / LEVELS_DB.len() % cast.rooms.len());
        let (delay, voice, noisy) =
            (DELAYS_MS[n % DELAYS_MS.len()], n / 2 % cast.agents.len(), n / 3 % 2 == 1);
        let mut config = SimulatedRoomConfig::new(Rates { capture: RATE, playback: RATE });
        config.echo = Some(EchoPath::new(delay, level).response(cast.rooms[room].clone()));
        config.noise = noisy.then_some(Noise { kind: NoiseKind::Pink, level: NoiseLevel::Dbfs(NOISE_DBFS) });
        config.seed = n as u64;
        let noise = if noisy { ", noise" } else { "" };
        let call = Self {
            name: format!("call {n}: echo {level} dB after {delay} ms, room {room}, voice {voice}{noise}"),
            played: Vec::new(),
            turns: Vec::new(),
            said: Vec::new(),
            interruptions: Vec::new(),
            room: config,
        };
        let mut writer = Writer { cast, voice, random: Random(n as u64 + 1), caller: Caller::new(), call };
        writer.write(turns, n % 2 == 1)?;
        Ok(Self { room: SimulatedRoomConfig { caller: writer.caller, ..writer.call.room }, ..writer.call })
    }
}

struct Writer<'a> {
    cast: &'a Cast,
    voice: usize,
    random: Random,
    caller: Caller,
    call: Call,
}

impl Writer<'_> {
    fn write(&mut self, turns: usize, asked: bool) -> Result<(), Error> {
        let mut begin = samples(100);
        if asked {
            let at = self.random.samples(200, 600);
            begin = self.question(at)? + self.gap();
        }
        for _ in 0..turns {
            begin = self.turn(begin)? + self.gap();
        }
        let end = self.call.played.len() + samples(700);
        self.call.played.resize(end.next_multiple_of(BLOCK), 0.0);
        Ok(())
    }

    /// One turn of the agent, and what the user says in it and after it; where all is said.
    fn turn(&mut self, begin: usize) -> Result<usize, Error> {
        let sentence = self.random.pick(&self.cast.agents[self.voice]).at_rate(RATE)?;
        let mut sentence = sentence.samples().to_vec();
        let kind = self.random.between(0, 100);
        let mut next = begin + sentence.len();
        if kind < INTERRUPTED {
            let at = self.random.samples(300, 1_800).min(sentence.len().saturating_sub(samples(100)));
            let at = begin + at;
            next = self.question(at)?;
            let at = self.call.said.last().map_or(at, |(from, _)| *from);
            self.call.interruptions.push(at);
            let yielded = at + self.random.samples(YIELD_MS.0, YIELD_MS.1);
            cut(&mut sentence, yielded.saturating_sub(begin));
        } else if kind < INTERRUPTED + ACCOMPANIED {
            let at = begin + self.random.samples(300, 1_200);
            next = next.max(self.say(&self.cast.backchannel.clone(), at)?);
        }
        let end = begin + sentence.len();
        self.call.played.resize(begin, 0.0);
        self.call.played.extend(sentence);
        self.call.turns.push((begin, end));
        if kind >= INTERRUPTED && self.random.between(0, 100) < 80 {
            let at = next + self.random.samples(400, 3_500);
            next = self.question(at)?;
        }
        Ok(next.max(end))
    }

    fn question(&mut self, at: usize) -> Result<usize, Error> {
        let clip = self.random.pick(&self.cast.users).clone();
        self.say(&clip, at)
    }

    /// The caller says `clip`, from the millisecond of `at` on; where they end.
    fn say(&mut self, clip: &Clip, at: usize) -> Result<usize, Error> {
        let clip = clip.at_rate(RATE)?;
        let ms = at * 1_000 / RATE as usize;
        let (from, to) = (samples(ms), samples(ms) + clip.samples().len());
        self.call.said.push((from, to));
        self.caller = std::mem::take(&mut self.caller).says(clip, When::At(ms as u64));
        Ok(to)
    }

    fn gap(&mut self) -> usize {
        self.random.samples(GAP_MS.0, GAP_MS.1)
    }
}

/// Ends `sentence` after `length` samples, with a fade.
fn cut(sentence: &mut Vec<f32>, length: usize) {
    if length >= sentence.len() {
        return;
    }
    sentence.truncate(length);
    let fade = samples(FADE_MS).min(length);
    for (i, sample) in sentence[length - fade..].iter_mut().enumerate() {
        *sample *= 1.0 - i as f32 / fade as f32;
    }
}

/// Samples in `ms`.
fn samples(ms: usize) -> usize {
    ms * RATE as usize / 1_000
}

/// A small deterministic generator (SplitMix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    /// Within `lo..hi`.
    fn between(&mut self, lo: usize, hi: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        lo + ((z ^ (z >> 31)) % (hi - lo).max(1) as u64) as usize
    }

    /// Of so many ms.
    fn samples(&mut self, lo: usize, hi: usize) -> usize {
        samples(1) * self.between(lo, hi)
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.between(0, of.len())]
    }
}
