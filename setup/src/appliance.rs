//! A small offline agent for demonstrations: it tells the time, switches lights, sets timers, counts
//! and tells a story, by the words the built-in recogniser knows. No language model.
//!
//! ```
//! use duologue_setup::appliance::Appliance;
//!
//! let appliance = Appliance::new();
//! assert_eq!(appliance.answer("turn on the kitchen lights"), "The kitchen lights are on.");
//! assert_eq!(appliance.answer("what lights are on"), "The kitchen lights are on.");
//! ```

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{NaiveTime, Timelike};
use duologue_models::text::normalise;
use duologue_pipeline::{Reply, Responder, UserTurn};

const STORY: &str = "Once upon a time there was a small house at the edge of a wide forest. In the house lived an old \
    clock, and every night the clock told the moon what time it was. One evening the clock stopped. The moon waited, \
    and waited, and then she came down to the window to see what was wrong. The clock said, I was only listening. And \
    from that night on they took turns, one speaking while the other one listened.";

const HELP: &str = "I can tell you the time, turn lights on and off, set a timer, or tell you a story.";

/// The agent and its household.
pub struct Appliance {
    now: Box<dyn Fn() -> NaiveTime + Send + Sync>,
    home: Mutex<Home>,
}

#[derive(Default)]
struct Home {
    lights: BTreeSet<&'static str>,
    timer: Option<String>,
}

impl Default for Appliance {
    fn default() -> Self {
        Self::new()
    }
}

impl Appliance {
    /// An appliance that tells this machine's local time.
    pub fn new() -> Self {
        Self::with_clock(|| chrono::Local::now().time())
    }

    /// An appliance that tells the time of `now`.
    pub fn with_clock(now: impl Fn() -> NaiveTime + Send + Sync + 'static) -> Self {
        Self { now: Box::new(now), home: Mutex::default() }
    }

    /// What it says to `text`, and does.
    pub fn answer(&self, text: &str) -> String {
        let words: Vec<&str> = text.split_whitespace().collect();
        let has = |word: &str| words.contains(&word);
        let any = |list: &[&str]| list.iter().any(|word| has(word));
        if any(&["goodbye", "bye"]) {
            return "Goodbye. It was nice talking to you.".to_owned();
        }
        if any(&["light", "lights"]) {
            return self.lights(&words);
        }
        if has("timer") || (has("set") && any(&["minute", "minutes", "second", "seconds", "hour", "hours"])) {
            return self.timer(&words);
        }
        if has("time") && any(&["what", "what's", "tell", "the"]) {
            return format!("It is {}", written_time((self.now)()));
        }
        if has("story") {
            return STORY.to_owned();
        }
        if has("joke") {
            return "Why did the clock go to school? It wanted to be on time.".to_owned();
        }
        if has("name") || (has("who") && has("you")) {
            return "My name is Duologue. I live on this machine, and I need no network.".to_owned();
        }
        if has("help") || (has("what") && has("do")) {
            return HELP.to_owned();
        }
        if any(&["thanks", "thank"]) {
            return "You are welcome.".to_owned();
        }
        if any(&["stop", "cancel", "wait"]) {
            return "Okay.".to_owned();
        }
        if any(&["hello", "hi"]) {
            return "Hello! What can I do for you?".to_owned();
        }
        format!("I am not sure what you mean. {HELP}")
    }

    fn lights(&self, words: &[&str]) -> String {
        let mut home = self.home();
        let room = ["kitchen", "bedroom"].into_iter().find(|room| words.contains(room));
        let (name, key) = match room {
            Some(room) => (format!("The {room} lights are"), room),
            None => ("All the lights are".to_owned(), "house"),
        };
        if words.contains(&"on") && !words.contains(&"what") {
            home.lights.insert(key);
            return format!("{name} on.");
        }
        if words.contains(&"off") {
            home.lights.retain(|lit| key != "house" && *lit != key);
            return format!("{name} off.");
        }
        match home.lights.iter().copied().collect::<Vec<_>>()[..] {
            [] => "All the lights are off.".to_owned(),
            ["house", ..] => "All the lights are on.".to_owned(),
            ref rooms => format!("The {} lights are on.", rooms.join(" and the ")),
        }
    }

    fn timer(&self, words: &[&str]) -> String {
        let mut home = self.home();
        if words.iter().any(|word| ["cancel", "stop", "off"].contains(word)) {
            return match home.timer.take() {
                Some(length) => format!("The timer for {length} is cancelled."),
                None => "There is no timer.".to_owned(),
            };
        }
        let Some(length) = duration(words) else {
            return match &home.timer {
                Some(length) => format!("There is a timer for {length}."),
                None => "For how long?".to_owned(),
            };
        };
        let reply = format!("Your timer is set for {length}.");
        home.timer = Some(length);
        reply
    }

    fn home(&self) -> MutexGuard<'_, Home> {
        self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Responder for Appliance {
    fn respond(&self, turn: UserTurn, reply: Reply) {
        // The user may have gone on already; then nobody needs the answer.
        let _ = reply.text(&self.answer(&turn.text));
    }
}

/// "ten minutes" out of the words around it.
fn duration(words: &[&str]) -> Option<String> {
    let unit_at =
        words.iter().position(|w| ["second", "seconds", "minute", "minutes", "hour", "hours"].contains(w))?;
    let number: Vec<&str> = words[..unit_at].iter().rev().take_while(|w| is_number(w)).copied().collect();
    if number.is_empty() {
        return None;
    }
    let singular = words[unit_at].trim_end_matches('s');
    let number: Vec<&str> = number.into_iter().rev().collect();
    let plural = if number == ["one"] { "" } else { "s" };
    Some(format!("{} {singular}{plural}", number.join(" ")))
}

/// Whether `word` is one that whole numbers below 100 are made of.
fn is_number(word: &str) -> bool {
    let says = |n: u32| normalise(&n.to_string()).first().is_some_and(|spoken| spoken.spoken == word);
    (0..20).chain((20..100).step_by(10)).any(says)
}

/// "9:41 a.m.", which the voice's normaliser speaks.
fn written_time(time: NaiveTime) -> String {
    let (afternoon, hour) = time.hour12();
    format!("{hour}:{:02} {}", time.minute(), if afternoon { "p.m." } else { "a.m." })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_not_misread() {
        let says = |hour, minute| {
            let clock = move || NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
            let answer = Appliance::with_clock(clock).answer("what time is it");
            normalise(&answer).into_iter().map(|word| word.spoken).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(says(0, 0), "It is twelve AM");
        assert_eq!(says(13, 5), "It is one oh five PM");
        assert_eq!(says(9, 41), "It is nine forty one AM");
        assert_eq!(says(23, 59), "It is eleven fifty nine PM");
        assert_eq!(says(8, 20), "It is eight twenty AM");
    }

    #[test]
    fn a_timer_does_not_lose_its_length() {
        let appliance = Appliance::new();
        assert_eq!(
            appliance.answer("set a timer for twenty five minutes"),
            "Your timer is set for twenty five minutes."
        );
        assert_eq!(appliance.answer("cancel the timer"), "The timer for twenty five minutes is cancelled.");
        assert_eq!(appliance.answer("set a timer for one minute"), "Your timer is set for one minute.");
    }

    #[test]
    fn lights_do_not_forget_their_state() {
        let appliance = Appliance::new();
        assert_eq!(appliance.answer("turn on the bedroom light"), "The bedroom lights are on.");
        assert_eq!(appliance.answer("turn off the bedroom light"), "The bedroom lights are off.");
        assert_eq!(appliance.answer("what lights are on"), "All the lights are off.");
    }
}
