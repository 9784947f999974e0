//! Where packages come from: pip's and uv's own settings, for fetches that cannot go through them.
//!
//! No address of an index is written in this code. Looked at, in this order: `DUOLOGUE_INDEX_URL`, `PIP_INDEX_URL`, `UV_DEFAULT_INDEX`,
//! `UV_INDEX_URL`, pip's files (the one that `PIP_CONFIG_FILE` names, the virtual environment's, the user's, the system's), uv's (the one
//! that `UV_CONFIG_FILE` names, the user's, the system's). Files of the current directory are never read.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::error::{Error, ErrorKind, Result};

/// Variables that hold an index's address, in their order.
const VARIABLES: [&str; 4] = ["DUOLOGUE_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"];

/// The environment, as a function, so that tests need not change the process's.
type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The index's address without a trailing slash.
///
/// # Errors
/// [`ErrorKind::Unconfigured`] where nothing names one.
pub(crate) fn package_index() -> Result<String> {
    let environment = |name: &str| env::var_os(name);
    find_index(&environment).ok_or_else(|| {
        Error::new(ErrorKind::Unconfigured, "no package index is known: neither a variable nor pip's or uv's configuration names one")
            .with_remedy(
                "install pip for python3, or set DUOLOGUE_INDEX_URL (or PIP_INDEX_URL) to the address of a Python package index",
            )
    })
}

fn find_index(environment: Environment<'_>) -> Option<String> {
    let variable = |name: &&str| environment(name)?.into_string().ok().filter(|value| !value.is_empty());
    let found = VARIABLES.iter().find_map(variable).map(|value| unnamed(&value).to_owned());
    let from_pip =
        || pip_files(environment).iter().find_map(|path| index_in_ini(&fs::read_to_string(path).ok()?));
    let from_uv =
        || uv_files(environment).iter().find_map(|path| index_in_toml(&fs::read_to_string(path).ok()?));
    found.or_else(from_pip).or_else(from_uv).map(|url| url.trim_end_matches('/').to_owned())
}

/// uv allows `name=https://…`.
fn unnamed(value: &str) -> &str {
    match value.split_once('=') {
        Some((name, url)) if !name.contains(':') => url,
        _ => value,
    }
}

fn pip_files(environment: Environment<'_>) -> Vec<PathBuf> {
    let name = if cfg!(windows) { "pip.ini" } else { "pip.conf" };
    let named = directory(environment, "PIP_CONFIG_FILE");
    let mut files: Vec<PathBuf> = named.into_iter().collect();
    files.extend(directory(environment, "VIRTUAL_ENV").map(|dir| dir.join(name)));
    files.extend(settings_folders(environment).into_iter().map(|dir| dir.join("pip").join(name)));
    let home = directory(environment, if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    files.extend(home.map(|home| home.join(if cfg!(windows) { "pip" } else { ".pip" }).join(name)));
    if cfg!(unix) {
        files.push("/etc/pip.conf".into());
    }
    files
}

fn uv_files(environment: Environment<'_>) -> Vec<PathBuf> {
    let named = directory(environment, "UV_CONFIG_FILE");
    let usual = settings_folders(environment).into_iter().map(|dir| dir.join("uv").join("uv.toml"));
    let system = cfg!(unix).then(|| PathBuf::from("/etc/uv/uv.toml"));
    named.into_iter().chain(usual).chain(system).collect()
}

/// The user's settings first, then the system's.
fn settings_folders(environment: Environment<'_>) -> Vec<PathBuf> {
    let named = |name: &str| directory(environment, name);
    if cfg!(windows) {
        return ["APPDATA", "PROGRAMDATA"].iter().filter_map(|name| named(name)).collect();
    }
    let home = named("HOME");
    let mut folders: Vec<PathBuf> = named("XDG_CONFIG_HOME").into_iter().collect();
    folders.extend(home.as_ref().map(|home| home.join(".config")));
    if cfg!(target_os = "macos") {
        folders.extend(home.map(|home| home.join("Library/Application Support")));
        folders.push("/Library/Application Support".into());
    }
    let system = environment("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".into());
    folders.extend(env::split_paths(&system).filter(|path| path.is_absolute()));
    folders
}

/// An absolute path that a variable names; a relative one would depend on the current directory.
fn directory(environment: Environment<'_>, name: &str) -> Option<PathBuf> {
    environment(name).map(PathBuf::from).filter(|path| path.is_absolute() && path != Path::new("/dev/null"))
}

/// `index-url` in `[download]`, else in `[global]`, as pip reads its files.
fn index_in_ini(text: &str) -> Option<String> {
    let (mut section, mut global, mut download) = (String::new(), None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_lowercase();
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else { continue };
        if key.trim().to_lowercase().replace('_', "-") != "index-url" || value.trim().is_empty() {
            continue;
        }
        match section.as_str() {
            "global" => global = Some(value.trim().to_owned()),
            "download" => download = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    download.or(global)
}

/// `[[index]]` with `default = true`, else `index-url`, else `pip.index-url`, as uv reads its files.
fn index_in_toml(text: &str) -> Option<String> {
    let table: toml::Table = text.parse().ok()?;
    let indexes = table.get("index").and_then(toml::Value::as_array);
    let is_default = |index: &&toml::Value| index.get("default").and_then(toml::Value::as_bool) == Some(true);
    let default = indexes.and_then(|all| all.iter().find(is_default)).and_then(|index| index.get("url"));
    let pip = || table.get("pip").and_then(|pip| pip.get("index-url"));
    let url = default.or_else(|| table.get("index-url")).or_else(pip)?;
    url.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn index(variables: &[(&str, &str)]) -> Option<String> {
        let environment = |name: &str| {
            let pair = variables.iter().find(|(known, _)| *known == name);
            // No file of this machine's may speak in a test.
            let nothing = (name == "XDG_CONFIG_DIRS").then(OsString::new);
            pair.map(|(_, value)| OsString::from(value)).or(nothing)
        };
        find_index(&environment)
    }

    #[test]
    fn variable_of_ours_is_asked_before_those_of_pip_and_uv() {
        let all = [
            ("UV_INDEX_URL", "https://d/simple"),
            ("UV_DEFAULT_INDEX", "company=https://c/simple"),
            ("PIP_INDEX_URL", "https://b/simple/"),
            ("DUOLOGUE_INDEX_URL", "https://a/simple"),
        ];
        for (count, host) in [(4, "a"), (3, "b"), (2, "c"), (1, "d")] {
            assert_eq!(index(&all[..count]), Some(format!("https://{host}/simple")));
        }
    }

    #[test]
    fn files_of_pip_and_uv_are_read() {
        let home = TempDir::new().unwrap();
        let path = home.path().to_str().unwrap();
        let write = |name: &str, text: &str| {
            let file = home.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        let variables = [("XDG_CONFIG_HOME", path)];
        write("uv/uv.toml", "index-url = \"https://uv/simple\"\n");
        let uv = index(&variables);
        assert!(cfg!(windows) || uv.as_deref() == Some("https://uv/simple"), "{uv:?}");
        write("pip/pip.conf", "[global]\ncert = /x\nindex-url = https://pip/simple\n");
        let pip = index(&variables);
        assert!(cfg!(windows) || pip.as_deref() == Some("https://pip/simple"), "{pip:?}");
    }

    #[test]
    fn section_of_another_command_is_not_read() {
        assert_eq!(index_in_ini("[install]\nindex-url = https://no\n"), None);
        let text = "[global]\nindex_url: https://global\n[download]\nindex-url=https://download\n";
        assert_eq!(index_in_ini(text).as_deref(), Some("https://download"));
    }

    #[test]
    fn default_index_of_uv_is_understood() {
        let text = "[[index]]\nurl = \"https://more\"\n[[index]]\nurl = \"https://mine\"\ndefault = true\n";
        assert_eq!(index_in_toml(text).as_deref(), Some("https://mine"));
        assert_eq!(index_in_toml("[pip]\nindex-url = \"https://p\"\n").as_deref(), Some("https://p"));
        assert_eq!(index_in_toml("[[index]]\nurl = \"https://more\"\n"), None);
    }

    #[test]
    fn relative_path_is_not_read() {
        assert_eq!(directory(&|_| Some("pip.conf".into()), "PIP_CONFIG_FILE"), None);
    }
}
