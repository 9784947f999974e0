//! Unpacks archives that somebody else made: tar, tar.gz, tar.bz2 and zip, told apart by their first bytes.
//!
//! Nothing is written outside the target folder: `..`, absolute paths, drives, links that lead out and anything that is neither file, folder
//! nor link end the unpacking with an error. Links inside become copies. Size and number of what is unpacked are limited while it is read,
//! whatever the archive says of itself. A target folder in which unpacking failed is for its owner to remove.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek},
    path::{Component, Path, PathBuf},
};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::{
    error::{Error, ErrorKind, Result},
    store,
};

/// How much may come out of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Files, folders and links.
    pub entries: usize,
}

impl Default for Limits {
    /// 4 GiB in 10,000 entries: three times the largest model that is known, and fewer entries than would fill a file system.
    fn default() -> Self {
        Self { bytes: 4 << 30, entries: 10_000 }
    }
}

/// Unpacks `archive` into the folder `dest`, which should be empty.
///
/// # Errors
/// [`ErrorKind::Corrupt`] (damaged, of no known format, too large, or with something that leads out), [`ErrorKind::DiskFull`],
/// [`ErrorKind::Io`].
pub fn unpack(archive: &Path, dest: &Path, limits: Limits) -> Result<()> {
    store::create_dir(dest)?;
    let mut file = File::open(archive).map_err(|e| Error::io("cannot read", archive, e))?;
    let mut magic = [0; 6];
    let read = read_up_to(&mut file, &mut magic).and_then(|n| file.rewind().map(|()| n));
    let magic = &magic[..read.map_err(|e| Error::io("cannot read", archive, e))?];
    let mut target = Target { archive, dest, left: limits, links: Vec::new() };
    let file = BufReader::new(file);
    match magic {
        [b'P', b'K', ..] => target.zip(file)?,
        [0x1f, 0x8b, ..] => target.tar(MultiGzDecoder::new(file))?,
        [b'B', b'Z', b'h', ..] => target.tar(MultiBzDecoder::new(file))?,
        _ => target.tar(file)?,
    }
    target.copy_links()
}

/// The folder that holds what matters: `dir` itself, or the one folder in it if there is nothing else.
///
/// # Errors
/// [`ErrorKind::Io`].
pub fn top(dir: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).map_err(|e| Error::io("cannot read", dir, e))?;
    // Hidden files say nothing of what the archive's author meant: a lock of ours, a desktop's notes.
    let mut shown = entries.flatten().filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    match (shown.next(), shown.next()) {
        (Some(only), None) if only.file_type().is_ok_and(|kind| kind.is_dir()) => Ok(only.path()),
        _ => Ok(dir.to_owned()),
    }
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match file.read(&mut buffer[have..])? {
            0 => break,
            n => have += n,
        }
    }
    Ok(have)
}

struct Target<'a> {
    archive: &'a Path,
    dest: &'a Path,
    left: Limits,
    /// Where a link stands, and where it leads, both inside `dest`.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Target<'_> {
    fn tar(&mut self, from: impl Read) -> Result<()> {
        let mut archive = tar::Archive::new(from);
        for entry in archive.entries().map_err(|e| self.damaged(&e))? {
            let entry = entry.map_err(|e| self.damaged(&e))?;
            let path = entry.path().map_err(|e| self.damaged(&e))?.into_owned();
            let kind = entry.header().entry_type();
            match kind {
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    self.file(&path, entry)?
                }
                EntryType::Directory => self.folder(&path)?,
                EntryType::XGlobalHeader => {}
                EntryType::Symlink | EntryType::Link => {
                    let to =
                        entry.link_name().map_err(|e| self.damaged(&e))?.unwrap_or_default().into_owned();
                    // A symbolic link is read from where it stands, a hard link from the top.
                    let base = if kind == EntryType::Symlink { path.parent() } else { None };
                    self.link(&path, base.unwrap_or(Path::new("")), &to)?;
                }
                _ => return Err(self.refused(&path, "is neither a file nor a folder")),
            }
        }
        Ok(())
    }

    fn zip(&mut self, from: impl Read + Seek) -> Result<()> {
        let mut archive = zip::ZipArchive::new(from).map_err(|e| self.damaged(&e))?;
        for at in 0..archive.len() {
            let mut entry = archive.by_index(at).map_err(|e| self.damaged(&e))?;
            let path = PathBuf::from(entry.name());
            if entry.is_dir() {
                self.folder(&path)?;
            } else if entry.is_symlink() {
                let mut to = String::new();
                entry.by_ref().take(4_096).read_to_string(&mut to).map_err(|e| self.damaged(&e))?;
                self.link(&path, path.parent().unwrap_or(Path::new("")), Path::new(&to))?;
            } else {
                self.file(&path, entry)?;
            }
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<()> {
        self.count(path)?;
        store::create_dir(&self.place(path)?)
    }

    fn file(&mut self, path: &Path, mut from: impl Read) -> Result<()> {
        self.count(path)?;
        let place = self.place(path)?;
        if let Some(folder) = place.parent() {
            store::create_dir(folder)?;
        }
        if place.symlink_metadata().is_ok() {
            return Err(self.refused(path, "is there twice"));
        }
        let mut to = store::create_file(&place)?;
        // One byte more than allowed shows that there is too much.
        let copied = io::copy(&mut from.by_ref().take(self.left.bytes.saturating_add(1)), &mut to);
        let bytes = copied.map_err(|e| match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::io("cannot write", &place, e)
            }
            _ => self.damaged(&e),
        })?;
        self.spend(path, bytes)
    }

    fn link(&mut self, path: &Path, base: &Path, to: &Path) -> Result<()> {
        self.count(path)?;
        let from = self.place(path)?;
        let whereto = within(&base.join(to)).ok_or_else(|| self.refused(path, "is a link that leads out"))?;
        self.links.push((from, self.dest.join(whereto)));
        Ok(())
    }

    /// Links become copies, once all files are there.
    fn copy_links(mut self) -> Result<()> {
        for (from, to) in std::mem::take(&mut self.links) {
            let meta = to.symlink_metadata().ok().filter(fs::Metadata::is_file);
            let meta = meta.ok_or_else(|| self.refused(&from, "is a link to no file"))?;
            self.spend(&from, meta.len())?;
            if let Some(folder) = from.parent() {
                store::create_dir(folder)?;
            }
            fs::copy(&to, &from).map_err(|e| Error::io("cannot write", &from, e))?;
        }
        Ok(())
    }

    fn count(&mut self, path: &Path) -> Result<()> {
        let left = self.left.entries.checked_sub(1);
        self.left.entries = left.ok_or_else(|| self.refused(path, "is one entry too many"))?;
        Ok(())
    }

    fn spend(&mut self, path: &Path, bytes: u64) -> Result<()> {
        let left = self.left.bytes.checked_sub(bytes);
        self.left.bytes = left.ok_or_else(|| self.refused(path, "makes it larger than it may be"))?;
        Ok(())
    }

    fn place(&self, path: &Path) -> Result<PathBuf> {
        // A backslash or a colon means something else on Windows than here.
        let plain = path.to_str().is_some_and(|text| !text.contains(['\\', ':', '\0']));
        let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !plain || !inside {
            return Err(self.refused(path, "leads out of the archive"));
        }
        Ok(self.dest.join(path))
    }

    fn refused(&self, path: &Path, why: &str) -> Error {
        let message = format!("{}: {} {why}", self.archive.display(), path.display());
        Error::new(ErrorKind::Corrupt, message).with_remedy("get the archive from another source")
    }

    fn damaged(&self, why: &dyn std::fmt::Display) -> Error {
        Error::new(ErrorKind::Corrupt, format!("{}: cannot unpack it: {why}", self.archive.display()))
            .with_remedy("delete it and fetch it again")
    }
}

/// The path without `.` and `..`, if it stays inside.
fn within(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir => clean.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}
