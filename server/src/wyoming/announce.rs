//! The server's name in the local network, by mDNS: Home Assistant finds it without being told an address.

use std::net::IpAddr;

use mdns_sd::{ServiceDaemon, ServiceInfo};

use crate::{Error, ErrorKind};

/// What clients look for.
const SERVICE: &str = "_wyoming._tcp.local.";
/// Longest name: a DNS label.
const LONGEST: usize = 63;

/// A service that is announced until this is dropped.
pub struct Announcement {
    daemon: ServiceDaemon,
    name: String,
}

impl Announcement {
    /// Announces a server at `address` and `port` as `name`, which must be unique in the network and stay the same: Home Assistant
    /// knows the server by it. An unspecified `address` stands for all of this machine's.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a name that is none, or an address that only this machine reaches; [`ErrorKind::Listen`] without multicast.
    pub fn new(name: &str, address: IpAddr, port: u16) -> Result<Self, Error> {
        let label = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if name.is_empty() || name.len() > LONGEST || !label || name.starts_with('-') || name.ends_with('-') {
            let message = format!("announce {name:?}: must be 1 to {LONGEST} letters, digits and `-`");
            return Err(Error::new(ErrorKind::Config, message));
        }
        if address.is_loopback() {
            let message = format!(
                "announce {name:?}: {address} is reached from this machine only; listen on another --host"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        let failed = |error: mdns_sd::Error| {
            Error::new(
                ErrorKind::Listen,
                format!("announce {name:?}: {error}; leave it out, and name the address in the client"),
            )
        };
        let host = format!("{name}.local.");
        let none: [(&str, &str); 0] = [];
        let service = if address.is_unspecified() {
            ServiceInfo::new(SERVICE, name, &host, "", port, &none[..]).map_err(failed)?.enable_addr_auto()
        } else {
            ServiceInfo::new(SERVICE, name, &host, address, port, &none[..]).map_err(failed)?
        };
        let name = service.get_fullname().to_owned();
        let daemon = ServiceDaemon::new().map_err(failed)?;
        daemon.register(service).map_err(failed)?;
        Ok(Self { daemon, name })
    }
}

impl Drop for Announcement {
    /// Says that it is gone; clients would notice by themselves later.
    fn drop(&mut self) {
        if let Ok(done) = self.daemon.unregister(&self.name) {
            let _ = done.recv_timeout(std::time::Duration::from_secs(1));
        }
        let _ = self.daemon.shutdown();
    }
}
