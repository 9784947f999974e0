//! Where fewer valid bits than 32 lie in a sample of four bytes. The format says on the left; some recorders put them on the right,
//! where they would play 48 dB too soft.

use std::io::Read;

/// What samples tell so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Evidence {
    /// A sample needs bits further left than valid ones on the right reach.
    left: bool,
    /// A sample has bits where valid ones on the left leave zeros.
    right: bool,
    sounds: bool,
}

impl Evidence {
    /// Looks at whole samples of `bits` valid bits.
    pub(super) fn look(&mut self, raw: &[u8], bits: u16) {
        let spare = 32 - u32::from(bits);
        for sample in raw.as_chunks::<4>().0 {
            let sample = i32::from_le_bytes(*sample);
            self.left |= (sample << spare) >> spare != sample;
            self.right |= sample & ((1 << spare) - 1) != 0;
            self.sounds |= sample != 0;
        }
    }

    /// Whether the bits are on the right, as far as a part of the file shows.
    pub(super) fn is_right(self) -> bool {
        self.right && !self.left
    }

    /// The same of a whole file: one that never uses the left eighth of its range is on the right, for it would be below −48 dBFS.
    fn is_right_in_all(self) -> bool {
        self.sounds && !self.left
    }
}

/// Reads `audio` as far as it takes to tell, in bounded memory.
pub(super) fn is_right_in_all(mut audio: impl Read, bits: u16) -> std::io::Result<bool> {
    let mut evidence = Evidence::default();
    let mut block = vec![0; 65_536];
    loop {
        let n = super::header::read_full(&mut audio, &mut block)?;
        evidence.look(&block[..n], bits);
        if n < block.len() || evidence.left {
            return Ok(evidence.is_right_in_all());
        }
    }
}
