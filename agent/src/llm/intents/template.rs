//! Answers with blanks: `{name}`, or `{name:duration}` and `{name:time}` for seconds and "HH:MM".

use serde_json::Value;

use super::clock::spoken_time;
use super::number::spoken_duration;

/// The names in `template`, or what is wrong with it.
pub(super) fn names(template: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let inside = &rest[open + 1..];
        let close = inside.find('}').ok_or_else(|| format!("{template:?} has a {{ without }}; add it"))?;
        let (name, format) = split(&inside[..close]);
        if name.is_empty() || !format.is_none_or(|format| ["duration", "time"].contains(&format)) {
            let blank = &inside[..close];
            return Err(format!(
                "{template:?} has a blank {{{blank}}}; write {{name}}, {{name:duration}} or {{name:time}}"
            ));
        }
        names.push(name);
        rest = &inside[close + 1..];
    }
    Ok(names)
}

fn split(blank: &str) -> (&str, Option<&str>) {
    match blank.split_once(':') {
        Some((name, format)) => (name.trim(), Some(format.trim())),
        None => (blank.trim(), None),
    }
}

/// `template` with its blanks filled; `None` if one cannot be.
pub(super) fn fill(template: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (blank, after) = after.split_once('}')?;
        let (name, format) = split(blank);
        let value = lookup(name)?;
        filled.push_str(before);
        filled.push_str(&match format {
            Some("duration") => spoken_duration(value.parse().ok()?),
            Some(_) => clock(&value)?,
            None => value,
        });
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

fn clock(text: &str) -> Option<String> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (hour.parse().ok()?, minute.get(..2)?.parse().ok()?);
    (hour < 24 && minute < 60).then(|| spoken_time((hour, minute)))
}

/// Of the lines that can be filled, one of those with the most blanks: the `turn`-th, in turns.
pub(super) fn pick(lines: &[String], turn: usize, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let blanks = |line: &str| line.matches('{').count();
    let filled: Vec<(usize, String)> =
        lines.iter().filter_map(|line| Some((blanks(line), fill(line, lookup)?))).collect();
    let most = filled.iter().map(|(blanks, _)| *blanks).max()?;
    let best: Vec<String> =
        filled.into_iter().filter(|(blanks, _)| *blanks == most).map(|(_, line)| line).collect();
    best.get(turn % best.len().max(1)).cloned()
}

/// The field at `path` (steps parted by dots) of `value`, for people; `None` if there is nothing.
pub(super) fn field(value: &Value, path: &str) -> Option<String> {
    let value = path.split('.').try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    })?;
    told(value)
}

fn told(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(told).collect();
            let (last, others) = items.split_last()?;
            Some(if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) })
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_does_not_leave_a_blank() {
        let result = json!({ "left": 90, "at": "19:05", "rooms": ["hall", "attic", "bath"], "none": [], "a": { "b": 1 } });
        let lookup = |name: &str| field(&result, name);
        assert_eq!(
            fill("{left:duration}, {at:time}, {a.b}", &lookup).unwrap(),
            "1 minute 30 seconds, 7:05 PM, 1"
        );
        assert_eq!(fill("{rooms} {rooms.1}", &lookup).unwrap(), "hall, attic and bath attic");
        assert_eq!(fill("{none}", &lookup), None);
        let lines = ["Nothing.".to_owned(), "In {rooms}.".to_owned(), "On {none}.".to_owned()];
        assert_eq!(pick(&lines, 5, &lookup).unwrap(), "In hall, attic and bath.");
        assert!(names("a {b").is_err() && names("{a:colour}").is_err() && names("{}").is_err());
    }
}
