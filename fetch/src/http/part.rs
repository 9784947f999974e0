//! A download that is not finished: its bytes so far, and by what the server recognises the file they are of.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use ureq::http::{HeaderMap, header};

use crate::{
    error::{Error, ErrorKind, Result},
    store,
    verify::{corrupt, sha256_file},
};

/// The unfinished file. Its name is made of the pinned sum, so bytes of another version are never mixed in.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Whether some of it was here before this process began, or came from an earlier request.
    pieced: bool,
}

impl Part {
    /// Opens what is left of an earlier download in `parts`, or begins.
    pub(super) fn open(parts: &Path, sha256: &str) -> Result<Self> {
        store::create_dir(parts)?;
        let path = parts.join(format!("{sha256}.part"));
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        store::private(&mut options);
        let file = options.open(&path).map_err(|e| Error::io("cannot create", &path, e))?;
        let bytes = file.metadata().map_err(|e| Error::io("cannot read", &path, e))?.len();
        Ok(Self { path, file, bytes, pieced: bytes > 0 })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn is_pieced(&self) -> bool {
        self.pieced
    }

    pub(super) fn write(&mut self, block: &[u8]) -> Result<()> {
        self.file.write_all(block).map_err(|e| Error::io("cannot write", &self.path, e))?;
        self.bytes += block.len() as u64;
        Ok(())
    }

    /// The next body continues what is here.
    pub(super) fn continues(&mut self) {
        self.pieced |= self.bytes > 0;
    }

    /// Forgets all bytes.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(|e| Error::io("cannot write", &self.path, e))?;
        self.bytes = 0;
        self.pieced = false;
        let _ = fs::remove_file(self.tag_path());
        Ok(())
    }

    /// The server's name for the version that the bytes are of: a strong tag, else the time of its last change.
    pub(super) fn tag(&self) -> Option<String> {
        fs::read_to_string(self.tag_path()).ok().filter(|tag| !tag.is_empty())
    }

    pub(super) fn remember_tag(&self, headers: &HeaderMap) {
        let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let strong = text(header::ETAG).filter(|tag| tag.starts_with('"'));
        let tag = strong.or_else(|| text(header::LAST_MODIFIED)).unwrap_or_default();
        // Without it the sum tells in the end whether the pieces fit.
        let _ = fs::write(self.tag_path(), tag);
    }

    /// Moves the file to `dest` if it is the pinned one.
    pub(super) fn finish(&self, dest: &Path, sha256: &str) -> Result<()> {
        // Before the rename that makes it visible: a crash must not leave a file that is there but empty.
        self.file.sync_all().map_err(|e| Error::io("cannot write", &self.path, e))?;
        let found = sha256_file(&self.path)?;
        if found != sha256 {
            return Err(corrupt(dest, &format!("its SHA-256 is {found} instead of {sha256}"))
                .with_remedy("the server or something on the way changed it, use another source"));
        }
        fs::rename(&self.path, dest).map_err(|e| Error::io("cannot create", dest, e))?;
        let _ = fs::remove_file(self.tag_path());
        Ok(())
    }

    /// Removes it, because it is of no use to a later try.
    pub(super) fn discard(self) {
        let _ = fs::remove_file(self.tag_path());
        let _ = fs::remove_file(&self.path);
    }

    fn tag_path(&self) -> PathBuf {
        self.path.with_extension("tag")
    }
}

/// Whether what is here may help a later try.
pub(super) fn may_be_resumed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Network | ErrorKind::Timeout)
}
