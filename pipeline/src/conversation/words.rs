//! Words as the turn-taking rules see them: normalised, backchannels, echoes.

use super::Verdict;

/// The words of a text: lower case, letters and digits only; apostrophes vanish ("don't" → "dont").
pub(super) fn words(text: &str) -> Vec<String> {
    let kept: String =
        text.chars().filter(|c| !matches!(c, '\'' | '’')).flat_map(char::to_lowercase).collect();
    kept.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(String::from).collect()
}

/// Phrases that do not take the turn.
#[derive(Clone, Debug)]
pub(super) struct Backchannels {
    phrases: Vec<Vec<String>>,
}

impl Backchannels {
    pub fn new(phrases: &[String]) -> Self {
        let mut phrases: Vec<_> = phrases.iter().map(|p| words(p)).filter(|p| !p.is_empty()).collect();
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        Self { phrases }
    }

    /// Whether `words` hold nothing but the phrases (longest first), at least one.
    pub fn cover(&self, words: &[String]) -> bool {
        let mut rest = words;
        while !rest.is_empty() {
            let Some(phrase) = self.phrases.iter().find(|phrase| rest.starts_with(phrase)) else {
                return false;
            };
            rest = &rest[phrase.len()..];
        }
        !words.is_empty()
    }
}

/// How many words are compared at most; echoes are short, for the guard looks back about a second.
const COMPARED: usize = 48;

/// Whether at least four in five of the `user` words are among the `agent`'s, in order.
pub(super) fn is_echo(user: &[String], agent: &[String]) -> bool {
    if user.is_empty() || user.len() > COMPARED || agent.is_empty() {
        return false;
    }
    let agent = &agent[agent.len().saturating_sub(COMPARED)..];
    let mut best = [0_usize; COMPARED + 1];
    for word in user {
        let mut diagonal = 0;
        for (column, other) in agent.iter().enumerate() {
            let above = best[column + 1];
            best[column + 1] = if word == other { diagonal + 1 } else { above.max(best[column]) };
            diagonal = above;
        }
    }
    best[agent.len()] * 5 >= user.len() * 4
}

/// What `words` are, said while the agent's last words were `agent`.
pub(super) fn classify(words: &[String], agent: &[String], backchannels: &Backchannels) -> Verdict {
    if words.is_empty() {
        return Verdict::Empty;
    }
    if is_echo(words, agent) {
        return Verdict::Echo;
    }
    if backchannels.cover(words) { Verdict::Backchannel } else { Verdict::Words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Config;

    fn verdict(user: &str, agent: &str) -> Verdict {
        let backchannels = Backchannels::new(&Config::default().backchannels);
        classify(&words(user), &words(agent), &backchannels)
    }

    #[test]
    fn words_are_not_taken_for_backchannels() {
        for text in ["stop", "yes but", "no", "okay stop", "wait", "I see him"] {
            assert_eq!(verdict(text, ""), Verdict::Words, "{text}");
        }
        for text in ["Mm-hmm.", "Uh huh, yeah!", "I see.", "OKAY", "yes yes"] {
            assert_eq!(verdict(text, ""), Verdict::Backchannel, "{text}");
        }
        for text in ["", " ", "…", "?!"] {
            assert_eq!(verdict(text, "hello"), Verdict::Empty, "{text}");
        }
    }

    #[test]
    fn own_words_are_not_taken_for_the_users() {
        assert_eq!(verdict("train leaves at nine", "the train leaves at nine"), Verdict::Echo);
        assert_eq!(verdict("Train leaves at nice", "the train leaves at nine"), Verdict::Words);
        assert_eq!(verdict("the train leaves it nine", "the train leaves at nine"), Verdict::Echo);
        assert_eq!(verdict("nine at leaves train", "the train leaves at nine"), Verdict::Words);
        assert_eq!(verdict("at what time", "the train leaves at nine"), Verdict::Words);
    }
}
