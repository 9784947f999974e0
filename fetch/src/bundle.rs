//! Packages whose wheels hold shared libraries, and their way into the cache.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, ErrorKind, Result},
    lock,
    options::FetchOptions,
    progress::{self, Progress},
    store,
    trust::{self, Owners},
    verify::{Pin, Verifier},
    wheel::{self, Wheel},
    work::WorkDir,
};

/// A package whose wheels hold shared libraries, one wheel for each platform.
#[derive(Debug)]
pub struct Bundle {
    /// Its name on the index.
    pub package: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// What is in it, for people: `ONNX Runtime 1.28.2 and sherpa-onnx 2.0.1`.
    pub what: &'static str,
    /// The variable that names a place where a user has put the libraries.
    pub variable: &'static str,
    /// Its wheels.
    pub platforms: &'static [Platform],
}

/// One file inside a wheel.
#[derive(Debug)]
pub struct Member {
    /// Path inside the wheel.
    pub path: &'static str,
    /// File name on disk.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: &'static str,
}

/// The wheel of one platform.
#[derive(Debug)]
pub struct Platform {
    /// Value of Rust's `std::env::consts::OS`.
    pub os: &'static str,
    /// Value of Rust's `std::env::consts::ARCH`.
    pub arch: &'static str,
    /// The platform tag of the wheel, as `pip download --platform` takes it.
    pub tag: &'static str,
    /// SHA-256 of the wheel, lower-case hexadecimal.
    pub wheel_sha256: &'static str,
    /// Size of the wheel.
    pub wheel_bytes: u64,
    /// The libraries in it.
    pub members: &'static [Member],
}

impl Bundle {
    /// The wheel for the platform this program was built for.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedPlatform`].
    pub fn platform(&self) -> Result<&'static Platform> {
        let musl = cfg!(target_env = "musl");
        let found = self
            .platforms
            .iter()
            .find(|p| p.os == std::env::consts::OS && p.arch == std::env::consts::ARCH && !musl);
        found.ok_or_else(|| {
            let libc = if musl { " (musl)" } else { "" };
            let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
            Error::new(
                ErrorKind::UnsupportedPlatform,
                format!("no prebuilt {} {} for {os}-{arch}{libc}", self.package, self.version),
            )
            .with_remedy(format!("build {} and set {} to where it is", self.what, self.variable))
        })
    }

    /// Where its libraries belong under the cache root; the name holds the wheel's sum, so that another wheel never mixes in.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedPlatform`].
    pub fn directory(&self, cache: &Path) -> Result<PathBuf> {
        let sum = &self.platform()?.wheel_sha256[..16];
        Ok(store::natives(cache).join(format!("{}-{}-{sum}", self.package, self.version)))
    }

    /// Makes sure that the cache holds the libraries, and returns their directory: download, verify, unpack, rename into place. What is
    /// there and undamaged is kept. Processes may race.
    ///
    /// # Errors
    /// Any kind but [`ErrorKind::Missing`].
    pub fn install(&self, cache: &Path, options: &FetchOptions) -> Result<PathBuf> {
        let (platform, root, dir) = (self.platform()?, store::natives(cache), self.directory(cache)?);
        if options.is_offline() {
            return Err(Error::new(
                ErrorKind::Offline,
                format!("{} would have to be fetched, but offline is set", self.what),
            ));
        }
        store::create_dir(&root)?;
        // Before anything is fetched into it: what lies there could not be loaded.
        trust::refuse_strangers(&root, Owners::Us)?;
        let _lock = lock::acquire(&root, options)?;
        if self.check(&dir, cache, Owners::Us).is_ok() {
            return Ok(dir);
        }
        let wheel = Wheel {
            package: self.package,
            version: self.version,
            tag: platform.tag,
            sha256: platform.wheel_sha256,
            bytes: Some(platform.wheel_bytes),
        };
        let work = WorkDir::new(&root)?;
        let archive = wheel.download(work.path(), options)?;
        let new = work.path().join("new");
        store::create_dir(&new)?;
        for member in platform.members {
            wheel::extract(&archive, member.path, member.sha256, &new.join(member.name))?;
        }
        if dir.exists() {
            // Damaged, or `check` above would have returned.
            fs::rename(&dir, work.path().join("old")).map_err(|e| Error::io("cannot replace", &dir, e))?;
        }
        fs::rename(&new, &dir).map_err(|e| Error::io("cannot create", &dir, e))?;
        progress::tell(options, Progress::Finished { dir: dir.clone() });
        Ok(dir)
    }

    /// Checks that `dir` holds the wheel's libraries, unchanged, and that nobody but `owners` could change them. Costs a few calls of the
    /// system where a stamp in `cache` vouches for them, else a hash.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`], [`ErrorKind::Corrupt`], [`ErrorKind::Untrusted`], [`ErrorKind::Io`], [`ErrorKind::UnsupportedPlatform`].
    pub fn check(&self, dir: &Path, cache: &Path, owners: Owners<'_>) -> Result<()> {
        let verifier = Verifier::new(cache);
        self.each(dir, |path, pin| {
            trust::refuse_strangers(path, owners)?;
            verifier.check(path, pin)
        })
    }

    /// Hashes the libraries in `dir`, whatever a stamp says.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`], [`ErrorKind::Corrupt`], [`ErrorKind::Io`], [`ErrorKind::UnsupportedPlatform`].
    pub fn verify(&self, dir: &Path, cache: &Path) -> Result<()> {
        let verifier = Verifier::new(cache);
        self.each(dir, |path, pin| verifier.hash(path, pin))
    }

    fn each(&self, dir: &Path, check: impl Fn(&Path, Pin<'_>) -> Result<()>) -> Result<()> {
        self.platform()?.members.iter().try_for_each(|member| {
            let pin = Pin { bytes: member.bytes, sha256: member.sha256 };
            check(&dir.join(member.name), pin)
        })
    }
}
