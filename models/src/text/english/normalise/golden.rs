//! The golden rows: every one of them holds, and of the held-out ones of each kind nearly all.

use std::collections::BTreeMap;

use super::normalise;
use crate::text::{WordKind, spoken};

/// Written and spoken, `^` before what is spelled, under headings by kind.
const CASES: &str = include_str!("../../../../data/normalise.golden.txt");
/// Kind, written, spoken.
const GOLDEN: &str = include_str!("../../../../tests/golden/golden.tsv");
const HELD_OUT: &str = include_str!("../../../../tests/golden/heldout.tsv");

fn marked(text: &str) -> String {
    let said = normalise(text).into_iter().map(|word| {
        let mark = if word.kind == WordKind::Spelled { "^" } else { "" };
        format!("{}{mark}{}{}", word.before, word.spoken, word.after)
    });
    said.collect::<Vec<_>>().join(" ")
}

/// The rows of a table: kind, written, spoken.
fn rows(table: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    table.lines().filter(|line| !line.starts_with("# ") && !line.is_empty()).map(|line| {
        let mut fields = line.splitn(3, '\t');
        let mut field = || fields.next().unwrap_or_else(|| panic!("three fields: {line:?}"));
        (field(), field(), field())
    })
}

#[test]
fn golden_cases_are_read_as_they_stand() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.starts_with("# ") || line.contains(" => ")) {
        let Some((written, wanted)) = line.split_once("=>") else { continue };
        let written = written.strip_suffix(' ').unwrap_or(written).replace("\\n", "\n").replace("\\t", "\t");
        let said = marked(&written);
        cases += 1;
        if said != wanted.trim() {
            wrong.push(format!("{written:?}\n    wanted {:?}\n    spoken {said:?}", wanted.trim()));
        }
    }
    assert!(cases >= 200, "only {cases} cases were read");
    for (kind, written, wanted) in rows(GOLDEN) {
        let said = spoken(&normalise(written));
        cases += 1;
        if said != wanted {
            wrong.push(format!("{kind}: {written:?}\n    wanted {wanted:?}\n    spoken {said:?}"));
        }
    }
    assert!(cases >= 800, "only {cases} cases were read");
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn held_out_cases_of_each_kind_are_read_right() {
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (kind, written, wanted) in rows(HELD_OUT) {
        let (right, all) = kinds.entry(kind).or_default();
        *all += 1;
        let said = spoken(&normalise(written));
        if said == wanted {
            *right += 1;
        } else {
            println!("{kind}: {written:?}\n    wanted {wanted:?}\n    spoken {said:?}");
        }
    }
    for (kind, (right, all)) in kinds {
        println!("{kind:8} {right:3} of {all}");
        assert!(right as f64 >= 0.97 * all as f64, "{kind}: {right} of {all}");
    }
}
