#![cfg_attr(not(feature = "cpal"), doc = "Nothing: the feature `cpal` is not built.")]
#![cfg(feature = "cpal")]
//! Microphones and speakers of this machine, by cpal.
//!
//! Both directions run in the system's own callbacks, which convert, mix and hand over samples in
//! preallocated buffers and touch nothing but the rings and atomics. Any sample format and number of
//! channels is taken: a microphone's channels are averaged, speakers get the same on every channel.
//! Callbacks of any length are taken too: the rings make blocks of them.
//!
//! Invariant: a Bluetooth microphone, which would switch its headset to telephone quality, is opened
//! only if it is named. A device that goes away, or stops calling back, ends the endpoint with a
//! reason; glitches (xruns) are counted and nothing else.
//!
//! Life cycle: [`list`] → [`DeviceEndpoint::open`] → [`Endpoint::start`], which returns once the
//! speakers have called back → callbacks → the handle is stopped or dropped.
//!
//! ```no_run
//! use duologue_devices::{DeviceConfig, DeviceEndpoint, list};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! for device in list()? {
//!     println!("{} ({})", device.name, device.id);
//! }
//! let endpoint = DeviceEndpoint::open(&DeviceConfig::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! On Linux, libasound itself writes to standard error while devices are looked for; that is not an
//! error of this crate.
#![forbid(unsafe_code)]

mod callback;
mod choose;
mod find;
mod health;
mod stream;

pub use find::{DeviceInfo, list};
pub use health::DeviceStats;

use duologue_pipeline::endpoint::{Endpoint, EndpointIo, Rates, Running};
use duologue_pipeline::playback::Renderer;
use duologue_pipeline::{Error, ErrorKind};
use find::{Chosen, Direction};
use health::Health;
use std::sync::Arc;
use stream::RunningDevices;

/// Which devices are opened, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    /// Name or id of the microphone, or a part of the name that only one has. Default `None`: the
    /// system's default, or the first that is not Bluetooth.
    pub microphone: Option<String>,
    /// Name or id of the speakers, or a part of the name that only one has. Default `None`: the
    /// system's default.
    pub speakers: Option<String>,
    /// Length of a device's period that is asked for, in ms; 2 to 100. Default 10. The device may
    /// choose another.
    pub period_ms: u32,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self { microphone: None, speakers: None, period_ms: 10 }
    }
}

/// A microphone and speakers, chosen and not yet running.
pub struct DeviceEndpoint {
    microphone: Chosen,
    speakers: Chosen,
    period_ms: u32,
    health: Arc<Health>,
}

impl DeviceEndpoint {
    /// Chooses the devices and their formats.
    ///
    /// # Errors
    /// [`ErrorKind::Device`] if there is no such device, more than one, or none that can be used:
    /// the message lists what there is. [`ErrorKind::Config`] if `period_ms` is out of range.
    pub fn open(config: &DeviceConfig) -> Result<Self, Error> {
        check_period(config)?;
        Ok(Self {
            microphone: find::choose(Direction::Input, config.microphone.as_deref())?,
            speakers: find::choose(Direction::Output, config.speakers.as_deref())?,
            period_ms: config.period_ms,
            health: Arc::new(Health::default()),
        })
    }

    /// Name of the microphone.
    pub fn microphone(&self) -> &str {
        &self.microphone.name
    }

    /// Name of the speakers.
    pub fn speakers(&self) -> &str {
        &self.speakers.name
    }

    /// Counts callbacks and glitches, now and while it runs.
    pub fn stats(&self) -> DeviceStats {
        DeviceStats::new(self.health.clone())
    }
}

impl Endpoint for DeviceEndpoint {
    fn rates(&self) -> Rates {
        Rates { capture: self.microphone.format.sample_rate(), playback: self.speakers.format.sample_rate() }
    }

    fn start(self: Box<Self>, io: EndpointIo) -> Result<Box<dyn Running>, Error> {
        let running =
            RunningDevices::start(&self.microphone, &self.speakers, self.period_ms, io, self.health)?;
        Ok(Box::new(running))
    }
}

/// Speakers alone, for a program that plays and does not listen: no microphone is opened, or needed.
pub struct Speakers {
    speakers: Chosen,
    period_ms: u32,
    health: Arc<Health>,
}

impl Speakers {
    /// Chooses the speakers and their format; `config.microphone` is not looked at.
    ///
    /// # Errors
    /// As [`DeviceEndpoint::open`].
    pub fn open(config: &DeviceConfig) -> Result<Self, Error> {
        check_period(config)?;
        Ok(Self {
            speakers: find::choose(Direction::Output, config.speakers.as_deref())?,
            period_ms: config.period_ms,
            health: Arc::new(Health::default()),
        })
    }

    /// Rate of what is played, in Hz.
    pub fn rate(&self) -> u32 {
        self.speakers.format.sample_rate()
    }

    /// Starts the callback; returns once it has run.
    ///
    /// # Errors
    /// [`ErrorKind::Device`] if the speakers cannot be opened, or call nobody back.
    pub fn start(self, playback: Renderer) -> Result<Box<dyn Running>, Error> {
        let running = RunningDevices::start_speakers(&self.speakers, self.period_ms, playback, self.health)?;
        Ok(Box::new(running))
    }
}

fn check_period(config: &DeviceConfig) -> Result<(), Error> {
    if (2..=100).contains(&config.period_ms) {
        return Ok(());
    }
    let what = format!("period_ms: {}; choose 2 to 100", config.period_ms);
    Err(Error::new(ErrorKind::Config, what))
}

/// What a device's failure means to the user.
fn device_error(doing: &str, name: &str, e: &cpal::Error) -> Error {
    use cpal::ErrorKind as Kind;
    let remedy = match e.kind() {
        Kind::DeviceBusy => "close the program that uses it, or choose another device",
        Kind::DeviceNotAvailable => "plug it in, or choose another device",
        Kind::HostUnavailable => "start the system's sound server, or use a file or a room",
        Kind::PermissionDenied => "allow this program to use it (microphone privacy, or group audio)",
        Kind::UnsupportedConfig | Kind::UnsupportedOperation => "choose another device",
        _ => "choose another device, or open it again",
    };
    Error::new(ErrorKind::Device, format!("cannot {doing} {name:?}: {e}; {remedy}"))
}
