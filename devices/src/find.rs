//! Which device is meant.

use crate::choose::best_format;
use crate::device_error;
use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, DeviceDescription, Host, InterfaceType, SupportedStreamConfig};
use duologue_pipeline::{Error, ErrorKind};

/// What tells a Bluetooth device by its name where the system does not say.
const BLUETOOTH: [&str; 8] =
    ["bluetooth", "bluez", "airpods", "hands-free", "handsfree", "hfp", "hsp", "headset head unit"];

/// A device of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Name for people.
    pub name: String,
    /// What names it for certain, also after a restart.
    pub id: String,
    /// Rate at which it would be a microphone, in Hz; `None`: it cannot.
    pub capture_rate: Option<u32>,
    /// Rate at which it would be speakers, in Hz; `None`: it cannot.
    pub playback_rate: Option<u32>,
    /// Whether it is the system's default microphone.
    pub default_microphone: bool,
    /// Whether it is the system's default speakers.
    pub default_speakers: bool,
    /// Whether it is, or seems to be, a Bluetooth device.
    pub bluetooth: bool,
}

/// All devices that can capture or play.
///
/// # Errors
/// [`ErrorKind::Device`] if the system has no sound at all.
pub fn list() -> Result<Vec<DeviceInfo>, Error> {
    let host = cpal::default_host();
    let defaults =
        [Direction::Input, Direction::Output].map(|d| d.default_of(&host).map(|device| id_of(&device)));
    let info = |device: Device| {
        let id = id_of(&device);
        DeviceInfo {
            name: device.to_string(),
            capture_rate: Direction::Input.format_of(&device).ok().map(|f| f.sample_rate()),
            playback_rate: Direction::Output.format_of(&device).ok().map(|f| f.sample_rate()),
            default_microphone: defaults[0].as_ref() == Some(&id),
            default_speakers: defaults[1].as_ref() == Some(&id),
            bluetooth: is_bluetooth(&device),
            id,
        }
    };
    host.devices().map_err(|e| device_error("list the devices of", "this machine", &e))?;
    Ok(all_devices(&host)
        .into_iter()
        .map(info)
        .filter(|d| d.capture_rate.is_some() || d.playback_rate.is_some())
        .collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Input,
    Output,
}

/// A device and the format in which it is used.
pub(super) struct Chosen {
    pub device: Device,
    pub format: SupportedStreamConfig,
    pub name: String,
}

impl Direction {
    fn noun(self) -> &'static str {
        match self {
            Self::Input => "microphone",
            Self::Output => "speakers",
        }
    }

    fn default_of(self, host: &Host) -> Option<Device> {
        match self {
            Self::Input => host.default_input_device(),
            Self::Output => host.default_output_device(),
        }
    }

    fn format_of(self, device: &Device) -> Result<SupportedStreamConfig, Error> {
        let fail = |e: &cpal::Error| device_error(&format!("use as {}", self.noun()), &device.to_string(), e);
        let best = match self {
            Self::Input => best_format(device.supported_input_configs().map_err(|e| fail(&e))?, 1),
            Self::Output => best_format(device.supported_output_configs().map_err(|e| fail(&e))?, 2),
        };
        best.ok_or_else(|| fail(&cpal::ErrorKind::UnsupportedConfig.into()))
    }
}

/// The device that `wanted` names, or the default one.
pub(super) fn choose(direction: Direction, wanted: Option<&str>) -> Result<Chosen, Error> {
    let host = cpal::default_host();
    let device = match wanted {
        Some(wanted) => named(direction, &host, wanted)?,
        None => default(direction, &host)?,
    };
    let format = direction.format_of(&device)?;
    let name = device.to_string();
    Ok(Chosen { device, format, name })
}

fn candidates(direction: Direction, host: &Host) -> Vec<Device> {
    all_devices(host).into_iter().filter(|device| direction.format_of(device).is_ok()).collect()
}

/// What the system lists, and the defaults, which it may not list.
fn all_devices(host: &Host) -> Vec<Device> {
    let mut all: Vec<Device> = host.devices().into_iter().flatten().collect();
    for default in [host.default_input_device(), host.default_output_device()].into_iter().flatten() {
        if !all.iter().any(|device| id_of(device) == id_of(&default)) {
            all.push(default);
        }
    }
    all
}

fn named(direction: Direction, host: &Host, wanted: &str) -> Result<Device, Error> {
    let mut devices = candidates(direction, host);
    let labels: Vec<(String, String)> = devices.iter().map(|d| (id_of(d), d.to_string())).collect();
    let found = find_by_name(&labels, wanted).map_err(|problem| {
        let key = direction.noun();
        Error::new(ErrorKind::Device, format!("{key} {wanted:?}: {problem}"))
    })?;
    Ok(devices.swap_remove(found))
}

fn default(direction: Direction, host: &Host) -> Result<Device, Error> {
    let default = direction.default_of(host).filter(|device| direction.format_of(device).is_ok());
    let avoid = |device: &Device| direction == Direction::Input && is_bluetooth(device);
    if let Some(device) = &default
        && !avoid(device)
    {
        return Ok(device.clone());
    }
    let mut others = candidates(direction, host);
    if let Some(at) = others.iter().position(|device| !avoid(device)) {
        return Ok(others.swap_remove(at));
    }
    let noun = direction.noun();
    let what = match default.or_else(|| others.pop()) {
        Some(device) => format!(
            "the only {noun} is {:?}, over Bluetooth, which would switch it to telephone quality; \
             name it to use it all the same",
            device.to_string()
        ),
        None => format!("this machine has no {noun}; plug one in, or use a file or a room instead"),
    };
    Err(Error::new(ErrorKind::Device, what))
}

/// Index of the device whose id or name is `wanted`, or whose name alone contains it.
fn find_by_name(labels: &[(String, String)], wanted: &str) -> Result<usize, String> {
    let lower = wanted.to_lowercase();
    let exact = labels.iter().position(|(id, _)| id == wanted);
    if let Some(at) = exact.or_else(|| labels.iter().position(|(_, name)| name.to_lowercase() == lower)) {
        return Ok(at);
    }
    let part: Vec<usize> =
        (0..labels.len()).filter(|i| labels[*i].1.to_lowercase().contains(&lower)).collect();
    match part[..] {
        [at] => Ok(at),
        [] => Err(format!("no such device; there are: {}", names(labels.iter()))),
        _ => Err(format!("more than one device; name one of: {}", names(part.iter().map(|i| &labels[*i])))),
    }
}

fn names<'a>(labels: impl Iterator<Item = &'a (String, String)>) -> String {
    let all: Vec<String> = labels.map(|(id, name)| format!("{name:?} ({id})")).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

fn id_of(device: &Device) -> String {
    device.id().map_or_else(|_| device.to_string(), |id| id.to_string())
}

fn is_bluetooth(device: &Device) -> bool {
    device.description().is_ok_and(|d| describes_bluetooth(&d)) || sounds_like_bluetooth(&device.to_string())
}

fn describes_bluetooth(description: &DeviceDescription) -> bool {
    let more = [Some(description.name()), description.driver(), description.address()];
    description.interface_type() == InterfaceType::Bluetooth
        || more.into_iter().flatten().chain(description.extended()).any(sounds_like_bluetooth)
}

fn sounds_like_bluetooth(text: &str) -> bool {
    let text = text.to_lowercase();
    BLUETOOTH.iter().any(|hint| {
        text.match_indices(hint).any(|(at, _)| {
            // "hfp" must be a word of its own.
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            edge(text[..at].chars().next_back()) && edge(text[at + hint.len()..].chars().next())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<(String, String)> {
        [("alsa:default", "Default"), ("alsa:hw:0", "USB Microphone, Mono"), ("alsa:hw:1", "USB Speakers")]
            .map(|(id, name)| (id.to_string(), name.to_string()))
            .to_vec()
    }

    #[test]
    fn wrong_device_is_not_taken_for_the_one_that_was_named() {
        let labels = labels();
        assert_eq!(find_by_name(&labels, "alsa:hw:1"), Ok(2));
        assert_eq!(find_by_name(&labels, "default"), Ok(0));
        assert_eq!(find_by_name(&labels, "microphone"), Ok(1));
        let ambiguous = find_by_name(&labels, "usb").unwrap_err();
        assert!(ambiguous.contains("more than one") && ambiguous.contains("alsa:hw:1"), "{ambiguous}");
        let missing = find_by_name(&labels, "headset").unwrap_err();
        assert!(missing.contains("no such device") && missing.contains("USB Speakers"), "{missing}");
        assert!(find_by_name(&[], "x").unwrap_err().contains("there are: none"));
    }

    #[test]
    fn bluetooth_headset_is_not_overlooked() {
        for name in [
            "Bluetooth Headset",
            "bluez_input.00",
            "Anna's AirPods Pro",
            "WH-1000 (Hands-Free AG Audio)",
            "X HFP",
        ] {
            assert!(sounds_like_bluetooth(name), "{name}");
        }
        for name in ["USB Microphone", "Built-in Audio Analog Stereo", "Headset Microphone", "ALSA hfpx"] {
            assert!(!sounds_like_bluetooth(name), "{name}");
        }
    }
}
