//! Voice names as users write them: blends, and what was probably meant by an unknown one.

use crate::{Error, ErrorKind};

/// Most voices in one blend.
const MAX_PARTS: usize = 8;

/// Names offered in place of an unknown one.
const OFFERED: usize = 5;

/// A voice, or several with weights that sum to 1.
#[derive(Debug, PartialEq)]
pub(super) struct Blend<'a> {
    parts: Vec<(&'a str, f32)>,
}

impl<'a> Blend<'a> {
    /// Reads `name`, `name:weight+name:weight…`, or nothing for `default`.
    pub(super) fn parse(spec: &'a str, default: &'a str) -> Result<Self, Error> {
        if spec.is_empty() {
            return Ok(Self { parts: vec![(default, 1.0)] });
        }
        let refuse = |reason: &str| {
            let message = format!("voice {spec:?}: {reason}; write it like \"af_bella:0.7+af_sarah:0.3\"");
            Error::new(ErrorKind::Config, message)
        };
        let mut parts = Vec::new();
        for part in spec.split('+') {
            let (name, weight) = part.split_once(':').unwrap_or((part, "1"));
            let weight: f32 = weight.trim().parse().map_err(|_| refuse("a weight is not a number"))?;
            if !(0.0..=1e6).contains(&weight) {
                return Err(refuse("a weight is negative or not finite"));
            }
            parts.push((name.trim(), weight));
        }
        let sum: f32 = parts.iter().map(|(_, weight)| weight).sum();
        if parts.len() > MAX_PARTS {
            return Err(refuse("more than 8 voices"));
        }
        if sum <= 0.0 {
            return Err(refuse("all weights are 0"));
        }
        parts.iter_mut().for_each(|(_, weight)| *weight /= sum);
        Ok(Self { parts })
    }

    /// The names with their weights.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'a str, f32)> {
        self.parts.iter().copied()
    }
}

/// The error for a name that is not among `known`, with the nearest ones.
pub(super) fn unknown(name: &str, known: &[String]) -> Error {
    let mut near: Vec<_> = known.iter().map(|k| (distance(name, k), k.as_str())).collect();
    near.sort();
    let near: Vec<_> = near.iter().take(OFFERED).map(|(_, k)| *k).collect();
    let shown: String = name.chars().take(40).collect();
    let message = format!("no voice {shown:?}; nearest of {}: {}", known.len(), near.join(", "));
    Error::new(ErrorKind::NotFound, message)
}

/// Edit distance, without regard to case; of a long name only the beginning is compared.
fn distance(a: &str, b: &str) -> usize {
    let short = |s: &str| s.to_lowercase().chars().take(40).collect::<Vec<_>>();
    let (a, b) = (short(a), short(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_left_out_or_out_of_scale_still_sum_to_one() {
        let parts = |spec| Blend::parse(spec, "d").unwrap().parts().collect::<Vec<_>>();
        assert_eq!(parts(""), [("d", 1.0)]);
        assert_eq!(parts("a"), [("a", 1.0)]);
        assert_eq!(parts("a:3 + b"), [("a", 0.75), ("b", 0.25)]);
    }

    #[test]
    fn a_malformed_blend_is_not_spoken_in_some_other_voice() {
        for spec in ["a:x", "a:-1", "a:NaN", "a:inf", "a:0", "a:0+b:0", "a+b+c+d+e+f+g+h+i"] {
            assert_eq!(Blend::parse(spec, "d").unwrap_err().kind(), ErrorKind::Config, "{spec}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_near_ones() {
        let known: Vec<_> = ["am_adam", "af_heart", "bf_emma", "af_bella"].map(String::from).into();
        let message = unknown("AF_hart", &known).to_string();
        assert!(message.contains("nearest of 4: af_heart, "), "{message}");
        let huge = "x".repeat(1_000_000);
        assert!(unknown(&huge, &known).to_string().len() < 200);
    }
}
