//! What begins with a mark: a tag, a control token, a code block, a link, JSON.

use super::Piece;
use super::calls::{balanced, calls_in, named_call, of_text, tagged_call};

/// Characters with which something that is not text may begin.
pub(super) const STARTS: [char; 6] = ['<', '{', '[', '`', '◁', '!'];

/// What begins at the start of the text.
pub(super) enum Found {
    /// That can't be told yet.
    More,
    /// Text of so many bytes.
    Text(usize),
    /// So many bytes that nobody should hear.
    Silent(usize),
    /// So many bytes, for which this is said.
    Said(usize, String),
    /// So many bytes that open reasoning, and what closes it.
    Reasoning(usize, Vec<(String, bool)>),
    /// So many bytes of tool calls.
    Calls(usize, Vec<Piece>),
}

const REASONING: &[&str] = &[
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reason",
    "reflection",
    "analysis",
    "scratchpad",
    "inner_monologue",
    "internal",
    "plan",
    "planning",
    "chain_of_thought",
    "cot",
    "seed:think",
    "antthinking",
    "tool_response",
    "tool_result",
    "tool_results",
    "function_results",
    "tool_output",
    "script",
    "style",
    "svg",
];
const CALLS: &[&str] = &[
    "tool_call",
    "tool_calls",
    "function_call",
    "function_calls",
    "toolcall",
    "functioncall",
    "tool",
    "invoke",
    "tools_call",
];
/// Longest control token and longest tag.
const MAX_TOKEN: usize = 80;
const MAX_TAG: usize = 600;
const MAX_LABEL: usize = 300;
const MAX_ADDRESS: usize = 2000;

/// What begins at the start of `text`; `ended` says that nothing more comes.
pub(super) fn construct(text: &str, ended: bool) -> Found {
    let found = match text.chars().next() {
        Some('<') if text.starts_with("<|") || text.starts_with("<｜") => token(text, ended),
        Some('<') if text.starts_with("<!--") => {
            text.find("-->").map_or(Found::More, |at| Found::Silent(at + 3))
        }
        Some('<') if "<!--".starts_with(text) && text.len() > 1 => Found::More,
        Some('<') => tag(text, ended),
        Some('{') => json(text, ended),
        Some('[') => bracket(text, ended),
        Some('`') => fence(text, ended),
        Some('◁') => triangle(text),
        Some('!') if text.len() == 1 => Found::More,
        Some('!') if text.starts_with("![") => match bracket(&text[1..], ended) {
            Found::Said(length, label) => Found::Said(length + 1, label),
            Found::More => Found::More,
            _ => Found::Text(1),
        },
        Some(c) => Found::Text(c.len_utf8()),
        None => Found::Text(0),
    };
    match found {
        Found::More if ended => unfinished(text),
        found => found,
    }
}

/// What never became whole: text, unless it is clearly none.
fn unfinished(text: &str) -> Found {
    let silent = text.starts_with("<|") || text.starts_with("<!--") || text.starts_with("◁");
    match text.chars().next() {
        Some(_) if silent => Found::Silent(text.len()),
        Some(c) => Found::Text(c.len_utf8()),
        None => Found::Text(0),
    }
}

/// `<|im_end|>`, `<|channel|>analysis<|message|>`, `<｜tool▁call▁begin｜>`.
fn token(text: &str, ended: bool) -> Found {
    let wide = text.starts_with("<｜");
    let (open, close) = if wide { ("<｜", "｜>") } else { ("<|", "|>") };
    let Some(end) = text[open.len()..].find(close) else {
        let may = text.len() < MAX_TOKEN && !text.contains('\n') && !ended;
        return if may { Found::More } else { Found::Text(1) };
    };
    let name = text[open.len()..open.len() + end].to_lowercase().replace('▁', "_");
    if open.len() + end + close.len() > MAX_TOKEN || name.contains(char::is_whitespace) {
        return Found::Text(1);
    }
    let length = open.len() + end + close.len();
    match name.as_str() {
        "start" => role(text, length, ended),
        "channel" => channel(text, length, ended),
        "tool_calls_begin" | "tool_calls_section_begin" => Found::Silent(length),
        "tool_call_begin" => begun_call(text, length, wide, ended),
        "begin_of_thought" | "think" | "thinking" | "start_thinking" => Found::Reasoning(
            length,
            vec![
                ("<|end_of_thought|>".to_owned(), true),
                (format!("<|/{name}|>"), true),
                ("<|end_thinking|>".to_owned(), true),
            ],
        ),
        "start_header_id" => match text.find("<|end_header_id|>") {
            Some(at) if at < MAX_TOKEN => Found::Silent(at + "<|end_header_id|>".len()),
            Some(_) => Found::Silent(length),
            None if text.len() >= MAX_TOKEN + "<|end_header_id|>".len() => Found::Silent(length),
            None => Found::More,
        },
        _ => Found::Silent(length),
    }
}

/// `<|start|>assistant`: a role, which is not said.
fn role(text: &str, length: usize, ended: bool) -> Found {
    match text[length..].find("<|") {
        Some(at) if at < MAX_TOKEN => Found::Silent(length + at),
        Some(_) => Found::Silent(length),
        None if text.len() - length < MAX_TOKEN && !ended => Found::More,
        None => Found::Silent(length),
    }
}

/// `<|channel|>analysis<|message|>…<|end|>`: reasoning, a call, or the answer.
fn channel(text: &str, length: usize, ended: bool) -> Found {
    const MESSAGE: &str = "<|message|>";
    let message = text[length..].find(MESSAGE).filter(|at| at + MESSAGE.len() <= MAX_LABEL);
    let Some(at) = message else {
        return if text.len() - length < MAX_LABEL && !ended { Found::More } else { Found::Silent(length) };
    };
    let header = text[length..length + at].trim();
    let body = length + at + MESSAGE.len();
    if let Some(to) = header.split("to=").nth(1) {
        let name = to.split(|c: char| c.is_whitespace() || c == '<').next().unwrap_or_default();
        let end = text[body..].find("<|");
        return match end {
            Some(end) => Found::Calls(body + end, named_call(name, &text[body..body + end])),
            None if ended => Found::Calls(text.len(), named_call(name, &text[body..])),
            None => Found::More,
        };
    }
    if header.starts_with("analysis") || header.starts_with("thought") {
        let closers = [("<|end|>", true), ("<|return|>", true), ("<|start|>", false), ("<|channel|>", false)];
        return Found::Reasoning(body, closers.map(|(closer, taken)| (closer.to_owned(), taken)).to_vec());
    }
    Found::Silent(body)
}

/// Between a call's begin and end tokens, with its name before a separator.
fn begun_call(text: &str, length: usize, wide: bool, ended: bool) -> Found {
    let (close, separators): (&str, &[&str]) = if wide {
        ("<｜tool▁call▁end｜>", &["<｜tool▁sep｜>"])
    } else {
        ("<|tool_call_end|>", &["<|tool_call_argument_begin|>", "<|tool_sep|>"])
    };
    let (end, after) = match text[length..].find(close) {
        Some(at) => (length + at, length + at + close.len()),
        None if ended => (text.len(), text.len()),
        None => return Found::More,
    };
    let body = &text[length..end];
    let split = separators.iter().find_map(|separator| body.split_once(separator));
    let calls = match split {
        Some((kind, rest)) if kind.trim() == "function" => {
            let (name, arguments) = rest.split_once('\n').unwrap_or((rest, ""));
            named_call(name, arguments)
        }
        Some((name, arguments)) => named_call(name, arguments),
        None => of_text(body),
    };
    Found::Calls(after, calls)
}

/// The tag at the start of `text`: its name in lower case, whether it closes, whether it is empty, its
/// length. `Err(true)` if more is needed, `Err(false)` if it is none.
fn parsed(text: &str) -> Result<(String, bool, bool, usize), bool> {
    let bytes = text.as_bytes();
    let mut at = 1;
    let closes = bytes.get(at) == Some(&b'/');
    at += usize::from(closes);
    let start = at;
    while bytes
        .get(at)
        .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-' | b'.') && at > start)
    {
        at += 1;
    }
    if at >= bytes.len() {
        return Err(at - start < 40);
    }
    if at == start || !bytes[start].is_ascii_alphabetic() || at - start > 40 {
        return Err(false);
    }
    let name = text[start..at].to_ascii_lowercase();
    // `<function=get_weather>`
    if bytes[at] == b'=' {
        let end = text[at..].find('>').filter(|end| *end < MAX_TAG).ok_or(text.len() - at < MAX_TAG)?;
        return Ok((name, closes, false, at + end + 1));
    }
    loop {
        let blank = at;
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        match bytes.get(at) {
            None => return Err(at < MAX_TAG),
            Some(b'>') => return Ok((name, closes, false, at + 1)),
            Some(b'/') if bytes.get(at + 1) == Some(&b'>') => return Ok((name, closes, true, at + 2)),
            Some(b'/') if bytes.len() == at + 1 => return Err(true),
            Some(_) if blank == at || at > MAX_TAG => return Err(false),
            Some(_) => at = attribute(text, at)?,
        }
    }
}

/// Where the attribute at `at` ends; it has a value.
fn attribute(text: &str, at: usize) -> Result<usize, bool> {
    let bytes = text.as_bytes();
    let mut end = at;
    while bytes
        .get(end)
        .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-' | b'@' | b'.'))
    {
        end += 1;
    }
    match bytes.get(end) {
        None => return Err(end - at < 40),
        Some(b'=') if end > at => {}
        Some(_) => return Err(false),
    }
    match bytes.get(end + 1) {
        None => Err(true),
        Some(quote @ (b'"' | b'\'')) => {
            match text[end + 2..].find(char::from(*quote)).filter(|close| end + 2 + close - at < MAX_TAG) {
                Some(close) => Ok(end + 2 + close + 1),
                None => Err(text.len() - at < MAX_TAG),
            }
        }
        Some(_) => {
            let close = text[end + 1..]
                .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
                .filter(|close| end + 1 + close - at < MAX_TAG)
                .ok_or(text.len() - at < MAX_TAG)?;
            Ok(end + 1 + close)
        }
    }
}

fn tag(text: &str, ended: bool) -> Found {
    let (name, closes, empty, length) = match parsed(text) {
        Ok(tag) => tag,
        Err(true) if !ended => return Found::More,
        Err(_) => return Found::Text(1),
    };
    if closes || empty {
        return Found::Silent(length);
    }
    if REASONING.contains(&name.as_str()) {
        return Found::Reasoning(length, vec![(format!("</{name}>"), true)]);
    }
    if CALLS.contains(&name.as_str()) || name == "function" && text[..length].contains('=') {
        let close = format!("</{name}>");
        let lower = text.to_ascii_lowercase();
        let (end, after) = match lower[length..].find(&close) {
            Some(at) => (length + at, length + at + close.len()),
            None if ended => (text.len(), text.len()),
            None => return Found::More,
        };
        return Found::Calls(after, tagged_call(&text[..length], &text[length..end]));
    }
    match name.as_str() {
        "br" | "p" | "li" | "hr" | "div" | "td" | "tr" => Found::Said(length, " ".to_owned()),
        _ => Found::Silent(length),
    }
}

/// JSON in the text: calls, or nothing that anybody should hear.
fn json(text: &str, ended: bool) -> Found {
    let inside = text[1..].trim_start();
    let keyed = inside
        .strip_prefix('"')
        .map(|rest| rest.split_once('"').map(|(key, after)| (key, after.trim_start())));
    match keyed {
        None if inside.is_empty() && !ended => return Found::More,
        None => return Found::Text(1),
        Some(None) if inside.len() > MAX_LABEL => return Found::Text(1),
        Some(Some((key, _))) if key.len() >= MAX_LABEL => return Found::Text(1),
        Some(Some((_, after))) if !after.is_empty() && !after.starts_with(':') => return Found::Text(1),
        Some(_) => {}
    }
    match balanced(text) {
        Some(length) => {
            calls_in(&text[..length]).map_or(Found::Silent(length), |calls| Found::Calls(length, calls))
        }
        None if ended => Found::Silent(text.len()),
        None => Found::More,
    }
}

/// `[TOOL_CALLS]`, `[THINK]`, `[{"name": …}]`, `[text](address)`.
fn bracket(text: &str, ended: bool) -> Found {
    let inside = &text[1..];
    if inside.trim_start().starts_with('{') {
        let object = &inside.trim_start()[1..];
        return match object.trim_start().chars().next() {
            Some('"') => match balanced(text) {
                Some(length) => calls_in(&text[..length])
                    .map_or(Found::Silent(length), |calls| Found::Calls(length, calls)),
                None if ended => Found::Silent(text.len()),
                None => Found::More,
            },
            None => Found::More,
            Some(_) => Found::Text(1),
        };
    }
    if inside.trim_start().is_empty() && inside.len() < 8 {
        return Found::More;
    }
    let Some(end) = inside
        .char_indices()
        .take_while(|(at, c)| *at < MAX_LABEL && *c != '\n' && *c != '[')
        .find(|(_, c)| *c == ']')
        .map(|(at, _)| at)
    else {
        let open = inside.len() < MAX_LABEL && !inside.contains(['\n', '[']);
        return if open && !ended { Found::More } else { Found::Text(1) };
    };
    let (label, length) = (&inside[..end], end + 2);
    match label {
        "TOOL_CALLS" => return mistral(text, length, ended),
        "THINK" => return Found::Reasoning(length, vec![("[/think]".to_owned(), true)]),
        "/THINK" | "INST" | "/INST" | "SYSTEM_PROMPT" | "/SYSTEM_PROMPT" | "AVAILABLE_TOOLS"
        | "/AVAILABLE_TOOLS" | "/TOOL_CALLS" => return Found::Silent(length),
        "TOOL_RESULTS" => return Found::Reasoning(length, vec![("[/tool_results]".to_owned(), true)]),
        _ => {}
    }
    match text[length..].chars().next() {
        None if !ended => Found::More,
        Some('(') => {
            let address = text[length..]
                .char_indices()
                .take_while(|(at, c)| *at < MAX_ADDRESS && *c != '\n')
                .find(|(_, c)| *c == ')');
            match address {
                // A footnote's link says nothing.
                Some((at, _)) if !label.is_empty() && label.chars().all(|c| c.is_ascii_digit()) => {
                    Found::Silent(length + at + 1)
                }
                Some((at, _)) => Found::Said(length + at + 1, label.to_owned()),
                None if !ended && text.len() - length < MAX_ADDRESS && !text[length..].contains('\n') => {
                    Found::More
                }
                None => Found::Text(1),
            }
        }
        _ => Found::Text(1),
    }
}

/// What follows `[TOOL_CALLS]`: a list, or a name and its arguments.
fn mistral(text: &str, length: usize, ended: bool) -> Found {
    let rest = &text[length..];
    let body = rest.trim_start();
    let start = text.len() - body.len();
    let Some(open) = body.find(['{', '[']) else {
        return if ended { Found::Silent(text.len()) } else { Found::More };
    };
    let (name, mut arguments) = (body[..open].trim(), start + open);
    if text[arguments..].starts_with("[ARGS]") {
        arguments += "[ARGS]".len();
    } else if "[ARGS]".starts_with(&text[arguments..]) && !name.is_empty() && !ended {
        return Found::More;
    }
    let blank = text[arguments..].len() - text[arguments..].trim_start().len();
    arguments += blank;
    let Some(size) = balanced(&text[arguments..]) else {
        return if ended { Found::Silent(text.len()) } else { Found::More };
    };
    let json = &text[arguments..arguments + size];
    let calls = if name.is_empty() { calls_in(json).unwrap_or_default() } else { named_call(name, json) };
    Found::Calls(arguments + size, calls)
}

/// A fenced block: calls, or code that nobody should hear. Single backticks are text.
fn fence(text: &str, ended: bool) -> Found {
    let run = text.len() - text.trim_start_matches('`').len();
    if run < 3 {
        return if run == text.len() && !ended { Found::More } else { Found::Text(run) };
    }
    let mark = &text[..run];
    match text[run..].find(mark) {
        Some(at) => {
            let after = run + at + run;
            let body = &text[run..run + at];
            let body = body.split_once('\n').map_or(body, |(_, body)| body);
            let calls = calls_in(body.trim()).unwrap_or_default();
            Found::Calls(after, calls)
        }
        None if ended => {
            let body = text[run..].split_once('\n').map_or("", |(_, body)| body);
            Found::Calls(text.len(), calls_in(body.trim()).unwrap_or_default())
        }
        None => Found::More,
    }
}

/// `◁think▷`.
fn triangle(text: &str) -> Found {
    let Some(end) = text.find('▷').filter(|end| *end < MAX_TOKEN) else {
        return if text.len() < MAX_TOKEN { Found::More } else { Found::Text('◁'.len_utf8()) };
    };
    let length = end + '▷'.len_utf8();
    match &text['◁'.len_utf8()..end] {
        "think" => Found::Reasoning(length, vec![("◁/think▷".to_owned(), true)]),
        _ => Found::Silent(length),
    }
}
