//! Opus in Ogg, as RFC 7845 has it.

use ogg::{PacketWriteEndInfo, PacketWriter};
use opus_rs::{Application, OpusEncoder};

use super::encode::Encode;

/// Bits a second: speech without flaws that one would notice.
const BITS: i32 = 32_000;
/// Samples at 48 kHz that a decoder drops before the first that counts.
const PRE_SKIP: u16 = 312;
/// Number of the only stream in the file.
const SERIAL: u32 = 1;
/// Largest packet.
const PACKET: usize = 1_500;

pub(super) struct OggOpus {
    rate: u32,
    encoder: OpusEncoder,
    writer: PacketWriter<'static, Vec<u8>>,
    rest: Vec<f32>,
    /// The last packet, which is written once it is known whether it ends the stream.
    held: Option<Vec<u8>>,
    /// Samples given, at the encoder's rate.
    given: u64,
    /// Packets made.
    packets: u64,
    begun: bool,
}

impl OggOpus {
    pub(super) fn new(rate: u32) -> Result<Self, String> {
        let mut encoder = OpusEncoder::new(rate as i32, 1, Application::Voip)?;
        encoder.bitrate_bps = BITS;
        let writer = PacketWriter::new(Vec::new());
        Ok(Self { rate, encoder, writer, rest: Vec::new(), held: None, given: 0, packets: 0, begun: false })
    }

    /// Samples of a packet: 20 ms.
    fn frame(&self) -> usize {
        self.rate as usize / 50
    }

    fn begin(&mut self) -> Result<(), String> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let mut head = b"OpusHead\x01\x01".to_vec();
        head.extend(PRE_SKIP.to_le_bytes());
        head.extend(self.rate.to_le_bytes());
        head.extend([0, 0, 0]);
        self.write(head, PacketWriteEndInfo::EndPage, 0)?;
        let maker = b"duologue";
        let mut tags = b"OpusTags".to_vec();
        tags.extend((maker.len() as u32).to_le_bytes());
        tags.extend(maker);
        tags.extend(0_u32.to_le_bytes());
        self.write(tags, PacketWriteEndInfo::EndPage, 0)
    }

    fn write(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, granule: u64) -> Result<(), String> {
        self.writer.write_packet(packet, SERIAL, end, granule).map_err(|error| error.to_string())
    }

    fn encode(&mut self, frame: &[f32]) -> Result<(), String> {
        let mut packet = vec![0; PACKET];
        let length = self.encoder.encode(frame, frame.len(), &mut packet)?;
        packet.truncate(length);
        self.packets += 1;
        // Granules count samples at 48 kHz: 960 in 20 ms. Every fifth packet ends its page, so that 100 ms wait at most.
        if let Some(before) = self.held.replace(packet) {
            let number = self.packets - 1;
            let end = if number.is_multiple_of(5) {
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            self.write(before, end, number * 960)?;
        }
        Ok(())
    }

    fn whole_frames(&mut self) -> Result<(), String> {
        let rest = std::mem::take(&mut self.rest);
        let mut frames = rest.chunks_exact(self.frame());
        for frame in &mut frames {
            self.encode(frame)?;
        }
        self.rest = frames.remainder().to_vec();
        Ok(())
    }
}

impl Encode for OggOpus {
    fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), String> {
        self.begin()?;
        self.given += samples.len() as u64;
        self.rest.extend_from_slice(samples);
        self.whole_frames()?;
        out.append(self.writer.inner_mut());
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        self.begin()?;
        // What the codec holds back, and the rest of the last packet.
        let last = u64::from(PRE_SKIP) + self.given * 48_000 / u64::from(self.rate);
        while self.packets * 960 < last {
            self.rest.resize(self.frame(), 0.0);
            self.whole_frames()?;
        }
        let packet = self.held.take().unwrap_or_default();
        self.write(packet, PacketWriteEndInfo::EndStream, last)?;
        out.append(self.writer.inner_mut());
        Ok(())
    }
}
