use proptest::prelude::*;

use super::*;

/// Text, reasoning and calls of `pieces`.
fn filtered(pieces: &[&str]) -> (String, String, Vec<(String, String)>) {
    let mut filter = WrittenFilter::new();
    let mut out: Vec<Piece> = pieces.iter().flat_map(|piece| filter.push(piece)).collect();
    out.extend(filter.finish());
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for piece in out {
        match piece {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Reasoning(piece) => reasoning.push_str(&piece),
            Piece::ToolCall { name, arguments } => calls.push((name, arguments)),
        }
    }
    (text, reasoning, calls)
}

#[test]
fn reasoning_tags_and_code_are_not_spoken() {
    for (written, spoken) in [
        ("<think>The caller is angry.</think>I can help.", "I can help."),
        ("<Thinking>The caller\nis angry.</Thinking>\n\nI can help.", "I can help."),
        ("<think>\n\n</think>\n\nI can help.", "I can help."),
        ("<think lang=\"en\">no</think>Yes.", "Yes."),
        ("<reasoning>no</reasoning>Yes.", "Yes."),
        ("[THINK]no[/THINK]Yes.", "Yes."),
        ("◁think▷no◁/think▷Yes.", "Yes."),
        (
            "<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
            "Yes.",
        ),
        ("I can help.<|im_end|>", "I can help."),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nHi.<|eot_id|>", "Hi."),
        ("<emotion value=\"content\"/><speed ratio=\"1.05\"/>Hello, thanks.", "Hello, thanks."),
        ("one<br>two", "one two"),
        ("<b>Hi</b> there", "Hi there"),
        ("See [the docs](https://a.b/c?d=e) now.", "See the docs now."),
        ("![a cat](cat.png) here", "a cat here"),
        ("Run this:\n```rust\nlet x = 1;\n```\nDone.", "Run this:\n\nDone."),
        ("Use `cargo test` now!", "Use `cargo test` now!"),
        ("3 < 4 and a <b", "3 < 4 and a <b"),
        ("I <3 you {really} [1] it", "I <3 you {really} [1] it"),
        ("{\"mood\": \"fine\"} Hi.", " Hi."),
        ("hm <think>unclosed", "hm "),
        ("<https://a.b>", "<https://a.b>"),
        ("Wow! Really!", "Wow! Really!"),
    ] {
        let got = filtered(&[written]).0;
        assert_eq!(got.trim_start(), spoken.trim_start(), "{written:?}");
    }
}

#[test]
fn a_call_in_the_text_is_a_call() {
    let guests = r#"{"guests":4}"#;
    for written in [
        r#"Sure. {"name": "book_table", "arguments": {"guests": 4}} I can help."#,
        "Sure. ```json\n{\"name\": \"book_table\", \"arguments\": {\"guests\": 4}}\n``` I can help.",
        r#"Sure. [TOOL_CALLS][{"name": "book_table", "arguments": {"guests": 4}}] I can help."#,
        r#"Sure. [TOOL_CALLS]book_table[ARGS]{"guests": 4} I can help."#,
        "Sure. <tool_call>\n{\"name\": \"book_table\", \"arguments\": {\"guests\": 4}}\n</tool_call> I can help.",
        r#"Sure. [{"name": "book_table", "parameters": {"guests": 4}}] I can help."#,
        r#"Sure. {"type": "function", "function": {"name": "book_table", "arguments": "{\"guests\": 4}"}} I can help."#,
        r#"Sure. <function=book_table>{"guests": 4}</function> I can help."#,
        "Sure. <tool_call><function=book_table><parameter=guests>4</parameter></function></tool_call> I can help.",
        r#"Sure. <function_calls><invoke name="book_table"><parameter name="guests">4</parameter></invoke></function_calls> I can help."#,
        r#"Sure. <|channel|>commentary to=functions.book_table <|constrain|>json<|message|>{"guests": 4}<|call|> I can help."#,
        "Sure. <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>book_table\n```json\n{\"guests\": 4}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜> I can help.",
        r#"Sure. <|tool_call_begin|>functions.book_table:0<|tool_call_argument_begin|>{"guests": 4}<|tool_call_end|> I can help."#,
        r#"Sure. <|python_tag|>{"name": "book_table", "parameters": {"guests": 4}} I can help."#,
    ] {
        let (text, _, calls) = filtered(&[written]);
        assert_eq!(calls, [("book_table".to_owned(), guests.to_owned())], "{written}");
        assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), "Sure. I can help.", "{written}");
    }
}

#[test]
fn text_is_not_held_back_longer_than_needed() {
    let mut filter = WrittenFilter::new();
    assert_eq!(filter.push("It is 3 < 4, "), [Piece::Text("It is 3 < 4, ".to_owned())]);
    assert_eq!(filter.push("a <b"), [Piece::Text("a ".to_owned())]);
    assert_eq!(filter.push(" and c"), [Piece::Text("<b and c".to_owned())]);
}

proptest! {
    #[test]
    fn a_cut_does_not_change_what_is_spoken(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<think>", "</think>", "<Thinking x=\"1\">", "</Thinking>", "<th", ">", " ", "a", "é", "<|im_end|>", "<|channel|>analysis<|message|>", "<|end|>", "<|start|>assistant",
                "<|channel|>final<|message|>", "[THINK]", "[/THINK]", "◁think▷", "◁/think▷", "{\"name\": \"f\", \"arguments\": {\"a\": [1]}}", "{\"a\"", "{", "}", "[TOOL_CALLS]", "[", "](", ")", "```", "`",
                "\n", "!", "![x](y)", "[a](b)", "<tool_call>", "</tool_call>", "<b c='d'>", "<br/>", "<3", "\"", "<|", "|>", "<!--", "-->", "f[ARGS]",
            ]),
            0..14,
        ),
        cuts in prop::collection::vec(1usize..6, 1..8),
    ) {
        let whole = parts.concat();
        let chars: Vec<char> = whole.chars().collect();
        let (mut pieces, mut at, mut cut) = (Vec::new(), 0, cuts.iter().cycle());
        while at < chars.len() {
            let end = (at + cut.next().unwrap()).min(chars.len());
            pieces.push(chars[at..end].iter().collect::<String>());
            at = end;
        }
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        prop_assert_eq!(filtered(&pieces), filtered(&[&whole]));
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let _ = filtered(&[&text]);
    }
}
