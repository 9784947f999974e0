//! Raw 16-bit little-endian mono PCM over pipes: standard input and output, sockets, child
//! processes.
//!
//! A thread of its own reads, so that a slow pipe never blocks more than the source's patience; the
//! queue between them is bounded (256 KiB), so a fast pipe waits instead of filling the memory.
//!
//! Invariant: samples come out in order and whole; an odd last byte is left out. Where no samples
//! come in time, silence is given and counted.
//!
//! Life cycle: [`PcmSource::stdin`] or [`PcmSource::new`] → [`Source::read`] until
//! [`Flow::Ended`]. The thread ends with its input; while it waits in a read that never returns,
//! dropping the source leaves it behind, to end with the process.
//!
//! ```
//! use duologue_pipeline::endpoint::{Flow, PcmSource, Source};
//! use std::time::Duration;
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let bytes = vec![0u8; 320];
//! let mut source = PcmSource::new(&*bytes.leak(), "example", 16_000, Duration::from_secs(1))?;
//! let mut block = [1.0; 160];
//! assert_eq!(source.read(&mut block)?, Flow::Continue);
//! assert_eq!(source.read(&mut block)?, Flow::Ended);
//! # Ok(())
//! # }
//! ```

use super::{Flow, Sink, Source};
use crate::wav::{io_error, to_i16};
use crate::{Error, ErrorKind};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Bytes read at once, and how many such reads may wait: 256 KiB, 8 s at 16 kHz.
const READ: usize = 4096;
const QUEUE: usize = 64;

type Piece = std::io::Result<Vec<u8>>;

/// Reads raw s16le mono PCM.
pub struct PcmSource {
    pieces: Receiver<Piece>,
    name: String,
    rate: u32,
    patience: Duration,
    /// Bytes received and not yet given, from `at`.
    piece: Vec<u8>,
    at: usize,
    /// The first byte of a sample whose second has not come yet.
    half: Option<u8>,
    ended: bool,
    starved: u64,
}

impl PcmSource {
    /// Reads standard input at `rate` Hz, and waits up to `patience` for each block.
    ///
    /// Let a live pipe be the clock: use [`super::Pace::Following`] and a patience of seconds. Where
    /// another clock drives, use a patience of zero.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the reading thread cannot be started.
    pub fn stdin(rate: u32, patience: Duration) -> Result<Self, Error> {
        Self::new(std::io::stdin(), "standard input", rate, patience)
    }

    /// Reads `input`, which messages call `name`; otherwise as [`PcmSource::stdin`].
    ///
    /// # Errors
    /// As for [`PcmSource::stdin`].
    pub fn new(
        input: impl Read + Send + 'static,
        name: impl Into<String>,
        rate: u32,
        patience: Duration,
    ) -> Result<Self, Error> {
        let name = name.into();
        let (sender, pieces) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("pcm-reader".into())
            .spawn(move || pump(input, &sender))
            .map_err(|e| Error::new(ErrorKind::Closed, format!("{name}: cannot start its reader: {e}")))?;
        let piece = Vec::new();
        Ok(Self { pieces, name, rate, patience, piece, at: 0, half: None, ended: false, starved: 0 })
    }

    /// Samples of silence given because none came in time.
    pub fn starved(&self) -> u64 {
        self.starved
    }

    fn next_sample(&mut self, deadline: Instant) -> Result<Option<f32>, Error> {
        let low = match self.half.take() {
            Some(byte) => byte,
            None => match self.next_byte(deadline)? {
                Some(byte) => byte,
                None => return Ok(None),
            },
        };
        let Some(high) = self.next_byte(deadline)? else {
            self.half = Some(low);
            return Ok(None);
        };
        Ok(Some(f32::from(i16::from_le_bytes([low, high])) / 32_768.0))
    }

    fn next_byte(&mut self, deadline: Instant) -> Result<Option<u8>, Error> {
        while self.at == self.piece.len() {
            if self.ended {
                return Ok(None);
            }
            match self.pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Ok(piece)) => (self.piece, self.at) = (piece, 0),
                Ok(Err(e)) => {
                    self.ended = true;
                    return Err(io_error("read it", &self.name, &e));
                }
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
        let byte = self.piece[self.at];
        self.at += 1;
        Ok(Some(byte))
    }
}

impl Source for PcmSource {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<Flow, Error> {
        let deadline = Instant::now() + self.patience;
        let mut n = 0;
        while n < block.len() {
            let Some(sample) = self.next_sample(deadline)? else { break };
            block[n] = sample;
            n += 1;
        }
        block[n..].fill(0.0);
        if n == 0 && self.ended {
            return Ok(Flow::Ended);
        }
        if !self.ended {
            self.starved += (block.len() - n) as u64;
        }
        Ok(Flow::Continue)
    }
}

fn pump(mut input: impl Read, pieces: &SyncSender<Piece>) {
    loop {
        let mut piece = vec![0; READ];
        let read = match input.read(&mut piece) {
            Ok(0) => return,
            Ok(n) => {
                piece.truncate(n);
                Ok(piece)
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => Err(e),
        };
        let failed = read.is_err();
        if pieces.send(read).is_err() || failed {
            return;
        }
    }
}

/// Writes raw s16le mono PCM.
pub struct PcmSink<W = std::io::Stdout> {
    output: W,
    name: String,
    rate: u32,
    bytes: Vec<u8>,
}

impl PcmSink {
    /// Writes to standard output at `rate` Hz.
    pub fn stdout(rate: u32) -> Self {
        Self::new(std::io::stdout(), "standard output", rate)
    }
}

impl<W: Write + Send> PcmSink<W> {
    /// Writes to `output`, which messages call `name`, at `rate` Hz.
    pub fn new(output: W, name: impl Into<String>, rate: u32) -> Self {
        Self { output, name: name.into(), rate, bytes: Vec::new() }
    }
}

impl<W: Write + Send> Sink for PcmSink<W> {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn write(&mut self, block: &[f32]) -> Result<(), Error> {
        self.bytes.clear();
        self.bytes.extend(block.iter().flat_map(|s| to_i16(*s).to_le_bytes()));
        let written = self.output.write_all(&self.bytes).and_then(|()| self.output.flush());
        written.map_err(|e| io_error("write it", &self.name, &e))
    }
}
