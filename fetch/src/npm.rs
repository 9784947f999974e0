//! Fetches a tarball with the user's npm, which knows the user's registry, proxy and certificates.
//!
//! npm runs in the work folder, in an empty package of its own, without scripts: no `.npmrc` or `package.json` of the current directory is
//! read. Where there is no npm, the registry that `npm_config_registry` or the user's `.npmrc` names is asked itself.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    child,
    error::{Error, ErrorKind, Result},
    http::{self, Download},
    options::FetchOptions,
    progress::{self, Progress},
    source::PackageMember,
    verify::sha256_file,
};

/// Downloads the package's tarball into `work` and checks its sum.
pub(crate) fn download(package: &PackageMember, work: &Path, options: &FetchOptions) -> Result<PathBuf> {
    let work = std::path::absolute(work).map_err(|e| Error::io("cannot resolve", work, e))?;
    let what = format!("{} {}", package.package, package.version);
    progress::tell(options, Progress::Started { what, bytes: None });
    let tarball = work.join(file_name(package));
    let npm_said = match pack(package, &work)? {
        None if tarball.is_file() => return verified(tarball, package),
        None => "npm delivered nothing".to_owned(),
        Some(why) => why,
    };
    let registry = registry().ok_or_else(|| {
        Error::new(ErrorKind::Unconfigured, format!("{} cannot be fetched: {npm_said}", package.package))
            .with_remedy("install npm, or set npm_config_registry to the address of a registry")
    })?;
    let base = package.package.rsplit('/').next().unwrap_or(&package.package);
    let url = format!("{registry}/{}/-/{base}-{}.tgz", package.package, package.version);
    let file = Download { url: &url, bytes: None, sha256: &package.sha256, dest: &tarball };
    http::download(file, &work, options)
        .map_err(|e| Error::new(e.kind(), format!("{e} (npm was tried first: {npm_said})")).with_cause(e))?;
    Ok(tarball)
}

/// Why npm did not deliver, if it did not.
fn pack(package: &PackageMember, work: &Path) -> Result<Option<String>> {
    // npm looks for a package above its folder; this one ends the search.
    let own = work.join("package.json");
    fs::write(&own, "{}").map_err(|e| Error::io("cannot write", &own, e))?;
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command
        .args(["pack", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", "--no-update-notifier"])
        .arg(format!("{}@{}", package.package, package.version));
    match child::run(command, work) {
        Ok(outcome) if outcome.status.success() => Ok(None),
        Ok(outcome) if child::tells_full_disk(&outcome.said) => {
            Err(Error::disk_full(work, child::last_lines(&outcome.said)))
        }
        Ok(outcome) => Ok(Some(format!("{}: {}", outcome.status, child::last_lines(&outcome.said)))),
        Err(child::Failure::Ours(error)) => Err(error),
        Err(child::Failure::Theirs(why)) => Ok(Some(why)),
    }
}

/// `@scope/name` becomes `scope-name-1.0.tgz`, as `npm pack` names it.
fn file_name(package: &PackageMember) -> String {
    format!("{}-{}.tgz", package.package.trim_start_matches('@').replace('/', "-"), package.version)
}

fn verified(tarball: PathBuf, package: &PackageMember) -> Result<PathBuf> {
    let sum = sha256_file(&tarball)?;
    if sum == package.sha256 {
        return Ok(tarball);
    }
    let message = format!("{} from npm has SHA-256 {sum} instead of {}", file_name(package), package.sha256);
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_remedy("the registry or something on the way changed it, use another source"))
}

/// The registry that npm's own settings name, without a trailing slash.
fn registry() -> Option<String> {
    let variable = ["npm_config_registry", "NPM_CONFIG_REGISTRY"].iter().find_map(|name| env::var(name).ok());
    let from_file = || {
        let home = env::home_dir().filter(|home| home.is_absolute())?;
        registry_in(&fs::read_to_string(home.join(".npmrc")).ok()?)
    };
    let url = variable.filter(|url| !url.is_empty()).or_else(from_file)?;
    Some(url.trim_end_matches('/').to_owned())
}

fn registry_in(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "registry" && !value.trim().is_empty()).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> PackageMember {
        let text = |text: &str| text.to_owned();
        PackageMember { package: text(name), version: text("1.2"), sha256: text("00"), member: text("m") }
    }

    #[test]
    fn tarballs_are_named_as_npm_names_them() {
        assert_eq!(file_name(&package("kokoro-js")), "kokoro-js-1.2.tgz");
        assert_eq!(file_name(&package("@a/b")), "a-b-1.2.tgz");
    }

    #[test]
    fn registry_of_a_scope_is_not_taken_for_all() {
        let text = "@a:registry=https://a\n; registry=https://no\nregistry = https://mine/\n";
        assert_eq!(registry_in(text).as_deref(), Some("https://mine/"));
        assert_eq!(registry_in("fund=false\n"), None);
    }
}
