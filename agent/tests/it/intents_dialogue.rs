//! Conversations with an agent that has no language model.

use std::time::Duration;

use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::llm::intents::{APPLIANCE, Intents, SlotValue};
use duologue_agent::llm::{Llm, LlmErrorKind, LlmEvent, LlmRequest};
use duologue_agent::tool::ToolDefinition;
use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::json;

const TOOLS: [&str; 6] = ["set_lights", "lit_lights", "set_timer", "cancel_timer", "timer_left", "tell_time"];

/// A conversation; each method adds a turn and gives what is answered.
struct Talk {
    intents: Intents,
    items: Vec<ChatItem>,
}

impl Talk {
    fn with(toml: &str) -> Self {
        Self { intents: Intents::parse(toml, "intents.toml").unwrap(), items: Vec::new() }
    }

    fn new() -> Self {
        Self::with(APPLIANCE)
    }

    fn add(&mut self, content: ChatContent) {
        self.items.push(ChatItem::new("test", content));
    }

    fn message(&mut self, role: Role, text: &str) {
        self.add(ChatContent::Message { role, text: text.into(), interrupted: false });
    }

    fn ask(&self) -> Vec<Result<LlmEvent, LlmErrorKind>> {
        let tools = TOOLS.map(|name| ToolDefinition {
            name: name.into(),
            description: String::new(),
            parameters: json!({}),
            effect: false,
            time_limit: Duration::from_secs(1),
            output_limit: 1000,
        });
        let request = LlmRequest { items: self.items.clone(), tools: tools.into(), ..LlmRequest::default() };
        let events = self.intents.stream(request).map(|event| event.map_err(|error| error.kind()));
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(events.collect())
    }

    /// "text" or "tool arguments"; what is said is heard to its end.
    fn answer(&mut self) -> String {
        match self.ask().as_slice() {
            [Ok(LlmEvent::Text(text))] => {
                self.message(Role::Assistant, text);
                text.clone()
            }
            [Ok(LlmEvent::ToolCall(call))] => {
                let (call_id, name, arguments) = (call.id.clone(), call.name.clone(), call.arguments.clone());
                let told = format!("{name} {arguments}");
                self.add(ChatContent::ToolCall { call_id, name, arguments });
                told
            }
            other => panic!("{other:?}"),
        }
    }

    fn say(&mut self, text: &str) -> String {
        self.message(Role::User, text);
        self.answer()
    }

    fn result(&mut self, output: &str, is_error: bool) -> String {
        let call = self.items.iter().rev().find_map(|item| match &item.content {
            ChatContent::ToolCall { call_id, name, .. } => Some((call_id.clone(), name.clone())),
            _ => None,
        });
        let (call_id, name) = call.unwrap();
        self.add(ChatContent::ToolResult { call_id, name, output: output.into(), is_error });
        self.answer()
    }
}

#[test]
fn no_line_of_the_demo_is_misunderstood() {
    let fallback = Talk::new().say("UNK UNK");
    for (said, answer) in [
        ("hello", "Hello! What can I do for you?"),
        ("what time is it", "tell_time {}"),
        ("what's the time", "tell_time {}"),
        ("tell me the time please", "tell_time {}"),
        ("turn on the kitchen lights", r#"set_lights {"room":"kitchen","state":"on"}"#),
        ("turn the bedroom light off", r#"set_lights {"room":"bedroom","state":"off"}"#),
        ("switch off all the lights", r#"set_lights {"state":"off"}"#),
        ("can you turn off the lights in the kitchen", r#"set_lights {"room":"kitchen","state":"off"}"#),
        ("what lights are on", "lit_lights {}"),
        ("set a timer for ten minutes", r#"set_timer {"seconds":600}"#),
        ("set a timer for one hour thirty minutes", r#"set_timer {"seconds":5400}"#),
        ("set ten minutes", r#"set_timer {"seconds":600}"#),
        ("cancel the timer", "cancel_timer {}"),
        ("stop the timer", "cancel_timer {}"),
        ("how long is left", "timer_left {}"),
        ("how many minutes are left", "timer_left {}"),
        ("stop", "Okay."),
        ("stop what time is it", "tell_time {}"),
        ("okay", "Okay."),
        ("thank you", "You are welcome."),
        ("goodbye", "Goodbye. It was nice talking to you."),
        ("what is your name", "My name is Duologue. I live on this machine, and I need no network."),
        ("who are you", "My name is Duologue. I live on this machine, and I need no network."),
        ("UNK", fallback.as_str()),
        ("UNK of my four UNK", fallback.as_str()),
        ("", fallback.as_str()),
    ] {
        assert_eq!(Talk::new().say(said), answer, "{said:?}");
    }
    for (said, intent) in [
        ("tell me a story", "story"),
        ("tell me a joke", "joke"),
        ("what can you do", "help"),
        ("help", "help"),
        ("turn up the volume", "cannot"),
    ] {
        let talk = Talk::new();
        let best = &talk.intents.understand(said)[0];
        assert_eq!((best.intent.as_str(), best.score > 0.95), (intent, true), "{said:?}: {best:?}");
    }
}

#[test]
fn no_clip_of_the_caller_falls_through() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/builtin/caller/caller.toml");
    let clips: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let fallback = Talk::new().say("UNK UNK");
    let clips = clips["clip"].as_array().unwrap();
    assert!(clips.len() > 10);
    for clip in clips {
        let heard = clip["heard"].as_str().unwrap();
        assert_ne!(Talk::new().say(heard), fallback, "{heard:?}");
    }
}

#[test]
fn a_slip_of_the_recogniser_does_not_cost_the_turn() {
    for said in [
        "um set a timer for like ten minutes",
        "could you please set a timer for ten minutes now",
        "set timer ten minutes",
        "set a tymer for ten minutes",
        "Set a timer, for 10 minutes!",
        "UNK set a timer for ten minutes",
        "set a timer for ten no for ten minutes",
    ] {
        assert_eq!(Talk::new().say(said), r#"set_timer {"seconds":600}"#, "{said:?}");
    }
}

#[test]
fn idle_talk_does_not_switch_the_lights() {
    let fallback = Talk::new().say("UNK UNK");
    for said in [
        "I have never liked the way that the kitchen looks in the morning light",
        "she will turn forty on the day after",
        "what a long day",
        "is the music left on the bedroom for you to play",
    ] {
        let answer = Talk::new().say(said);
        assert!(answer == fallback || answer.ends_with(['.', '?']), "{said:?}: {answer}");
        assert!(!TOOLS.iter().any(|tool| answer.starts_with(tool)), "{said:?}: {answer}");
    }
}

#[test]
fn a_missing_slot_is_asked_for_and_the_rest_is_not_forgotten() {
    let mut talk = Talk::new();
    assert_eq!(talk.say("set a timer"), "For how long?");
    assert_eq!(talk.say("for twenty five minutes"), r#"set_timer {"seconds":1500}"#);
    assert_eq!(talk.result("{}", false), "Your timer is set for 25 minutes.");
    assert_eq!(talk.say("turn the kitchen lights UNK"), "On or off?");
    assert_eq!(talk.say("off please"), r#"set_lights {"room":"kitchen","state":"off"}"#);
}

#[test]
fn a_question_does_not_hold_the_user() {
    let mut talk = Talk::new();
    assert_eq!(talk.say("set a timer"), "For how long?");
    assert_eq!(talk.say("what time is it"), "tell_time {}");
    assert_eq!(talk.result(r#"{"time":"19:05"}"#, false), "It is 7:05 PM.");
    let fallback = Talk::new().say("UNK UNK");
    assert_eq!(talk.say("ten minutes"), fallback);
    assert_eq!(talk.say("set a timer"), "For how long?");
    assert_eq!(talk.say("UNK"), "For how long?");
    assert_eq!(talk.say("UNK"), fallback);
    assert_eq!(talk.say("set a timer"), "For how long?");
    assert_eq!(talk.say("stop"), "Okay.");
    assert_eq!(talk.say("set a timer for ten minutes"), r#"set_timer {"seconds":600}"#);
}

#[test]
fn an_interrupted_question_is_still_a_question() {
    let mut talk = Talk::new();
    talk.message(Role::User, "set a timer");
    talk.message(Role::Assistant, "For how");
    assert_eq!(talk.say("ten minutes"), r#"set_timer {"seconds":600}"#);
}

#[test]
fn a_result_is_not_told_wrongly() {
    let mut talk = Talk::new();
    talk.say("cancel the timer");
    assert_eq!(talk.result(r#"{"seconds":90}"#, false), "The timer for 1 minute 30 seconds is cancelled.");
    talk.say("cancel the timer");
    assert_eq!(talk.result("{}", false), "There is no timer.");
    talk.say("what lights are on");
    assert_eq!(
        talk.result(r#"{"rooms":["kitchen","bedroom"]}"#, false),
        "The kitchen and bedroom lights are on."
    );
    talk.say("what lights are on");
    assert_eq!(talk.result(r#"{"rooms":[]}"#, false), "All the lights are off.");
    talk.say("turn on the kitchen light");
    assert_eq!(talk.result("no such lamp", true), "Sorry, that did not work.");
    talk.say("turn on the kitchen light");
    assert_eq!(talk.result("", false), "The kitchen lights are on.");
    talk.say("turn on the light");
    assert_eq!(talk.result("Done so.", false), "All the lights are on.");
}

#[test]
fn a_first_word_is_a_greeting_and_the_last_word_is_not_repeated() {
    let mut talk = Talk::new();
    assert_eq!(talk.answer(), "Hello! What can I do for you?");
    assert_eq!(talk.ask(), []);
}

#[test]
fn two_meanings_that_fit_alike_are_not_guessed_between() {
    let toml = r#"
        unsure = "Which one?"
        [[intent]]
        name = "a"
        patterns = ["open it [up]"]
        say = "A"
        [[intent]]
        name = "b"
        patterns = ["open it [wide]"]
        say = "B"
        [[intent]]
        name = "play"
        patterns = ["play {what:text}"]
        say = ["Playing {what}.", "Here is {what}."]
        [[intent]]
        name = "radio"
        patterns = ["play the radio"]
        say = "The radio."
    "#;
    let mut talk = Talk::with(toml);
    assert_eq!(talk.say("open it"), "Which one?");
    assert_eq!(talk.say("open it wide"), "B");
    assert_eq!(talk.say("play the radio"), "The radio.");
    assert_eq!(talk.say("play some old songs"), "Playing some old songs.");
    assert_eq!(talk.say("play some old songs"), "Here is some old songs.");
}

#[test]
fn typed_slots_do_not_reach_the_tool_as_text() {
    let toml = r#"
        [slot.size]
        values = { small = ["little", "tiny one"], large = ["big"] }
        [[intent]]
        name = "order"
        patterns = ["bring [me] {count:number} {size} cup[s] [at {when:time}] [for {whom:text}]"]
        call = "set_timer"
        arguments = { n = "{count}", size = "{size}", when = "{when}", note = "for {whom}", kind = "cup", hot = true }
    "#;
    let mut talk = Talk::with(toml);
    assert_eq!(
        talk.say("bring me twenty five little cups at half past three for my old aunt"),
        r#"set_timer {"hot":true,"kind":"cup","n":25,"note":"for my old aunt","size":"small","when":"03:30"}"#
    );
    assert_eq!(talk.result("", false), "Done.");
    assert_eq!(
        talk.say("bring 2 tiny one cups"),
        r#"set_timer {"hot":true,"kind":"cup","n":2,"size":"small"}"#
    );
    let understood = &talk.intents.understand("bring 2 big cups at seven p.m.")[0];
    assert_eq!(understood.slots["when"], SlotValue::Time(19, 0));
}

#[test]
fn a_tool_that_is_missing_is_named() {
    let toml = "[[intent]]\nname = \"x\"\npatterns = [\"go\"]\ncall = \"fly\"";
    let mut talk = Talk::with(toml);
    talk.message(Role::User, "go");
    assert_eq!(talk.ask(), [Err(LlmErrorKind::Refused)]);
}

#[test]
fn a_wrong_file_is_named_with_key_and_remedy() {
    let wrong = |toml: &str, parts: &[&str]| {
        let error = Intents::parse(toml, "my.toml").unwrap_err().to_string();
        assert!(error.starts_with("my.toml: "), "{error}");
        for part in parts {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    };
    let intent = |rest: &str| format!("[[intent]]\nname = \"x\"\n{rest}");
    wrong("", &["[[intent]]"]);
    wrong("treshold = 1", &["treshold"]);
    wrong("threshold = 2.0", &["threshold", "0 to 1"]);
    wrong(&intent("say = \"a\""), &["\"x\"", "patterns"]);
    wrong(&intent("patterns = [\"a\"]"), &["say", "call"]);
    wrong(&intent("patterns = [\"a (b\"]\nsay = \"a\""), &["\"a (b\"", "lacks a )"]);
    wrong(&intent("patterns = [\"a b)\"]\nsay = \"a\""), &["without its partner"]);
    wrong(&intent("patterns = [\"[a]\"]\nsay = \"a\""), &["fits silence"]);
    wrong(&intent("patterns = [\"a {b\"]\nsay = \"a\""), &["lacks a }"]);
    wrong(&intent("patterns = [\"a {b:colour}\"]\nsay = \"a\""), &["colour", "[slot.colour]"]);
    wrong(&intent("patterns = [\"light[ s]\"]\nsay = \"a\""), &["light[s]"]);
    wrong(&intent("patterns = [\"a\"]\nsay = \"{b}\""), &["{b}", "no pattern"]);
    wrong(&intent("patterns = [\"a\"]\ncall = \"t\"\nask = { b = \"?\" }"), &["ask", "\"b\""]);
    wrong(&intent("patterns = [\"a\"]\ncall = \"t\"\narguments = { b = \"{c}\" }"), &["arguments", "{c}"]);
    wrong("[slot.a]\ntype = \"colour\"\n[[intent]]", &["\"a\"", "colour"]);
    wrong("[slot.a]\nvalues = []\n[[intent]]", &["values"]);
    let twice = format!(
        "{}\n{}",
        intent("patterns = [\"a\"]\nsay = \"a\""),
        intent("patterns = [\"b\"]\nsay = \"b\"")
    );
    wrong(&twice, &["name of its own"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_pattern_or_text_whatever_panics(
        pattern in "[a-c \\[\\](){}|:s'é*-]{0,40}",
        text in "[a-c0-9 :.,'é-]{0,60}|\\PC{0,40}",
        say in "[a{}:]{0,8}",
    ) {
        let table = toml::toml! {
            slot.b.values = ["a b", "c"]
            intent = [{ name = "x", patterns = [], say = "" }]
        };
        let mut table = table;
        let intent = table["intent"].as_array_mut().unwrap()[0].as_table_mut().unwrap();
        intent["patterns"] = toml::Value::Array(vec![pattern.into()]);
        intent["say"] = say.into();
        if let Ok(intents) = Intents::parse(&table.to_string(), "x") {
            for understood in intents.understand(&text) {
                prop_assert!((0.0..=1.0).contains(&understood.score));
            }
        }
    }

    #[test]
    fn no_words_of_the_recogniser_go_unanswered(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "zero", "one", "five", "twenty", "hundred", "and", "a", "half", "oh", "point", "of", "quarter",
                "minute", "minutes", "hours", "set", "timer", "turn", "on", "off", "lights", "kitchen", "what",
                "what's", "is", "time", "UNK", "stop", "how", "long", "left", "to", "past", "am", "the", "for", "in",
            ]),
            0..12,
        ),
        more in 0..3usize,
    ) {
        let mut talk = Talk::new();
        for _ in 0..=more {
            prop_assert!(!talk.say(&words.join(" ")).is_empty());
        }
    }

    #[test]
    fn what_a_pattern_says_is_understood(count in 1u32..60, on in any::<bool>(), kitchen in any::<bool>()) {
        let mut talk = Talk::new();
        prop_assert_eq!(
            talk.say(&format!("set a timer for {count} minutes")),
            format!("set_timer {{\"seconds\":{}}}", count * 60)
        );
        let (state, room) = (if on { "on" } else { "off" }, if kitchen { "kitchen" } else { "bedroom" });
        prop_assert_eq!(
            talk.say(&format!("switch {state} the {room} lights")),
            format!("set_lights {{\"room\":\"{room}\",\"state\":\"{state}\"}}")
        );
    }
}
