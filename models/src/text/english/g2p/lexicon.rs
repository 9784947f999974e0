//! The pronunciation dictionary: about 225,000 words in one block-compressed table.
//!
//! The table (`data/lexicon.bin`, made by `data/make_lexicon.py`) lies in the binary and is read
//! in place: nothing is loaded, only the pages that look-ups touch become resident. Invariant: a
//! damaged table finds nothing, it never panics.

/// Words a block.
const BLOCK: usize = 16;
/// Marks the last phoneme code of a word.
const LAST: u8 = 0x80;

/// A read-only dictionary of lower-case words.
#[derive(Clone, Debug)]
pub(crate) struct Lexicon {
    codes: Vec<&'static str>,
    starts: &'static [u8],
    blocks: &'static [u8],
}

impl Lexicon {
    /// The shipped dictionary.
    pub(crate) fn shipped() -> Self {
        Self::parse(include_bytes!("../../../../data/lexicon.bin"))
            .expect("invariant: the shipped lexicon is valid")
    }

    fn parse(bytes: &'static [u8]) -> Option<Self> {
        let mut reader = Reader(bytes.strip_prefix(b"LEX1")?);
        let _words = reader.u32()?;
        let blocks = reader.u32()? as usize;
        let count = reader.u16()?;
        let mut codes = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let length = usize::from(reader.u8()?);
            codes.push(std::str::from_utf8(reader.take(length)?).ok()?);
        }
        let starts = reader.take(blocks * 4)?;
        let blocks = reader.0.get(..reader.0.len().checked_sub(4)?)?;
        Some(Self { codes, starts, blocks })
    }

    /// The phonemes of `word`, which is in lower case.
    pub(crate) fn get(&self, word: &str) -> Option<String> {
        let word = word.as_bytes();
        let (mut low, mut high) = (0, self.starts.len() / 4);
        while low < high {
            let middle = (low + high) / 2;
            if self.first(middle)? <= word {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.find(low.checked_sub(1)?, word)
    }

    fn block(&self, index: usize) -> Option<&'static [u8]> {
        let start = self.starts.get(index * 4..index * 4 + 4)?;
        self.blocks.get(u32::from_le_bytes(start.try_into().ok()?) as usize..)
    }

    fn first(&self, index: usize) -> Option<&'static [u8]> {
        let block = self.block(index)?;
        block.get(2..2 + usize::from(*block.get(1)?))
    }

    fn find(&self, index: usize, word: &[u8]) -> Option<String> {
        let mut reader = Reader(self.block(index)?);
        // How many bytes of `word` the entry before agreed with.
        let mut agreed = 0;
        for _ in 0..BLOCK {
            let shared = usize::from(reader.u8()?);
            let length = usize::from(reader.u8()?);
            let rest = reader.take(length)?;
            let end = reader.0.iter().position(|code| code & LAST != 0)?;
            let sound = reader.take(end + 1)?;
            if shared > agreed {
                continue;
            }
            let wanted = &word[shared..];
            if wanted == rest {
                return self.spelled(sound);
            }
            agreed = shared + wanted.iter().zip(rest).take_while(|(a, b)| a == b).count();
        }
        None
    }

    fn spelled(&self, sound: &[u8]) -> Option<String> {
        sound.iter().map(|code| self.codes.get(usize::from(code & !LAST)).copied()).collect()
    }
}

/// Reads little-endian values off the front of a slice.
pub(super) struct Reader(pub(super) &'static [u8]);

impl Reader {
    pub(super) fn take(&mut self, length: usize) -> Option<&'static [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_le_bytes([b[0], b[1]]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
}

/// CRC-32 (IEEE), which the generators append to their files.
#[cfg(test)]
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &[u8] = include_bytes!("../../../../data/lexicon.bin");

    #[test]
    fn the_shipped_lexicon_is_not_damaged() {
        let (body, sum) = SHIPPED.split_at(SHIPPED.len() - 4);
        assert_eq!(crc32(body).to_le_bytes(), sum);
    }

    #[test]
    fn no_word_of_a_block_is_lost() {
        let lexicon = Lexicon::shipped();
        for (word, sound) in [("hello", "həlˈO"), ("world", "wˈɜɹld"), ("water", "wˈɔTəɹ"), ("the", "ðə")]
        {
            assert_eq!(lexicon.get(word).as_deref(), Some(sound), "{word}");
        }
        for index in 0..lexicon.starts.len() / 4 {
            for word in words(&lexicon, index) {
                assert!(lexicon.get(&word).is_some_and(|s| !s.is_empty()), "{word}");
            }
        }
    }

    fn words(lexicon: &Lexicon, index: usize) -> Vec<String> {
        let mut reader = Reader(lexicon.block(index).unwrap());
        let (mut words, mut word) = (Vec::new(), Vec::new());
        for _ in 0..BLOCK {
            let Some(shared) = reader.u8() else { break };
            let length = usize::from(reader.u8().unwrap());
            word.truncate(usize::from(shared));
            word.extend_from_slice(reader.take(length).unwrap());
            let end = reader.0.iter().position(|code| code & LAST != 0).unwrap();
            reader.take(end + 1).unwrap();
            words.push(String::from_utf8(word.clone()).unwrap());
        }
        words
    }

    #[test]
    fn an_unknown_word_is_not_found() {
        let lexicon = Lexicon::shipped();
        for word in
            ["", "zzzzzz", "'", "qwertzuiop", "héllo", "\u{10ffff}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
        {
            assert_eq!(lexicon.get(word), None, "{word}");
        }
    }

    #[test]
    fn a_damaged_table_does_not_panic() {
        for length in [0, 3, 4, 13, 14, 200, 5000, 100_000] {
            if let Some(lexicon) = Lexicon::parse(&SHIPPED[..length]) {
                for word in ["a", "hello", "zoom"] {
                    let _ = lexicon.get(word);
                }
            }
        }
    }
}
