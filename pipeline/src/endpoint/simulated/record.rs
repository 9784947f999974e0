//! Records both sides and the microphone, sample-aligned.

use super::check_range;
use super::log::SimulatedRoomLog;
use crate::Error;
use crate::wav::WavWriter;
use std::collections::VecDeque;
use std::path::PathBuf;

/// Where the room is recorded, at the capture rate.
#[derive(Clone, Debug, Default)]
pub enum Recording {
    /// Nowhere.
    #[default]
    Off,
    /// In the room's log: the first so many seconds.
    Memory {
        /// 1 to 600 s; at 48 kHz a second takes 576 kB.
        seconds: u32,
    },
    /// In WAV files, from beginning to end.
    Wav {
        /// The conversation: caller left, agent right.
        conversation: PathBuf,
        /// The microphone, if wanted.
        mic: Option<PathBuf>,
    },
}

enum Target {
    Off,
    Memory { log: SimulatedRoomLog, left: usize },
    Wav { conversation: WavWriter, mic: Option<WavWriter> },
}

pub(super) struct Recorder {
    target: Target,
    /// Caller and microphone, waiting for the agent's samples of the same moment.
    waiting: VecDeque<(f32, f32)>,
    agent: Vec<f32>,
}

impl Recorder {
    pub(super) fn new(recording: &Recording, rate: u32, log: SimulatedRoomLog) -> Result<Self, Error> {
        let target = match recording {
            Recording::Off => Target::Off,
            Recording::Memory { seconds } => {
                check_range("recording.seconds", *seconds as f32, 1.0, 600.0)?;
                Target::Memory { log, left: (seconds * rate) as usize }
            }
            Recording::Wav { conversation, mic } => Target::Wav {
                conversation: WavWriter::create(conversation, rate, 2)?,
                mic: mic.as_ref().map(|path| WavWriter::create(path, rate, 1)).transpose()?,
            },
        };
        Ok(Self { target, waiting: VecDeque::new(), agent: Vec::new() })
    }

    /// Takes one block; `agent` may lag behind by the conversion's delay.
    pub(super) fn take(&mut self, caller: &[f32], agent: &[f32], mic: &[f32]) -> Result<(), Error> {
        if matches!(self.target, Target::Off) {
            return Ok(());
        }
        self.waiting.extend(caller.iter().copied().zip(mic.iter().copied()));
        self.agent.extend_from_slice(agent);
        self.write()
    }

    /// Completes the recording; the agent's last samples, still in conversion, become silence.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.agent.resize(self.waiting.len(), 0.0);
        self.write()?;
        match std::mem::replace(&mut self.target, Target::Off) {
            Target::Wav { conversation, mic } => {
                let finished = conversation.finish();
                mic.map_or(Ok(()), WavWriter::finish).and(finished)
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self) -> Result<(), Error> {
        let n = self.agent.len().min(self.waiting.len());
        let (caller, mic): (Vec<f32>, Vec<f32>) = self.waiting.drain(..n).unzip();
        let agent: Vec<f32> = self.agent.drain(..n).collect();
        match &mut self.target {
            Target::Off => Ok(()),
            Target::Memory { log, left } => {
                let n = n.min(*left);
                *left -= n;
                log.record(&caller[..n], &agent[..n], &mic[..n]);
                Ok(())
            }
            Target::Wav { conversation, mic: mic_writer } => {
                let frames: Vec<f32> = caller.iter().zip(&agent).flat_map(|(c, a)| [*c, *a]).collect();
                conversation.write(&frames)?;
                mic_writer.as_mut().map_or(Ok(()), |w| w.write(&mic))
            }
        }
    }
}
