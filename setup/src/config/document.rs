//! `docs/configuration.md`, out of the table of keys.

use super::keys::{KEYS, Key, Kind};

const HEAD: &str = "\
# Configuration

`duologue config reference` writes this page out of the table that checks the settings; a test compares the two.

Settings are looked up in this order, later ones winning: defaults, `duologue.toml`, environment variables, options of
the command line. `duologue config` prints what is in effect and where each value came from, `duologue config check`
validates, and `duologue config explain KEY` tells about one key or a whole table. The same file is valid in every build.

A file in the working directory that nobody named with `--config` may not start MCP servers or send anything to a server
on another machine before you vouch for it, once per directory and content: `duologue config trust`.
";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    let mut section = None;
    for key in KEYS {
        let table = key.path.rsplit_once('.').map_or("", |(table, _)| table);
        if section != Some(table) {
            let title = if table.is_empty() { "Models".to_owned() } else { format!("`[{table}]`") };
            out.push_str(&format!(
                "\n## {title}\n\n| key | value | default | meaning | environment |\n|---|---|---|---|---|\n"
            ));
            section = Some(table);
        }
        out.push_str(&line(key, table));
    }
    out
}

fn line(key: &Key, table: &str) -> String {
    let name = key.path.strip_prefix(table).unwrap_or(key.path).trim_start_matches('.');
    let unit = if key.unit.is_empty() { String::new() } else { format!(", in {}", key.unit) };
    let default = match key.default {
        "" => "none".to_owned(),
        long if long.len() > 60 => "a list of English backchannels".to_owned(),
        short => format!("`{short}`"),
    };
    let kind = match key.kind {
        Kind::Whole(low, high) if high >= i64::from(u32::MAX) => format!("a whole number, {low} or more"),
        kind => kind.to_string(),
    };
    format!("| `{name}` | {kind}{unit} | {default} | {} | `{}` |\n", key.meaning, key.variable())
}

/// What there is to know of `key`, for people.
pub fn explain(key: &Key) -> String {
    let unit = if key.unit.is_empty() { String::new() } else { format!(", in {}", key.unit) };
    let default = if key.default.is_empty() { "none" } else { key.default };
    format!(
        "{}\n  {}\n  value        {}{unit}\n  default      {default}\n  environment  {}\n",
        key.path,
        key.meaning,
        key.kind,
        key.variable()
    )
}
