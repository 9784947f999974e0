//! The audio pipeline: it hears, decides who has the turn, asks whoever answers, and speaks.
//!
//! # How it hangs together
//! ```text
//!                    endpoint's callbacks: a sound card, a room, a browser, a file
//!             captured │                                                ▲ played
//!                      ▼                                                │
//!               [capture ring]                  ┌─[reference ring]◀─ renderer ◀───────┐
//!                      │                        ▼                       ▲             │
//!                      └───────────────────▶  EAR                 [playback ring]     │
//!                        echo canceller, voice activity                 │             │
//!                         │ blocks             │ levels, edges          │             │
//!                         ▼                    │                      MOUTH           │
//!   TURN DETECTOR ◀─── SCRIBE                  │           clauses, synthesis         │
//!         │              │ partials, finals    │                      ▲ │             │
//!         │ probability  │                     │                 text │ │ words       │
//!         ▼              ▼                     ▼                      │ ▼             │
//!        ─┴──────────────┴─────────────────────┴─▶ CONVERSATION ──────┴───────────────┘
//!                                                  director            duck, hold, resume, drop: one atomic word
//!                                              asks │    ▲ text
//!                                                   ▼    │
//!                                                 RESPONDER
//! ```
//! Capitals are threads, but for the responder: one that says it never waits ([`Responder::blocks`]), as an agent's session does,
//! is asked on the conversation's thread and hands the reply to its own task; any other has a thread for each ask, 8 at most.
//! None waits for another: each has a bounded inbox, takes what is there, does one small thing, and
//! sleeps until more comes or its own timer is due.
//!
//! | thread | owns | sleeps on | module |
//! |---|---|---|---|
//! | ear | [`ear::Ear`], the readers of capture and reference | time: as long as the next decision's samples take | `stages` |
//! | scribe | [`scribe::Scribe`]: one recogniser stream, 12 s of the past | its inbox | `stages` |
//! | turn detector | one [`duologue_models::TurnStream`] | its inbox | `turn` |
//! | mouth | [`mouth::Mouth`]: the voice, the clause splitter, the ring's writer | its inbox, or a clause that is due | `stages` |
//! | conversation | [`conversation::Conversation`] and the director that carries its orders out | its inbox, or the next deadline; 10 ms while something plays | `director` |
//! | responder, if it may wait | one ask of the application's [`Responder`] | whatever it asks | `respond` |
//!
//! | queue | holds | when it is full |
//! |---|---|---|
//! | capture ring | 2 s | the newest samples are lost, heard as silence and counted; indices stay true |
//! | playback ring | 2 s ([`playback::PlaybackConfig`]) | the mouth waits: back-pressure |
//! | signals to the conversation | 8,192 | stages drop and count ([`Losses::signals`]); a [`Handle`] waits 2 s, then fails |
//! | to the scribe | 1,500: 15 s of blocks | blocks are dropped and counted ([`Losses::blocks`]) |
//! | to the turn detector | 256: 25 s of sound | dropped: its answer would come too late |
//! | to the mouth | 1,024 | the director keeps up to 256 more, then reads no more of replies |
//! | a reply's text | 64 KiB | its writer waits 60 s, then is told [`ReplyError::Full`] |
//! | speeches that wait | 64 ([`conversation::Config::max_says`]) | refused: [`SpeechOutcome::Dropped`] |
//! | each [`Events`] | 4,096 | the newest are lost and counted |
//!
//! # How an event travels
//! The user says "stop" while the agent speaks:
//! 1. The endpoint's callback pushes 10 ms into the capture ring. The ear takes it, subtracts what the loudspeaker played just
//!    then (the reference), and its voice activity detector sees speech: `SpeechStarted`, then a level for each frame. The
//!    cleaned block goes to the scribe.
//! 2. The conversation takes these as [`conversation::Input`]s with the time. It is a plain machine: no thread, no clock, no
//!    audio. Out come [`conversation::Output`]s: duck, and recognise from here on.
//! 3. The director carries them out. `Duck` is one atomic word that the renderer reads in its next callback.
//! 4. Enough voice, or a word from the scribe: the conversation says `Yield`; the renderer fades out within 20 ms and keeps the
//!    rest. The final transcript says "stop", which is no backchannel: `Drop`. The director reads how far playback is just
//!    before each decision, so the [`conversation::History`] is cut after the last word that was heard.
//! 5. The words are the user's turn: [`Responder::respond`] is asked, or was already, speculatively, while the user fell silent.
//!    Its text goes to the mouth clause by clause; each clause's words and their places in the sound come back before it can be
//!    heard.
//!
//! Every step leaves an [`conversation::Event`] in each subscriber's queue ([`Handle::events`]).
//!
//! Time is a parameter: [`Builder::start`] drives the stages by threads on an [`endpoint::Endpoint`], [`Builder::simulate`]
//! steps the very same stages 10 ms at a time over an [`endpoint::Exchange`], as fast as the machine allows.
//!
//! # Example
//! A parrot, on whatever endpoint:
//! ```no_run
//! use std::sync::Arc;
//! use duologue_models::{LastWords, Stt, Tts};
//! use duologue_pipeline::conversation::Event;
//! use duologue_pipeline::endpoint::Endpoint;
//! use duologue_pipeline::{Builder, Error, Reply, UserTurn};
//! use duologue_vad::Vad;
//!
//! fn parrot(
//!     stt: Arc<dyn Stt>,
//!     tts: Arc<dyn Tts>,
//!     vad: Box<dyn Vad>,
//!     endpoint: Box<dyn Endpoint>,
//! ) -> Result<(), Error> {
//!     let pipeline = Builder::new(stt, tts, vad)
//!         .turn_detector(Arc::new(LastWords))
//!         .responder(|turn: UserTurn, reply: Reply| {
//!             // A reply that nobody listens to any more refuses text: there is nothing left to do.
//!             let _ = reply.text(&format!("You said: {}.", turn.text));
//!         })
//!         .start(endpoint)?;
//!     let events = pipeline.events();
//!     pipeline.say("Hello, I repeat what you say.")?;
//!     while pipeline.ended().is_none() {
//!         let Some(stamped) = events.next_within(std::time::Duration::from_secs(1)) else { continue };
//!         if let Event::AgentTurn(turn) = stamped.event {
//!             println!("{:?}: heard {:?} of {:?}", stamped.at, turn.heard, turn.text);
//!         }
//!     }
//!     pipeline.ended().unwrap_or(Ok(()))
//! }
//! ```
//!
//! # Words we use
//! | word | meaning |
//! |---|---|
//! | utterance | one stretch of the user's speech, from onset to silence ([`UtteranceId`]) |
//! | turn | one exchange: what the user said, in one or several utterances, and the answer; or speech of the agent's own accord ([`TurnId`]) |
//! | transcript | what was recognised: *partial* while it may change, *final* afterwards ([`duologue_models::Transcript`]) |
//! | reply | the text that a responder writes into, as an answer to one user turn ([`Reply`]) |
//! | speech, say | something that the agent says of its own accord ([`Handle::say`]); it ends in a [`SpeechOutcome`] |
//! | epoch | the sound of one turn in the playback ring ([`Epoch`]) |
//! | spoken word | a word's place: bytes of the text, samples of the epoch ([`conversation::SpokenWord`]) |
//! | heard | the prefix of a text whose words were played; with a far side that acknowledges, whose playout it acknowledged |
//! | duck, hold, drop | turn down; fall silent and keep the rest; fall silent for good |
//! | speculative | begun before it is certain that the user has finished; not heard, and without effects, until committed |
//! | backchannel | "mhm": said to show that one listens, not to take the turn |
//! | endpoint | where sound enters and leaves; *room* is a LiveKit room, *simulated room* a model of a place with echo |
#![forbid(unsafe_code)]

mod assembly;
mod audio_pipeline;
pub mod capture;
mod clip;
pub mod conversation;
pub mod cues;
mod director;
pub mod ear;
pub mod echo;
pub mod endpoint;
mod error;
mod events;
mod handle;
mod ids;
mod listener;
pub mod mouth;
pub mod offline;
mod past;
pub mod playback;
mod player;
mod playout;
pub mod reference;
pub mod resample;
mod respond;
mod say;
pub mod scribe;
mod simulation;
mod stages;
mod turn;
pub mod wav;

pub use assembly::{Builder, PipelineConfig, VoiceConfig};
pub use audio_pipeline::AudioPipeline;
pub use clip::Clip;
pub use error::{Error, ErrorKind};
pub use events::{Events, Stamped};
pub use handle::{Handle, Losses, SayStream};
pub use ids::{Epoch, TurnId, UtteranceId};
pub use listener::{Heard, Listener};
pub use respond::{
    REPLY_CAPACITY, REPLY_PATIENCE, Reply, ReplyError, ReplyState, ReplyWatch, Responder, UserTurn,
};
pub use say::{SayHandle, SpeechOutcome};
pub use simulation::{STEP, Simulation};
