//! Tool calls out of the JSON and the tags that models write them in.

use serde_json::{Map, Value};

use super::Piece;

/// Bytes of the JSON object or list at the start of `text`, if it is whole.
pub(super) fn balanced(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The calls that `json` holds, if it is made of calls only.
pub(super) fn calls_in(json: &str) -> Option<Vec<Piece>> {
    let values: Vec<Value> =
        serde_json::Deserializer::from_str(json).into_iter().collect::<Result<_, _>>().ok()?;
    let mut calls = Vec::new();
    for value in values {
        calls.extend(calls_of(&value)?);
    }
    (!calls.is_empty()).then_some(calls)
}

fn calls_of(value: &Value) -> Option<Vec<Piece>> {
    match value {
        Value::Array(items) => {
            items.iter().map(calls_of).collect::<Option<Vec<_>>>().map(|calls| calls.concat())
        }
        Value::Object(fields) => {
            if let Some(list) =
                ["tool_calls", "calls", "function_calls"].iter().find_map(|key| fields.get(*key))
            {
                return calls_of(list);
            }
            if let Some(inner @ Value::Object(_)) =
                ["function", "function_call", "tool_call"].iter().find_map(|key| fields.get(*key))
            {
                return calls_of(inner);
            }
            Some(vec![call_of(fields)?])
        }
        _ => None,
    }
}

fn call_of(fields: &Map<String, Value>) -> Option<Piece> {
    let name = ["name", "tool", "tool_name", "function", "function_name", "action"]
        .iter()
        .find_map(|key| fields.get(*key)?.as_str())?;
    let arguments =
        ["arguments", "parameters", "args", "input", "tool_input", "action_input", "kwargs", "params"]
            .iter()
            .find_map(|key| fields.get(*key))?;
    let arguments = match arguments {
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object)?,
        Value::Null => Value::Object(Map::new()),
        Value::Object(_) => arguments.clone(),
        _ => return None,
    };
    Some(call(name, &arguments))
}

fn call(name: &str, arguments: &Value) -> Piece {
    let name = name.trim();
    let name = name.strip_prefix("functions.").unwrap_or(name);
    // Kimi counts its calls: "functions.get_weather:0".
    let name = name
        .rsplit_once(':')
        .filter(|(_, n)| n.chars().all(|c| c.is_ascii_digit()))
        .map_or(name, |(name, _)| name);
    Piece::ToolCall { name: name.to_owned(), arguments: arguments.to_string() }
}

/// The call of `name` with the JSON in `arguments`, perhaps fenced; none if that is no object.
pub(super) fn named_call(name: &str, arguments: &str) -> Vec<Piece> {
    let json = unfenced(arguments);
    let value: Option<Value> =
        if json.is_empty() { Some(Value::Object(Map::new())) } else { serde_json::from_str(json).ok() };
    value
        .filter(|value| value.is_object() && !name.trim().is_empty())
        .map(|value| call(name, &value))
        .into_iter()
        .collect()
}

fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(rest) = text.strip_prefix("```") else { return text };
    rest.split_once('\n').map_or(rest, |(_, body)| body).trim_end_matches('`').trim()
}

/// The calls in any text: JSON, perhaps fenced.
pub(super) fn of_text(text: &str) -> Vec<Piece> {
    calls_in(unfenced(text)).unwrap_or_default()
}

/// The calls in the `body` of a tag that begins with `open`.
pub(super) fn tagged_call(open: &str, body: &str) -> Vec<Piece> {
    if let Some(name) = open
        .split_once('=')
        .map(|(_, name)| name.trim_end_matches('>').trim_matches(['"', '\'']))
        .filter(|name| !name.contains(' '))
    {
        let called = named_call(name, body);
        return if called.is_empty() { vec![call(name, &parameters(body))] } else { called };
    }
    let calls = of_text(body);
    if !calls.is_empty() {
        return calls;
    }
    inner(body)
}

/// `<invoke name="f">…</invoke>` and `<function=f>…</function>` inside another tag.
fn inner(body: &str) -> Vec<Piece> {
    let mut calls = Vec::new();
    for (start, close) in [("<invoke name=", "</invoke>"), ("<function=", "</function>")] {
        let mut rest = body;
        while let Some(at) = rest.find(start) {
            rest = &rest[at + start.len()..];
            let Some((name, after)) = rest.split_once('>') else { break };
            let end = after.find(close).unwrap_or(after.len());
            let content = &after[..end];
            let named = named_call(name.trim_matches(['"', '\'']), content);
            if named.is_empty() || content.trim().is_empty() {
                calls.push(call(name.trim_matches(['"', '\'']), &parameters(content)));
            } else {
                calls.extend(named);
            }
            rest = &after[end..];
        }
    }
    calls
}

/// `<parameter=city>Paris</parameter>` and `<parameter name="city">Paris</parameter>` as an object.
fn parameters(body: &str) -> Value {
    let mut fields = Map::new();
    let mut rest = body;
    while let Some(at) = rest.find("<parameter") {
        rest = &rest[at + "<parameter".len()..];
        let Some((name, after)) = rest.split_once('>') else { break };
        let name =
            name.trim().trim_start_matches("name").trim_start_matches('=').trim_matches(['"', '\'', ' ']);
        let end = after.find("</parameter>").unwrap_or(after.len());
        let text = after[..end].trim();
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        fields.insert(name.to_owned(), value);
        rest = &after[end..];
    }
    Value::Object(fields)
}
