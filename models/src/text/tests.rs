//! Properties of the whole path, for any text.

use proptest::prelude::*;

use super::*;

/// Text made of what the rules look for, and of anything.
fn texty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-zA-Z]{1,9}",
        3 => Just(" ".to_owned()),
        2 => "[0-9]{1,5}",
        3 => "[-.,:;!?/$€%&+*#@'\"()\\[\\]<>|_~^=°½²`]",
        1 => prop::sample::select(vec![
            "Dr.", "a.m.", "St.", "Nov.", "e.g.", "km/h", "°C", "https://", "www.", "](", "**", "```", "\n", "\n\n- ", "\n# ", "&amp;",
            "🙂", "e\u{301}", "\u{301}", "\u{200f}", "שלום", "مرحبا", "日本", "ﬁ", "Ⅷ", "①", "İ", "ß", "ǆ", "\u{0}", "II", "FBI", "iPhone",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn check_words(text: &str, words: &[SpokenWord]) {
    let mut before = 0..0;
    for word in words {
        let source = word.source.clone();
        assert!(source.start < source.end && source.end <= text.len(), "{source:?} of {text:?}");
        assert!(text.is_char_boundary(source.start) && text.is_char_boundary(source.end), "{text:?}");
        assert!(source == before || source.start >= before.end, "{before:?} then {source:?} of {text:?}");
        assert!(!word.spoken.is_empty() && !word.spoken.contains([' ', '^']), "{word:?}");
        before = source;
    }
}

fn check_phonemes(words: &[SpokenWord], phonemes: &Phonemes) {
    let text = phonemes.text();
    assert!(text.chars().all(|c| phonemes::SYMBOLS.contains(c)), "{text}");
    assert!(!text.contains("  ") && !text.starts_with(' ') && !text.ends_with(' '), "{text:?}");
    let mut end = 0;
    let mut sources = words.iter().map(|w| &w.source);
    for mark in phonemes.words() {
        assert!(mark.phonemes.start >= end && mark.phonemes.end > mark.phonemes.start);
        assert!(!text[mark.phonemes.clone()].contains(' '));
        assert!(sources.any(|source| *source == mark.source));
        end = mark.phonemes.end;
    }
    let chunks = phonemes.chunks(510);
    assert!(chunks.iter().all(|chunk| chunk.len() <= 510));
    let tokens = Vocabulary::kokoro().encode(phonemes);
    assert_eq!((tokens.dropped, tokens.ids.len()), (0, phonemes.len() + 2));
    assert_eq!(tokens.words.len(), phonemes.words().len());
}

fn check(voice: &English, text: &str) {
    let words = normalise(text);
    check_words(text, &words);
    check_phonemes(&words, &voice.phonemes(&words));
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn no_text_panics_or_loses_its_place(text in texty()) {
        check(&English::new(), &text);
    }

    #[test]
    fn no_noise_panics_or_loses_its_place(text in ".*") {
        check(&English::new(), &text);
    }

    #[test]
    fn a_word_in_latin_letters_is_not_silent(word in "[a-z]{1,30}") {
        prop_assert_eq!(phonemise(&word, &English::new()).words().len(), 1);
    }
}

#[test]
fn bad_input_does_not_panic() {
    let voice = English::new();
    for text in [
        "",
        "a",
        "\u{0}",
        "\u{301}\u{302}",
        "\u{202e}abc\u{202c}",
        "…",
        "^",
        "^^^ ^a",
        "שלום world",
        "Ωmega β",
        "\r\n\t",
    ] {
        check(&voice, text);
    }
    for unit in ["a", "7", "](", "www.", "+1 ", "a ", "\u{301}"] {
        check(&voice, &unit.repeat(100_000 / unit.len()));
    }
    for unit in [
        "1-",
        "1.",
        "1/",
        "a.",
        "A.",
        ".",
        "*",
        "[",
        "<a",
        "é",
        "🙂",
        "@",
        "://",
        "$1",
        "' ",
        "\"",
        "(",
        " ",
        "\n",
        "- ",
        "&",
        "^",
        "1:",
        "(1",
        "1 1/2 ",
        "a/b/",
        "Dr. ",
        "x\u{2029}",
        "|",
        "#",
        "-",
        "VIII ",
    ] {
        check(&voice, &unit.repeat(10_000 / unit.len()));
    }
}

#[test]
fn a_word_is_not_ascribed_to_the_wrong_text() {
    let text = "Pay **$3.50** to [Dr. Smith](http://x.y) by 10:45 a.m.!";
    let words = normalise(text);
    let heard = |spoken: &str| &text[words.iter().find(|w| w.spoken == spoken).unwrap().source.clone()];
    assert_eq!((heard("fifty"), heard("Doctor"), heard("Smith")), ("$3.50", "Dr.", "Smith"));
    assert_eq!((heard("ten"), heard("AM")), ("10:45 a.m.", "10:45 a.m."));
}
