//! What the support agent knows: a handful of articles, found by their words.

pub struct Article {
    pub title: &'static str,
    /// Words that people use for it.
    words: &'static [&'static str],
    pub text: &'static str,
}

const ARTICLES: [Article; 5] = [
    Article {
        title: "A light does not turn on",
        words: &["light", "lights", "lamp", "bulb", "kitchen", "bedroom", "dark"],
        text: "Turn the lamp's own switch off, wait ten seconds, and turn it on again. \
            It joins the hub within a minute.",
    },
    Article {
        title: "The hub is offline",
        words: &["hub", "offline", "wifi", "internet", "connection", "red"],
        text: "Unplug the hub for ten seconds. A steady green light means that it is back.",
    },
    Article {
        title: "Timers and alarms",
        words: &["timer", "timers", "alarm", "minutes", "remind"],
        text: "Say: set a timer for ten minutes. Timers ring on the speaker that heard you.",
    },
    Article {
        title: "Returns and refunds",
        words: &["return", "refund", "money", "broken", "exchange", "warranty"],
        text: "You can return any device within thirty days; the warranty lasts two years.",
    },
    Article {
        title: "Adding a device",
        words: &["add", "pair", "device", "setup", "install", "new"],
        text: "Hold the device's button for five seconds until it blinks, then say: add a device.",
    },
];

/// The articles that share most words with `query`, best first, at most two.
pub fn search(query: &str) -> Vec<&'static Article> {
    let query = query.to_lowercase();
    let asked: Vec<&str> = query.split(|c: char| !c.is_alphanumeric()).collect();
    let score = |article: &Article| article.words.iter().filter(|word| asked.contains(word)).count();
    let mut found: Vec<&Article> = ARTICLES.iter().filter(|article| score(article) > 0).collect();
    found.sort_by_key(|article| std::cmp::Reverse(score(article)));
    found.truncate(2);
    found
}
