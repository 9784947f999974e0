//! What stands in the parentheses of `#[tool(…)]`.

use std::time::Duration;

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, ExprPath, Lit, LitStr, Meta, Path, Result, Token};

/// The options, each at most once.
#[derive(Debug, Default)]
pub struct Options {
    pub name: Option<LitStr>,
    pub description: Option<LitStr>,
    pub effect: bool,
    pub time_limit: Option<Duration>,
    pub output_limit: Option<usize>,
    pub krate: Option<Path>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let mut seen = Vec::new();
        for meta in Punctuated::<Meta, Token![,]>::parse_terminated(input)? {
            let key = meta.path().get_ident().map(ToString::to_string).unwrap_or_default();
            if seen.contains(&key) {
                return Err(Error::new(meta.span(), format!("`{key}` is given twice")));
            }
            options.set(&key, &meta)?;
            seen.push(key);
        }
        Ok(options)
    }
}

impl Options {
    fn set(&mut self, key: &str, meta: &Meta) -> Result<()> {
        match key {
            "name" => self.name = Some(name(text(meta)?)?),
            "description" => self.description = Some(text(meta)?),
            "effect" => {
                meta.require_path_only()
                    .map_err(|_| Error::new(meta.span(), "`effect` is a flag: write it alone"))?;
                self.effect = true;
            }
            "time_limit" => self.time_limit = Some(time_limit(value(meta)?)?),
            "output_limit" => self.output_limit = Some(output_limit(value(meta)?)?),
            "crate" => self.krate = Some(path(value(meta)?)?),
            _ => {
                return Err(Error::new(
                    meta.path().span(),
                    "unknown option: a tool has `name`, `description`, `effect`, `time_limit`, `output_limit` \
                     and `crate`",
                ));
            }
        }
        Ok(())
    }
}

fn value(meta: &Meta) -> Result<&Expr> {
    match meta {
        Meta::NameValue(pair) => Ok(&pair.value),
        _ => Err(Error::new(meta.span(), "this option needs a value: `option = value`")),
    }
}

fn text(meta: &Meta) -> Result<LitStr> {
    match value(meta)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
        other => Err(Error::new(other.span(), "this option is a string: `option = \"…\"`")),
    }
}

fn name(name: LitStr) -> Result<LitStr> {
    match check_name(&name.value()) {
        Ok(()) => Ok(name),
        Err(message) => Err(Error::new(name.span(), message)),
    }
}

/// What servers accept as a function's name.
pub fn check_name(name: &str) -> std::result::Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("`{name}` cannot be a tool's name: use 1 to 64 ASCII letters, digits, `_` and `-`"))
}

fn time_limit(value: &Expr) -> Result<Duration> {
    let limit = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(seconds), .. }) => {
            seconds.base10_parse().ok().map(Duration::from_secs)
        }
        Expr::Lit(ExprLit { lit: Lit::Float(seconds), .. }) => {
            seconds.base10_parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => duration(&text.value()),
        _ => None,
    };
    match limit {
        Some(limit) if limit >= Duration::from_millis(1) => Ok(limit),
        _ => Err(Error::new(
            value.span(),
            "a time limit is a number of seconds above 0, or text such as \"500ms\", \"10s\" or \"2m\"",
        )),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: u64 = digits.parse().ok()?;
    match text[digits.len()..].trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" | "min" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

fn output_limit(value: &Expr) -> Result<usize> {
    let limit = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(bytes), .. }) => bytes.base10_parse().unwrap_or(0),
        _ => 0,
    };
    match limit {
        0 => Err(Error::new(value.span(), "an output limit is a number of bytes above 0")),
        limit => Ok(limit),
    }
}

fn path(value: &Expr) -> Result<Path> {
    match value {
        Expr::Path(ExprPath { path, .. }) => Ok(path.clone()),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.parse(),
        other => Err(Error::new(other.span(), "`crate` is a path: `crate = my_reexports::agent`")),
    }
}
