//! The golden cases of `data/normalise.golden.txt`.

use super::{WordKind, normalise};

const CASES: &str = include_str!("../../../data/normalise.golden.txt");

fn spoken(text: &str) -> String {
    let said = normalise(text).into_iter().map(|word| {
        let mark = if word.kind == WordKind::Spelled { "^" } else { "" };
        format!("{}{mark}{}{}", word.before, word.spoken, word.after)
    });
    said.collect::<Vec<_>>().join(" ")
}

#[test]
fn golden_cases_are_not_misread() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.starts_with("# ") || line.contains(" => ")) {
        let Some((written, wanted)) = line.split_once("=>") else { continue };
        let written = written.strip_suffix(' ').unwrap_or(written).replace("\\n", "\n").replace("\\t", "\t");
        let said = spoken(&written);
        cases += 1;
        if said != wanted.trim() {
            wrong.push(format!("{written:?}\n    wanted {:?}\n    spoken {said:?}", wanted.trim()));
        }
    }
    assert!(cases >= 200, "only {cases} cases were read");
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
}
