//! What the words around a number or a sign tell about it.

use super::atoms::{Cursor, Kind};

/// How a number after some noun is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Digit by digit: codes, accounts, cards.
    Digits,
    /// Digit by digit, a lone zero inside as "oh": short codes, extensions.
    Short,
    /// In pairs, as rooms and flights are: "fourteen oh eight".
    Pairs,
}

/// What is named by digits, and how many digits at least are said one by one.
const DIGITS: &[(&str, usize)] = &[
    ("code", 3),
    ("codes", 3),
    ("pin", 3),
    ("zip", 3),
    ("passcode", 3),
    ("password", 3),
    ("otp", 3),
    ("cvv", 3),
    ("cvc", 3),
    ("ending", 3),
    ("ends", 3),
    ("digits", 3),
    ("ssn", 3),
    ("id", 4),
    ("account", 3),
    ("acct", 3),
    ("order", 4),
    ("ticket", 4),
    ("confirmation", 4),
    ("case", 4),
    ("tracking", 4),
    ("invoice", 4),
    ("passport", 4),
    ("policy", 4),
    ("member", 4),
    ("membership", 4),
    ("serial", 4),
    ("card", 4),
    ("routing", 4),
    ("reference", 4),
    ("ref", 4),
    ("claim", 4),
    ("license", 4),
    ("licence", 4),
    ("reservation", 4),
    ("booking", 4),
    ("loan", 4),
    ("iban", 4),
    ("number", 5),
    ("fax", 4),
    ("mobile", 5),
    ("cell", 5),
    ("phone", 5),
    ("tel", 5),
    ("telephone", 5),
    ("employee", 4),
    ("student", 4),
    ("patient", 4),
    ("receipt", 4),
    ("transaction", 4),
    ("badge", 4),
    ("locker", 4),
    ("sku", 4),
    ("barcode", 4),
    ("isbn", 4),
    ("vin", 4),
    ("imei", 4),
    ("key", 5),
    ("rma", 4),
    ("token", 4),
    ("mrn", 4),
    ("npi", 4),
    ("docket", 4),
    ("permit", 4),
    ("registration", 4),
    ("po", 4),
    ("username", 4),
    ("sort", 4),
    ("shipment", 4),
    ("parcel", 4),
    ("package", 5),
    ("prescription", 4),
    ("rx", 4),
    ("voucher", 4),
    ("coupon", 4),
];
const SHORT: &[&str] = &["extension", "ext", "text", "sms", "dial", "call", "hotline"];
const PAIRS: &[&str] = &[
    "room",
    "rm",
    "suite",
    "ste",
    "apartment",
    "apt",
    "unit",
    "form",
    "forms",
    "flight",
    "gate",
    "route",
    "rte",
    "highway",
    "hwy",
    "interstate",
    "bus",
    "error",
    "errors",
    "status",
    "http",
    "building",
    "bldg",
    "box",
    "boeing",
    "airbus",
    "train",
    "model",
    "channel",
    "classroom",
    "office",
    "cabin",
    "seat",
    "locker",
    "engine",
    "squad",
];
/// Words that may stand between the noun and its number.
const LINKS: &[&str] = &[
    "is",
    "was",
    "are",
    "be",
    "number",
    "numbers",
    "no",
    "num",
    "the",
    "your",
    "my",
    "our",
    "his",
    "her",
    "of",
    "here",
    "it's",
    "its",
    "with",
    "in",
    "a",
    "new",
    "starts",
    "reads",
    "as",
    "s",
    "x",
    "starting",
    "code",
    "to",
    "at",
    "following",
    "verification",
    "one",
    "time",
    "security",
    "it",
    "that",
    "this",
    "by",
    "below",
    "stop",
    "yes",
    "help",
    "start",
    "join",
    "win",
    "now",
    "will",
    "2fa",
    "and",
    "use",
    "enter",
    "please",
];
/// Most atoms that are looked back through.
const REACH: isize = 24;

/// The words and digits before `c` in its sentence, nearest first, in lower case.
pub(super) fn before<'a>(c: &Cursor<'a>) -> impl Iterator<Item = String> + use<'a> {
    let c = *c;
    let mut k = 0;
    std::iter::from_fn(move || {
        while k > -REACH {
            k -= 1;
            match c.kind(k)? {
                Kind::Word => return c.word(k).map(str::to_lowercase),
                Kind::Number => return c.number(k).map(str::to_owned),
                Kind::Break => return None,
                Kind::Symbol('!' | '?' | ';') => return None,
                Kind::Symbol('.') if c.is_space(k + 1) && !is_pointed(&c, k) => return None,
                Kind::Symbol(_) | Kind::Space => {}
            }
        }
        None
    })
}

/// Whether the point at `k` belongs to an abbreviation rather than ending a sentence.
fn is_pointed(c: &Cursor, k: isize) -> bool {
    c.word(k - 1).is_some_and(|word| {
        matches!(
            word.to_lowercase().as_str(),
            "no" | "nos"
                | "exp"
                | "ext"
                | "tel"
                | "acct"
                | "ref"
                | "rm"
                | "ste"
                | "apt"
                | "bldg"
                | "rte"
                | "hwy"
                | "num"
                | "conf"
                | "approx"
                | "vs"
        )
    })
}

/// Whether one of `words` is among the `reach` words before.
pub(super) fn near(c: &Cursor, words: &[&str], reach: usize) -> bool {
    before(c).take(reach).any(|word| words.contains(&word.as_str()))
}

/// Whether one of `words` is among the `reach` words from atom `k` on.
pub(super) fn follows(c: &Cursor, k: isize, words: &[&str], reach: usize) -> bool {
    let mut seen = 0;
    let mut k = k;
    while seen < reach {
        match c.kind(k) {
            None | Some(Kind::Break | Kind::Symbol('!' | '?' | ';')) => return false,
            Some(Kind::Symbol('.')) if c.is_space(k + 1) => return false,
            Some(Kind::Word) => {
                seen += 1;
                if c.word(k).is_some_and(|word| words.contains(&word.to_lowercase().as_str())) {
                    return true;
                }
            }
            _ => {}
        }
        k += 1;
    }
    false
}

/// How a number of `length` digits at `c` is said because of what it is called; `None` if as a quantity.
pub(super) fn style(c: &Cursor, length: usize) -> Option<Style> {
    let typed = before(c)
        .next()
        .is_some_and(|word| matches!(word.as_str(), "enter" | "type" | "key" | "punch" | "input"));
    if typed && length >= 3 {
        return Some(Style::Digits);
    }
    for (i, word) in before(c).enumerate().take(9) {
        let word = word.as_str();
        if let Some((_, least)) = DIGITS.iter().find(|(noun, _)| *noun == word) {
            // "number" alone decides only if nothing better is before it.
            if word == "number" || word == "code" || word == "card" {
                let better = before(c)
                    .skip(i + 1)
                    .take(2)
                    .any(|w| PAIRS.contains(&w.as_str()) || SHORT.contains(&w.as_str()));
                if better && length < 5 {
                    continue;
                }
                if word == "code" && before(c).nth(i + 1).is_some_and(|w| w == "error" || w == "status") {
                    return (length >= 3).then_some(Style::Pairs);
                }
            }
            let numbered = before(c).take(i).any(|w| matches!(w.as_str(), "number" | "no" | "num" | "#"));
            let least = if numbered { 3.min(*least) } else { *least };
            if length < least && length > 2 && i < 3 && PAIRS.contains(&word) {
                return Some(Style::Pairs);
            }
            return (length >= least).then_some(Style::Digits);
        }
        if SHORT.contains(&word) {
            return (3..=6).contains(&length).then_some(Style::Short);
        }
        if PAIRS.contains(&word) {
            return (i < 3 && length >= 3).then_some(Style::Pairs);
        }
        if !LINKS.contains(&word) && !word.starts_with(|d: char| d.is_ascii_digit()) {
            return None;
        }
        // Across a verb or comma only so far.
        if i > 5 {
            return None;
        }
    }
    None
}

/// Whether the sentence so far speaks of dialling.
pub(super) fn of_phones(c: &Cursor) -> bool {
    near(
        c,
        &[
            "call",
            "calling",
            "dial",
            "phone",
            "tel",
            "telephone",
            "fax",
            "mobile",
            "cell",
            "text",
            "sms",
            "whatsapp",
            "number",
            "reach",
            "hotline",
            "ring",
            "contact",
            "line",
            "landline",
            "toll",
            "emergency",
            "helpline",
        ],
        7,
    )
}
