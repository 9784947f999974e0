use crate::text::{English, UserLexicon, phonemise};

fn said(text: &str) -> String {
    phonemise(text, &English::new()).text().to_owned()
}

#[test]
fn common_words_do_not_sound_foreign() {
    for (text, sounds) in [
        ("Hello, world!", "həlˈO, wˈɜɹld!"),
        ("How are you today?", "hˌW ɑɹ ju tədˈA?"),
        ("The water is in the kitchen.", "ðə wˈɔTəɹ ɪz ɪn ðə kˈɪʧᵊn."),
        ("Dr. Smith is here at 10:45 a.m.", "dˈɑktəɹ smˈɪθ ɪz hˈɪɹ æt tˈɛn fˈɔɹTi fˈIv ˌAˈɛm."),
        ("(yes) “no”", "(jˈɛs) “nˈO”"),
    ] {
        assert_eq!(said(text), sounds, "{text}");
    }
}

#[test]
fn little_words_do_not_ignore_what_follows() {
    assert_eq!(said("the apple and the pear"), "ði ˈæpᵊl ænd ðə pˈɛɹ");
    assert_eq!(said("to eat, to drink to"), "tʊ ˈit, tə dɹˈɪŋk tu");
    assert_eq!(said("Yes, I can. I can go."), "jˈɛs, ˌI kˈæn. ˌI kæn ɡˌO.");
}

#[test]
fn homographs_are_not_confused() {
    for (text, sounds) in [
        ("I want to read it.", "ɹˈid"),
        ("I have read it.", "ɹˈɛd"),
        ("She read it yesterday.", "ɹˈɛd"),
        ("I live in Paris.", "lˈɪv"),
        ("a live concert", "lˈIv"),
        ("lead the way", "lˈid"),
        ("a lead pipe", "lˈɛd"),
        ("Record the call.", "ɹəkˈɔɹd"),
        ("a new record", "ɹˈɛkəɹd"),
        ("How do I use it?", "jˈuz"),
        ("It is of no use.", "jˈus"),
        ("Please close the door.", "klˈOz"),
        ("very close now", "klˈOs"),
        ("I used to run.", "jˈust"),
        ("Polish the floor.", "pˈɑlɪʃ"),
        ("the Polish team", "pˈOlɪʃ"),
    ] {
        let phonemes = said(text);
        assert!(phonemes.split([' ', '.', '?']).any(|word| word == sounds), "{text}: {phonemes}");
    }
}

#[test]
fn unknown_words_are_not_silent_or_unstressed() {
    for word in [
        "blorfing",
        "Zyxon",
        "kubectl",
        "Duologue",
        "Anthropic",
        "schmaltzier",
        "a1b2",
        "Håkon",
        "über",
        "brrr",
    ] {
        let phonemes = said(word);
        assert!(!phonemes.is_empty(), "{word}");
    }
    assert_eq!(said("chatroom"), "ʧˈætɹˌum");
    assert_eq!(said("rebooted"), "ɹˌibˈuTᵻd");
    assert_eq!(said("Duologue's"), format!("{}z", said("Duologue")));
}

#[test]
fn a_user_pronunciation_is_not_overruled() {
    let words = UserLexicon::parse("nginx ˈɛnʤɪn ˌɛks # two words\nPolish pˈɑlɪʃ\n").unwrap();
    let voice = English::new().with_user_lexicon(words);
    assert_eq!(phonemise("Polish NGINX", &voice).text(), "pˈɑlɪʃ ˈɛnʤɪn ˌɛks");
    assert_eq!(UserLexicon::parse("word\n").unwrap_err().kind(), crate::ErrorKind::Config);
}
