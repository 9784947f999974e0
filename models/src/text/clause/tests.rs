use proptest::prelude::*;

use super::*;
use crate::text::{English, phonemise};

fn clauses(config: ClauseConfig, text: &str) -> Vec<Clause> {
    chopped(config, &[text])
}

fn chopped(config: ClauseConfig, deltas: &[&str]) -> Vec<Clause> {
    let mut splitter = ClauseSplitter::new(config);
    let mut clauses = Vec::new();
    for delta in deltas {
        splitter.push(delta);
        clauses.extend(std::iter::from_fn(|| splitter.next_clause()));
    }
    splitter.finish();
    clauses.extend(std::iter::from_fn(|| splitter.next_clause()));
    clauses
}

fn texts(text: &str) -> Vec<String> {
    clauses(ClauseConfig::default(), text).into_iter().map(|clause| clause.text).collect()
}

#[test]
fn a_sentence_is_not_cut_at_an_abbreviation() {
    let text = "At 10:45 a.m. Dr. Smith bought 3.5 kg, e.g. of apples. Then he left for the long way home.";
    let cut = texts(text);
    assert!(cut.iter().all(|c| !c.trim_end().ends_with("Dr.") && !c.trim_end().ends_with("e.g.")), "{cut:?}");
    assert_eq!(cut.concat(), text);
}

#[test]
fn the_first_clause_is_not_long() {
    let text = "I would be very happy to help you with that question about trains and planes and boats, because I know \
                a good deal about all of them. Here is more text that goes on for quite a while, and then some.";
    let config = ClauseConfig { first_clause_phonemes: 30, ..ClauseConfig::default() };
    let cut = clauses(config, text);
    assert!(cut[0].first && cut[0].phonemes <= 40, "{:?}", cut[0]);
    assert!(cut[1..].iter().all(|c| !c.first));
    let voice = English::new();
    for clause in &cut {
        assert!(phonemise(&clause.text, &voice).len() <= 230, "{clause:?}");
    }
}

#[test]
fn a_short_last_sentence_is_not_left_alone() {
    let text =
        "That is a good idea. I will put it on the list for the next meeting and let everybody know. Ok.";
    let cut = texts(text);
    assert!(cut.last().unwrap().ends_with("know. Ok."), "{cut:?}");
}

#[test]
fn a_short_first_sentence_is_not_spoken_alone() {
    assert_eq!(texts("Ok. Let me check that.")[0], "Ok. Let me check that.");
}

#[test]
fn list_items_are_not_run_together() {
    let cut = texts("Here you go:\n- first item of the list\n- second item of the list\n\nAnything else?");
    assert!(cut.iter().any(|c| c == "- first item of the list\n"), "{cut:?}");
}

#[test]
fn text_without_blanks_is_not_one_clause() {
    for text in [
        "a".repeat(5_000),
        "7".repeat(5_000),
        "🙂".repeat(5_000),
        "。".repeat(5_000),
        "é\u{301}".repeat(5_000),
    ] {
        let cut = clauses(ClauseConfig::default(), &text);
        let longest = cut.iter().map(|c| (c.phonemes, c.text.len())).max();
        assert!(cut.iter().all(|c| c.phonemes <= HARD_LIMIT && c.text.len() <= 4096), "{longest:?}");
        assert_eq!(cut.iter().map(|c| c.text.as_str()).collect::<String>(), text);
    }
}

#[test]
fn a_stalled_stream_is_not_silent() {
    let mut splitter = ClauseSplitter::new(ClauseConfig::default());
    splitter.push("Let me think about tha");
    splitter.flush();
    let clause = splitter.next_clause().unwrap();
    assert_eq!((clause.text.as_str(), clause.boundary), ("Let me think about ", Boundary::Flush));
    splitter.push("t. ");
    splitter.flush();
    assert_eq!(splitter.next_clause().unwrap().text, "that. ");
    splitter.flush();
    assert!(splitter.next_clause().is_none());
    splitter.finish();
    assert!(splitter.next_clause().is_none());
}

#[test]
fn a_stall_does_not_tear_a_number_a_date_a_name_or_a_unit() {
    for (written, said) in [
        ("The total is $1,|204.50 today.", "The total is "),
        ("We have 12,|500 users now.", "We have "),
        ("Please ask Dr. |Smith about it.", "Please ask "),
        ("It is in the U.S. |economy now.", "It is in the "),
        ("See section No. |5 of the paper.", "See section "),
        ("We meet on Nov. |21 at noon.", "We meet on "),
        ("We meet on Nov. 21, |2026 at noon.", "We meet on "),
        ("It starts at 10:|45 a.m. sharp.", "It starts at "),
        ("It starts at 10:45 |a.m. sharp.", "It starts at "),
        ("The price is $|20 each.", "The price is "),
        ("The range is 10-|20 people.", "The range is "),
        ("It is 5 |kg in weight.", "It is "),
        ("It is 50 |% done.", "It is "),
        ("It is two hundred |five dollars.", "It is "),
        ("Please call John |Smith about it.", "Please call "),
        ("Your code is 482 |913.", "Your code is "),
        ("That is all. |More comes.", "That is all. "),
        ("I see, |and then it rained.", "I see, "),
    ] {
        let (first, rest) = written.split_once('|').unwrap();
        let mut splitter = ClauseSplitter::new(ClauseConfig::default());
        splitter.push(first);
        splitter.flush();
        let flushed: String =
            std::iter::from_fn(|| splitter.next_clause()).map(|clause| clause.text).collect();
        assert_eq!(flushed, said, "{written}");
        splitter.push(rest);
        splitter.finish();
        let after: String = std::iter::from_fn(|| splitter.next_clause()).map(|clause| clause.text).collect();
        assert_eq!(format!("{flushed}{after}"), format!("{first}{rest}"));
    }
}

#[test]
fn a_finished_splitter_does_not_remember() {
    let mut splitter = ClauseSplitter::new(ClauseConfig::default());
    for _ in 0..2 {
        splitter.push("- Hello there.");
        splitter.finish();
        let clause = splitter.next_clause().unwrap();
        assert_eq!((clause.source, clause.first), (0..14, true));
        assert!(splitter.next_clause().is_none());
    }
}

#[test]
fn a_wrong_size_is_not_taken_silently() {
    assert!(ClauseConfig::default().validate().is_ok());
    let wrong = ClauseConfig { max_phonemes: 900, ..ClauseConfig::default() };
    assert!(wrong.validate().unwrap_err().to_string().contains("max_phonemes"));
}

#[test]
fn a_long_text_does_not_hang() {
    let text = "The quick brown fox, which is 3.5 years old, jumps over Dr. Smith's lazy dog. ".repeat(1_300);
    let cut = clauses(ClauseConfig::default(), &text);
    assert_eq!(cut.last().unwrap().source.end, text.len() as u64);
}

/// Text that is likely to meet the splitter's rules.
fn texty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,9}",
        3 => Just(" ".to_owned()),
        1 => prop::sample::select(vec![
            ". ", "! ", "? ", ", ", "… ", "— ", "\n", "\n\n", "\n- ", "Dr. ", "a.m. ", "3.5", " 10:45 ", "No. 5", "\"", "🙂", "é",
            "日本。", " and ", " that ", "A", ") ", "12345678901234567890", "…", "   ",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..200).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn chopping_the_stream_does_not_move_boundaries(text in texty(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20), first in 10_usize..100) {
        let config = ClauseConfig { first_clause_phonemes: first, ..ClauseConfig::default() };
        let whole = clauses(config.clone(), &text);
        let mut at: Vec<usize> = cuts.iter().map(|i| text.floor_char_boundary(i.index(text.len() + 1))).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let deltas: Vec<&str> = at.windows(2).map(|w| &text[w[0]..w[1]]).collect();
        prop_assert_eq!(&chopped(config, &deltas), &whole);

        let joined: String = whole.iter().map(|c| c.text.as_str()).collect();
        prop_assert_eq!(&joined, &text);
        let mut end = 0;
        for clause in &whole {
            prop_assert_eq!(clause.source.start, end);
            prop_assert_eq!(clause.source.end - clause.source.start, clause.text.len() as u64);
            end = clause.source.end;
            prop_assert!(clause.phonemes <= HARD_LIMIT);
        }
        prop_assert_eq!(end, text.len() as u64);
    }

    #[test]
    fn flushing_loses_nothing(text in texty(), flushes in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut splitter = ClauseSplitter::new(ClauseConfig::default());
        let mut at: Vec<usize> = flushes.iter().map(|i| text.floor_char_boundary(i.index(text.len() + 1))).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let mut joined = String::new();
        for w in at.windows(2) {
            splitter.push(&text[w[0]..w[1]]);
            splitter.flush();
        }
        splitter.finish();
        while let Some(clause) = splitter.next_clause() {
            joined.push_str(&clause.text);
        }
        prop_assert_eq!(joined, text);
    }
}

/// What a listener who waits hears of a text that comes word by word.
fn hasty(text: &str, haste: Haste) -> Vec<String> {
    let mut splitter = ClauseSplitter::new(ClauseConfig::default());
    let mut clauses = Vec::new();
    for word in text.split_inclusive(' ') {
        splitter.push(word);
        splitter.hasten(haste);
        clauses.extend(std::iter::from_fn(|| splitter.next_clause()));
    }
    splitter.finish();
    clauses.extend(std::iter::from_fn(|| splitter.next_clause()));
    clauses.into_iter().map(|clause| clause.text).collect()
}

#[test]
fn haste_does_not_tear_what_belongs_together() {
    for (text, phrase, words) in [
        ("It is a quarter past nine, and the sun is out.", "It is a quarter past nine, ", None),
        ("Of course, I can tell you the time of the next train.", "Of course, ", None),
        ("Your timer is set for ten minutes.", "Your timer is set ", None),
        ("The lights in the kitchen are on now.", "The lights in the kitchen ", None),
        ("There are seven new messages in your inbox.", "There are seven new messages ", None),
        (
            "I found three Italian restaurants near you.",
            "I found three Italian restaurants ",
            Some("I found three Italian "),
        ),
        (
            "You have two hundred and fifty dollars left on your account.",
            "You have two hundred and fifty dollars left on your account.",
            Some("You have two hundred and fifty dollars "),
        ),
        ("Your meeting starts at half past three in the afternoon.", "Your meeting starts ", None),
        ("It starts at 9:15 a.m. in the big hall.", "It starts at 9:15 a.m. ", None),
        ("It will be twenty one degrees.", "It will be twenty one degrees.", None),
        ("I can help you with that.", "I can help you with that.", None),
        ("Yes.", "Yes.", None),
    ] {
        for (haste, first) in [(Haste::Phrases, phrase), (Haste::Words, words.unwrap_or(phrase))] {
            let clauses = hasty(text, haste);
            assert_eq!(clauses[0], first, "{haste:?}: {clauses:?}");
            assert_eq!(clauses.concat(), text);
        }
    }
}

#[test]
fn haste_does_not_wait_for_what_follows_a_comma_nor_tear_a_number_at_one() {
    let first = |text: &str| {
        let mut splitter = ClauseSplitter::new(ClauseConfig::default());
        splitter.push(text);
        splitter.hasten(Haste::Phrases);
        splitter.next_clause().map(|clause| clause.text)
    };
    for whole in ["It is a quarter past nine,", "It is a quarter past nine, ", "Are you sure of that?"] {
        assert_eq!(first(whole).as_deref(), Some(whole));
    }
    for part in ["You have exactly 2,", "It was on the 21, ", "Please ask for Dr. ", "Please visit example."]
    {
        assert_eq!(first(part), None, "{part:?}");
    }
}

proptest! {
    #[test]
    fn haste_does_not_lose_text(
        pieces in prop::collection::vec(("[a-z.,!? \n0-9é—]{0,12}", any::<bool>()), 0..40),
    ) {
        let mut splitter = ClauseSplitter::new(ClauseConfig::default());
        let mut clauses = Vec::new();
        for (piece, hurry) in &pieces {
            splitter.push(piece);
            if *hurry {
                splitter.hasten(if piece.len() % 2 == 0 { Haste::Phrases } else { Haste::Words });
            }
            clauses.extend(std::iter::from_fn(|| splitter.next_clause()));
        }
        splitter.finish();
        clauses.extend(std::iter::from_fn(|| splitter.next_clause()));
        let text: String = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
        prop_assert_eq!(clauses.iter().map(|c| c.text.as_str()).collect::<String>(), text);
        let mut at = 0;
        for clause in &clauses {
            prop_assert_eq!(clause.source.start, at);
            at = clause.source.end;
        }
    }
}
