//! A Piper voice's `.onnx.json`: its rate, its table of symbols, its speakers.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::notation::{Symbol, espeak};
use crate::text::{Phonemes, TokenMark};
use crate::tts::marks::Lengths;
use crate::{Error, ErrorKind};

/// Symbols that Piper puts around and between phonemes.
const PAD: char = '_';
const BEGIN: char = '^';
const END: char = '$';

/// What is needed of the file.
pub(super) struct VoiceConfig {
    /// In Hz.
    pub(super) rate: u32,
    /// Noise, slowness, and noise of the durations.
    pub(super) scales: [f32; 3],
    ids: BTreeMap<char, i64>,
    speakers: BTreeMap<String, i64>,
    dataset: String,
}

/// A run of the graph.
pub(super) struct Run {
    pub(super) ids: Vec<i64>,
    /// The words; `tokens` are indices of `ids`.
    pub(super) words: Vec<TokenMark>,
    /// Symbols of our notation that it says.
    pub(super) phonemes: usize,
}

#[derive(Deserialize)]
struct Json {
    audio: Audio,
    #[serde(default)]
    inference: Inference,
    espeak: Option<Espeak>,
    #[serde(default)]
    phoneme_type: Option<String>,
    phoneme_id_map: BTreeMap<String, Vec<i64>>,
    #[serde(default)]
    speaker_id_map: BTreeMap<String, i64>,
    #[serde(default)]
    dataset: Option<String>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct Espeak {
    voice: String,
}

/// Piper's own defaults.
#[derive(Deserialize)]
#[serde(default)]
struct Inference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

impl Default for Inference {
    fn default() -> Self {
        Self { noise_scale: 0.667, length_scale: 1.0, noise_w: 0.8 }
    }
}

impl VoiceConfig {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::new(ErrorKind::Io, format!("can't read {}: {error}", path.display())))?;
        Self::parse(&text).map_err(|found| {
            Error::new(ErrorKind::Invalid, format!("{}: {found}; pull the model again", path.display()))
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let voice = json.espeak.map(|espeak| espeak.voice).unwrap_or_default();
        if json.phoneme_type.is_some_and(|kind| kind != "espeak") || !voice.starts_with("en") {
            return Err(format!("a voice of language {voice:?}, where an English one is wanted"));
        }
        let one = |text: String| text.chars().next().filter(|c| c.len_utf8() == text.len());
        let ids: BTreeMap<char, i64> = json
            .phoneme_id_map
            .into_iter()
            .filter_map(|(symbol, ids)| Some((one(symbol)?, *ids.first()?)))
            .collect();
        if let Some(missing) = [PAD, BEGIN, END, 'ə', 'n'].iter().find(|symbol| !ids.contains_key(symbol)) {
            return Err(format!("phoneme_id_map lacks {missing:?}"));
        }
        let rate = json.audio.sample_rate;
        if !(8_000..=192_000).contains(&rate) {
            return Err(format!("sample_rate is {rate} Hz, where 8000 to 192000 is expected"));
        }
        let Inference { noise_scale, length_scale, noise_w } = json.inference;
        if !(0.1..=10.0).contains(&length_scale) {
            return Err(format!("length_scale is {length_scale}, where 0.1 to 10 is expected"));
        }
        let dataset = json.dataset.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".into());
        Ok(Self {
            rate,
            scales: [noise_scale, length_scale, noise_w],
            ids,
            speakers: json.speaker_id_map,
            dataset,
        })
    }

    /// The speakers' names, or the data set's if there is but one.
    pub(super) fn voices(&self) -> Vec<String> {
        let mut named: Vec<(&String, &i64)> = self.speakers.iter().collect();
        named.sort_by_key(|(_, id)| **id);
        if named.is_empty() {
            vec![self.dataset.clone()]
        } else {
            named.into_iter().map(|(n, _)| n.clone()).collect()
        }
    }

    /// The number of the speaker called `name`.
    pub(super) fn speaker(&self, name: &str) -> Option<i64> {
        if self.speakers.is_empty() {
            (name == self.dataset).then_some(0)
        } else {
            self.speakers.get(name).copied()
        }
    }

    /// Typical lengths of the symbols; what lies between them has none.
    pub(super) fn lengths(&self) -> Lengths {
        let lengths = Lengths::new(|symbol| self.ids.get(&symbol).copied());
        [PAD, BEGIN, END].iter().fold(lengths, |lengths, symbol| lengths.with(self.ids[symbol], 0.0))
    }

    /// The tokens of `phonemes`, as Piper puts them: a pad after the begin and after every symbol. A
    /// symbol that the voice does not know is left out.
    pub(super) fn encode(&self, phonemes: &Phonemes) -> Run {
        let mut ids = vec![self.ids[&BEGIN], self.ids[&PAD]];
        let mut words = Vec::new();
        let mut marks = phonemes.words().iter().peekable();
        let mut start = ids.len();
        for Symbol { text, from } in espeak(phonemes.text()) {
            if marks.peek().is_some_and(|word| word.phonemes.start == from.start) {
                start = ids.len();
            }
            for id in text.chars().filter_map(|symbol| self.ids.get(&symbol)) {
                ids.extend([*id, self.ids[&PAD]]);
            }
            if let Some(word) = marks.next_if(|word| word.phonemes.end <= from.end) {
                words.push(TokenMark { source: word.source.clone(), tokens: start..ids.len() });
            }
        }
        ids.push(self.ids[&END]);
        Run { ids, words, phonemes: phonemes.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(symbols: &str) -> String {
        let map: BTreeMap<String, Vec<i64>> =
            symbols.chars().enumerate().map(|(id, symbol)| (symbol.to_string(), vec![id as i64])).collect();
        format!(
            r#"{{"audio": {{"sample_rate": 22050}}, "espeak": {{"voice": "en-us"}}, "dataset": "joe", "phoneme_id_map": {}}}"#,
            serde_json::to_string(&map).unwrap()
        )
    }

    #[test]
    fn symbols_are_parted_by_pads_and_words_keep_their_marks() {
        let config = VoiceConfig::parse(&table("_^$ .ˈətɪnoʊ")).unwrap();
        let mut phonemes = Phonemes::default();
        phonemes.push_word("", "nˈO", "", 0..2);
        phonemes.push_word("", "ɪt", ".", 3..5);
        let run = config.encode(&phonemes);
        assert_eq!(run.ids, [1, 0, 9, 0, 5, 0, 10, 0, 11, 0, 3, 0, 8, 0, 7, 0, 4, 0, 2]);
        let marks: Vec<_> = run.words.iter().map(|word| word.tokens.clone()).collect();
        assert_eq!(marks, [2..10, 12..16]);
        assert_eq!(
            (config.voices(), config.speaker("joe"), config.speaker("amy")),
            (vec!["joe".into()], Some(0), None)
        );
    }

    #[test]
    fn a_voice_of_another_kind_is_refused_in_words() {
        for (text, named) in [
            ("{}".to_owned(), "audio"),
            (table("_^$ən").replace("en-us", "de"), "\"de\""),
            (table("_^$"), "'ə'"),
            (table("_^$ən").replace("22050", "3"), "3 Hz"),
            ("<html>".into(), "expected"),
        ] {
            let found = VoiceConfig::parse(&text).err().unwrap();
            assert!(found.contains(named), "{found}");
        }
    }
}
