//! Letters to sounds, for words that no dictionary has: a joint n-gram over (letter, sounds) pairs.
//!
//! The model (`data/letters.bin`, made by `data/make_letters.py`, which also measures it) is read
//! in place. A beam search walks the letters, choosing for each the sounds that the pairs before
//! make likeliest, with exactly one main stress a word. Layout, little-endian:
//!
//! ```text
//! "LTS1"  u8 order  u8 beam  u16 pairs  u32 slots
//! pairs × (u8 letter, u8 length, UTF-8 sounds)     the pair's id is its place, from 1; 0 is a word's edge
//! slots × (u24 fingerprint, u8 cost, u8 back-off)  open addressing; a cost is −log p in steps of 0.05
//! u32                                              CRC-32 of all before
//! ```
//!
//! Invariant: time is linear in the word's length.

use super::lexicon::Reader;

const PRIMARY: char = 'ˈ';
/// Cost of a pair that was never seen, and of a word without a main stress.
const UNSEEN: u32 = 255;
const UNSTRESSED: u32 = 400;
/// Longest n-gram that the table may have.
const MAX_ORDER: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Pair {
    id: u16,
    sounds: &'static str,
    stresses: u8,
}

/// The letter-to-sound model.
#[derive(Clone, Debug)]
pub(crate) struct Letters {
    order: usize,
    beam: usize,
    /// The pairs of each letter a–z.
    pairs: [Vec<Pair>; 26],
    slots: &'static [u8],
}

/// One way to read the letters so far.
#[derive(Clone)]
struct Path {
    cost: u32,
    history: History,
    stresses: u8,
    sounds: String,
}

/// The last pairs, oldest first, right-aligned; `used` of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct History {
    pairs: [u16; MAX_ORDER],
    used: usize,
}

impl History {
    fn recent(&self, count: usize) -> &[u16] {
        &self.pairs[MAX_ORDER - count..]
    }

    /// This and one more pair, of which at most `most` are kept.
    fn and(mut self, pair: u16, most: usize) -> Self {
        self.pairs.rotate_left(1);
        self.pairs[MAX_ORDER - 1] = pair;
        self.used = (self.used + 1).min(most);
        self.pairs[..MAX_ORDER - self.used].fill(0);
        self
    }
}

/// What is known of a path's contexts: for each length, shortest first, the hash so far and the
/// back-off weight; it ends at the first context that the table lacks, as no longer one is in it.
struct Contexts {
    known: [(u64, u32); MAX_ORDER],
    count: usize,
}

/// A path and a pair that may go on with it.
struct Step {
    history: History,
    stresses: u8,
    cost: u32,
    from: usize,
    with: usize,
}

impl Letters {
    /// The shipped model.
    pub(crate) fn shipped() -> Self {
        Self::parse(include_bytes!("../../../../data/letters.bin"))
            .expect("invariant: the shipped model is valid")
    }

    fn parse(bytes: &'static [u8]) -> Option<Self> {
        let mut reader = Reader(bytes.strip_prefix(b"LTS1")?);
        let order = usize::from(reader.u8()?);
        let beam = usize::from(reader.u8()?);
        let count = reader.u16()?;
        let slots = reader.u32()? as usize;
        let mut pairs: [Vec<Pair>; 26] = Default::default();
        for id in 1..=count {
            let letter = reader.u8()?.checked_sub(b'a')?;
            let length = usize::from(reader.u8()?);
            let sounds = std::str::from_utf8(reader.take(length)?).ok()?;
            let stresses = sounds.chars().filter(|c| *c == PRIMARY).count() as u8;
            pairs.get_mut(usize::from(letter))?.push(Pair { id, sounds, stresses });
        }
        let slots = reader.take(slots.checked_mul(5)?)?;
        (2..=MAX_ORDER).contains(&order).then_some(Self { order, beam, pairs, slots })
    }

    /// How `word` probably sounds; letters other than a–z are passed over.
    pub(crate) fn sounds(&self, word: &str) -> String {
        let history = History { pairs: [0; MAX_ORDER], used: 1 };
        let mut beam = vec![Path { cost: 0, history, stresses: 0, sounds: String::new() }];
        for letter in word.bytes().filter(u8::is_ascii_lowercase) {
            beam = self.step(&beam, &self.pairs[usize::from(letter - b'a')]);
        }
        let end = |path: &Path| {
            let stress = if path.stresses == 0 { UNSTRESSED } else { 0 };
            path.cost + self.cost(&self.contexts(&path.history), 0) + stress
        };
        beam.iter().min_by_key(|path| end(path)).map(|path| path.sounds.clone()).unwrap_or_default()
    }

    fn step(&self, beam: &[Path], pairs: &[Pair]) -> Vec<Path> {
        let mut steps = Vec::with_capacity(beam.len() * pairs.len());
        for (from, path) in beam.iter().enumerate() {
            let contexts = self.contexts(&path.history);
            for (with, pair) in pairs.iter().enumerate() {
                let stresses = path.stresses + pair.stresses;
                if stresses < 2 {
                    let history = path.history.and(pair.id, self.order - 1);
                    let cost = path.cost + self.cost(&contexts, pair.id);
                    steps.push(Step { history, stresses, cost, from, with });
                }
            }
        }
        // Of the readings that look alike from here on, the cheapest.
        steps.sort_unstable_by_key(|s| (s.history, s.stresses, s.cost, s.from, s.with));
        steps.dedup_by_key(|s| (s.history, s.stresses));
        steps.sort_unstable_by_key(|s| (s.cost, s.from, s.with));
        steps.truncate(self.beam);
        let grow = |step: Step| Path {
            cost: step.cost,
            history: step.history,
            stresses: step.stresses,
            sounds: format!("{}{}", beam[step.from].sounds, pairs[step.with].sounds),
        };
        steps.into_iter().map(grow).collect()
    }

    fn contexts(&self, history: &History) -> Contexts {
        let mut contexts = Contexts { known: [(FNV_START, 0); MAX_ORDER], count: 1 };
        for length in 1..=history.used.min(self.order - 1) {
            let hash = history.recent(length).iter().fold(FNV_START, |hash, pair| hashed(hash, *pair));
            let Some((_, back_off)) = self.slot(hash) else { break };
            contexts.known[length] = (hash, u32::from(back_off));
            contexts.count = length + 1;
        }
        contexts
    }

    /// Cost of `pair` after `contexts`: what the longest n-gram says, plus the weights of those
    /// contexts that don't know it.
    fn cost(&self, contexts: &Contexts, pair: u16) -> u32 {
        let mut cost = 0;
        for &(hash, back_off) in contexts.known[..contexts.count].iter().rev() {
            if let Some((own, _)) = self.slot(hashed(hash, pair)) {
                return cost + u32::from(own);
            }
            cost += back_off;
        }
        cost + UNSEEN
    }

    fn slot(&self, hash: u64) -> Option<(u8, u8)> {
        let slots = (self.slots.len() / 5) as u64;
        let hash = stirred(hash);
        let wanted = ((hash >> 40) as u32).to_le_bytes();
        let mut at = (hash % slots.max(1)) as usize;
        for _ in 0..slots {
            let slot = self.slots.get(at * 5..at * 5 + 5)?;
            if slot[..3] == [0; 3] {
                return None;
            }
            if slot[..3] == wanted[..3] {
                return Some((slot[3], slot[4]));
            }
            at = (at + 1) % slots as usize;
        }
        None
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of one more pair, as two little-endian bytes.
fn hashed(hash: u64, pair: u16) -> u64 {
    pair.to_le_bytes()
        .into_iter()
        .fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Spreads a hash over all bits: as `data/make_letters.py` does.
fn stirred(mut hash: u64) -> u64 {
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &[u8] = include_bytes!("../../../../data/letters.bin");

    #[test]
    fn the_shipped_model_is_not_damaged() {
        let (body, sum) = SHIPPED.split_at(SHIPPED.len() - 4);
        assert_eq!(super::super::lexicon::crc32(body).to_le_bytes(), sum);
    }

    #[test]
    fn unknown_words_are_not_guessed_wildly() {
        let letters = Letters::shipped();
        for (word, sounds) in
            [("blorf", "blˈɔɹf"), ("strinkle", "stɹˈɪŋkᵊl"), ("phoebix", "fˈibɪks"), ("", "")]
        {
            assert_eq!(letters.sounds(word), sounds, "{word}");
        }
    }

    #[test]
    fn a_damaged_model_does_not_panic() {
        for length in [0, 4, 10, 12, 100, 5_000] {
            assert!(Letters::parse(&SHIPPED[..length]).is_none());
        }
    }
}
