//! Finds the JSON object in what a model wrote: in a fence, among words, after thoughts, with
//! comments, single quotes or trailing commas.

use serde_json::Value;

/// Deepest nesting that is tried: parsers recurse.
const MAX_DEPTH: usize = 32;
/// How many places an object may begin at are tried: text full of braces ends somewhere.
const MAX_TRIES: usize = 64;

/// Every object that can be read, in the order in which they begin, none within another.
pub(super) fn objects(text: &str) -> Vec<Value> {
    // A reasoning model's draft is not its answer.
    let text = text.rsplit_once("</think>").map_or(text, |(_, answer)| answer);
    let mut found = Vec::new();
    let mut at = 0;
    for _ in 0..MAX_TRIES {
        let Some(start) = text[at..].find('{').map(|offset| at + offset) else { break };
        let object = end(&text[start..]).and_then(|end| Some((read(&text[start..start + end])?, end)));
        match object {
            Some((object, end)) => {
                found.push(object);
                at = start + end;
            }
            None => at = start + 1,
        }
    }
    found
}

fn read(text: &str) -> Option<Value> {
    let strict = serde_json::from_str(text).ok();
    strict.or_else(|| json5::from_str(text).ok()).filter(Value::is_object)
}

/// Where the object that begins `text` ends: after the brace that closes it outside of strings.
fn end(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('{' | '[', None) => depth += 1,
            ('}' | ']', None) => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::objects;

    #[test]
    fn a_fence_or_prose_around_json_is_no_failure() {
        let expected = vec![json!({"a": 1, "b": "x } y"})];
        for text in [
            r#"{"a":1,"b":"x } y"}"#,
            "```json\n{\"a\": 1, \"b\": \"x } y\"}\n```",
            "Sure! Here it is:\n```\n{\"a\": 1, \"b\": \"x } y\",}\n```\nAnything else?",
            "{a: 1, 'b': 'x } y', /* why */}",
            "<think>{\"a\": 2} no, {\"a\": 3}</think> {\"a\": 1, \"b\": \"x } y\"}",
            "the set {1, 2 } is not it, but {\"a\": 1, \"b\": \"x } y\"} is",
        ] {
            assert_eq!(objects(text), expected, "{text}");
        }
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        assert!(objects(&"{\"a\":[".repeat(100_000)).is_empty());
        assert!(objects(&"[".repeat(100_000)).is_empty());
        let closed = format!("{}{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
        assert!(objects(&closed).is_empty());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            objects(&text);
        }

        #[test]
        fn no_text_of_json_signs_panics(text in "[{}\\[\\]\"':,a1\\\\/* \n]{0,200}") {
            objects(&text);
        }
    }
}
