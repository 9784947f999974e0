//! Settings on top of each other, and where each came from.

use std::collections::BTreeMap;
use std::fmt;

use toml::{Table, Value};

use super::error::{ConfigError, nearest};
use super::keys::{KEYS, Key, Kind};

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// This file.
    File(String),
    /// This variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) | Self::Environment(name) => f.write_str(name),
        }
    }
}

/// One setting as it is in effect.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Which.
    pub key: &'static Key,
    /// Its value, as TOML writes it; a secret's only says that there is one.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

pub(super) fn effective(table: &Table, origins: &BTreeMap<String, Origin>) -> Vec<Setting> {
    let setting = |key: &'static Key| {
        let value = match get(table, key.path) {
            Some(_) if matches!(key.kind, Kind::Secret) => "\"***\"".to_owned(),
            Some(value) => mask(value.clone()).to_string(),
            None => key.default.to_owned(),
        };
        let origin = origins.get(key.path).cloned().unwrap_or(Origin::Default);
        Setting { key, value, origin }
    };
    KEYS.iter().map(setting).collect()
}

/// Headers and environments of servers hold keys.
fn mask(value: Value) -> Value {
    let masked = |name: &str, value: Value| match value {
        Value::Table(inner) if name == "headers" || name == "env" => {
            Value::Table(inner.into_iter().map(|(key, _)| (key, Value::from("***"))).collect())
        }
        other => mask(other),
    };
    match value {
        Value::Table(table) => Value::Table(
            table
                .into_iter()
                .map(|(key, value)| {
                    let value = masked(&key, value);
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(all) => Value::Array(all.into_iter().map(mask).collect()),
        other => other,
    }
}

/// Checks every key of `table`, a file called `name`, and notes that they came from there.
pub(super) fn check(
    table: &Table,
    name: &str,
    origins: &mut BTreeMap<String, Origin>,
) -> Result<(), ConfigError> {
    check_in(table, "", name, origins)
}

fn check_in(
    table: &Table,
    prefix: &str,
    name: &str,
    origins: &mut BTreeMap<String, Origin>,
) -> Result<(), ConfigError> {
    for (step, value) in table {
        let path = if prefix.is_empty() { step.clone() } else { format!("{prefix}.{step}") };
        if let Some(key) = super::key(&path) {
            if let Some(problem) = key.problem(value) {
                return Err(ConfigError::value(name, key, value, &problem));
            }
            origins.insert(path, Origin::File(name.to_owned()));
            continue;
        }
        let is_section = KEYS.iter().any(|key| key.path.starts_with(&format!("{path}.")));
        match value {
            Value::Table(inner) if is_section => check_in(inner, &path, name, origins)?,
            _ if is_section => {
                return Err(ConfigError::new(format!("{name}: {path} must be a table")).about(&path));
            }
            _ => return Err(unknown(&path, prefix, name)),
        }
    }
    Ok(())
}

fn unknown(path: &str, prefix: &str, name: &str) -> ConfigError {
    // Names beside it, and the whole path for what stands in another table.
    let beside = KEYS.iter().filter_map(|key| {
        let rest =
            if prefix.is_empty() { Some(key.path) } else { key.path.strip_prefix(prefix)?.strip_prefix('.') };
        let step = rest?.split('.').next()?;
        Some(if prefix.is_empty() { step.to_owned() } else { format!("{prefix}.{step}") })
    });
    let last = path.rsplit('.').next().unwrap_or(path);
    let elsewhere = KEYS.iter().map(|key| key.path).find(|known| known.rsplit('.').next() == Some(last));
    let advice = match (nearest(path, beside), elsewhere) {
        (_, Some(known)) => format!("did you mean {known}?"),
        (Some(near), _) => format!("did you mean {near}?"),
        _ => "`duologue config explain` lists what there is".to_owned(),
    };
    ConfigError::new(format!("{name}: unknown field `{path}`: {advice}")).about(path)
}

pub(super) fn get<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((step, rest)) => get(table.get(step)?.as_table()?, rest),
    }
}

/// Puts `value` at `path`; fails with the step that is no table.
pub(super) fn set(table: &mut Table, path: &str, value: Value) -> Result<(), String> {
    let Some((step, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value);
        return Ok(());
    };
    match table.entry(step).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => set(inner, rest, value),
        _ => Err(step.to_owned()),
    }
}
