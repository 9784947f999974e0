//! Rooms and workers, in memory and with a LiveKit server where the environment names one (`.ci/livekit-server.sh`).

mod call;
mod common;
mod engine_audio;
mod engine_faults;
mod engine_messages;
#[cfg(unix)]
mod worker_process;
mod worker_rig;
mod worker_server;
