//! The codec: bytes to events, whatever the cuts, whatever the bytes.

use duologue_server::wyoming::{Decoder, Event, Limits, Malformed, Stable};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const SMALL: Limits = Limits { line: 4_096, data: 4_096, payload: 4_096 };

/// Feeds `bytes` in pieces that end at `cuts`.
fn decode(bytes: &[u8], cuts: &[usize], limits: Limits) -> (Vec<Event>, Option<Malformed>) {
    let mut decoder = Decoder::new(limits);
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
    ends.sort_unstable();
    let (mut events, mut start) = (Vec::new(), 0);
    for end in ends {
        let mut piece = &bytes[start..end];
        start = end;
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(malformed) => return (events, Some(malformed)),
            }
        }
        assert!(piece.is_empty(), "what was not needed was left");
    }
    (events, None)
}

fn refused(line: &str) -> String {
    let (events, malformed) = decode(line.as_bytes(), &[], Limits::default());
    assert!(events.is_empty(), "{line}: {events:?}");
    malformed.unwrap_or_else(|| panic!("{line}: was taken")).to_string()
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn event() -> impl Strategy<Value = Event> {
    let data = prop::collection::hash_map(".{0,8}", value(), 0..4);
    let payload = prop::collection::vec(any::<u8>(), 0..200);
    (".{0,16}", data, payload).prop_map(|(kind, data, payload)| Event {
        kind,
        data: data.into_iter().collect::<Map<String, Value>>(),
        payload,
    })
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(
        events in prop::collection::vec(event(), 0..5),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let bytes: Vec<u8> = events.iter().flat_map(Event::encode).collect();
        let (decoded, malformed) = decode(&bytes, &cuts, Limits::default());
        prop_assert_eq!(malformed, None);
        prop_assert_eq!(decoded, events);
    }

    #[test]
    fn garbage_is_refused_the_same_way_however_it_is_cut(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}\"\n:,0-9type".to_vec())], 0..600),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        prop_assert_eq!(decode(&bytes, &cuts, SMALL), decode(&bytes, &[], SMALL));
    }

    #[test]
    fn a_broken_event_among_good_ones_never_panics(
        events in prop::collection::vec(event(), 1..4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut bytes: Vec<u8> = events.iter().flat_map(Event::encode).collect();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assert_eq!(decode(&bytes, &cuts, SMALL), decode(&bytes, &[], SMALL));
    }

    #[test]
    fn what_was_sent_of_a_transcript_is_never_taken_back(
        utterances in prop::collection::vec(
            (prop::collection::vec("[a-c ]{0,12}", 0..8), "[a-c ]{0,12}"), 0..5),
    ) {
        let mut text = Stable::new(2);
        let mut sent = String::new();
        for (partials, last) in utterances {
            for partial in partials {
                sent.push_str(&text.partial(&partial));
                prop_assert_eq!(text.text(), &sent);
            }
            sent.push_str(&text.last(&last));
            prop_assert_eq!(text.text(), &sent);
        }
        prop_assert!(!sent.contains("  ") && sent.trim() == sent);
    }

    #[test]
    fn a_recogniser_that_changes_nothing_is_repeated_to_the_letter(
        utterances in prop::collection::vec(prop::collection::vec("[a-z]{1,6}", 0..6), 0..4),
    ) {
        let mut text = Stable::new(3);
        let mut whole = Vec::new();
        for words in utterances {
            for end in 0..=words.len() {
                text.partial(&words[..end].join(" "));
            }
            text.last(&words.join(" "));
            whole.extend(words);
        }
        prop_assert_eq!(text.text(), whole.join(" "));
    }
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_its_bytes_come() {
    assert!(refused("{\"type\": \"x\", \"data_length\": 10000000000}\n").contains("data_length 10000000000"));
    assert!(refused("{\"type\": \"x\", \"payload_length\": 10000000000}\n").contains("payload_length"));
    let beyond = u64::MAX;
    refused(&format!("{{\"type\": \"x\", \"data_length\": {beyond}}}\n"));
}

#[test]
fn lengths_that_are_none_and_lines_that_are_no_events_are_refused() {
    for line in [
        "{\"type\": \"x\", \"data_length\": -1}\n",
        "{\"type\": \"x\", \"payload_length\": 1.5}\n",
        "{\"type\": \"x\", \"payload_length\": \"9\"}\n",
        "{\"type\": 7}\n",
        "{\"data\": {}}\n",
        "{\"type\": \"x\", \"data\": []}\n",
        "[]\n",
        "\n",
        "GET / HTTP/1.1\r\n",
        "{\"type\": \"x\", \"data_length\": 2}\n[]",
    ] {
        refused(line);
    }
}

#[test]
fn deeply_nested_json_does_not_end_the_process() {
    let depth = 20_000;
    refused(&format!(
        "{{\"type\": \"x\", \"data\": {{\"a\": {}{}}}}}\n",
        "[".repeat(depth),
        "]".repeat(depth)
    ));
    let data = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    refused(&format!("{{\"type\": \"x\", \"data_length\": {}}}\n{data}", data.len()));
}

#[test]
fn a_line_without_an_end_is_not_kept_for_ever() {
    let mut decoder = Decoder::new(SMALL);
    let piece = [b'a'; 100];
    let taken = (0..1_000).take_while(|_| decoder.decode(&mut &piece[..]).is_ok()).count();
    assert_eq!(taken, SMALL.line / piece.len());
    assert!(decoder.decode(&mut &b"{\"type\": \"ping\"}\n"[..]).is_err(), "it went on after an error");
}

#[test]
fn data_behind_the_line_wins_over_data_in_it() {
    let bytes = b"{\"type\": \"x\", \"data\": {\"a\": 1, \"b\": 1}, \"data_length\": 8}\n{\"b\": 2}";
    let (events, _) = decode(bytes, &[], Limits::default());
    assert_eq!(events, [Event::new("x", json!({ "a": 1, "b": 2 }))]);
}
