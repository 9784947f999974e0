//! Marks that are not said: citations, smileys, dollar signs around formulas; and forms of writing that
//! become plainer ones: "item(s)", "10⁻³".

/// The first bytes of `text`, at most `most` of them: keeps the time linear.
fn window(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Bytes of a citation at the start of `rest`: "[1]", "[2, 3]", "[4-6]", "[citation needed]", "【1†source】".
pub(super) fn citation(rest: &str, before: Option<char>) -> Option<usize> {
    let rest = window(rest, 560);
    if rest.starts_with('【') {
        return rest.find('】').filter(|at| *at < 60).map(|at| at + '】'.len_utf8());
    }
    let inner = rest.strip_prefix('[')?;
    let end = inner.find(']').filter(|at| *at < 40)?;
    let text = &inner[..end];
    if inner[end + 1..].starts_with('(') && !text.starts_with('^') {
        // A footnote that is a link is left out with its address.
        let numbers = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let close = inner[end + 1..].find(')').filter(|at| *at < 500 && numbers)?;
        return Some(1 + end + 1 + close + 1);
    }
    let numbers = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '–' | ';' | '^'))
        && text.chars().any(|c| c.is_ascii_digit())
        && text.split([',', ' ', '-', '–', ';']).all(|n| n.len() <= 3);
    let named = matches!(
        text,
        "citation needed" | "source" | "sources" | "note" | "ref" | "sic" | "a" | "b" | "c" | "*"
    ) && text.len() > 1
        || text
            .strip_prefix("note ")
            .or_else(|| text.strip_prefix("ref "))
            .or_else(|| text.strip_prefix("source "))
            .or_else(|| text.strip_prefix("Source "))
            .is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()));
    let footnote = text.strip_prefix('^').is_some_and(|n| !n.is_empty() && n.len() < 20);
    // "a[0]" in code is no citation.
    let code = before.is_some_and(|c| c == '`' || c == '_');
    (!code && (numbers || named || footnote)).then_some(end + 2)
}

/// What stands for the writing at the start of `rest`, and its bytes.
pub(super) fn silent(rest: &str, before: Option<char>) -> Option<(String, usize)> {
    let open = before.is_none_or(char::is_whitespace);
    if open && let Some(length) = smiley(rest) {
        return Some((String::new(), length));
    }
    let letter = before.is_some_and(char::is_alphabetic);
    if letter && rest.starts_with("(s)") && !rest[3..].starts_with(char::is_alphanumeric) {
        return Some(("s".to_owned(), 3));
    }
    if letter && rest.starts_with("(es)") && !rest[4..].starts_with(char::is_alphanumeric) {
        return Some(("es".to_owned(), 4));
    }
    if letter && rest.starts_with("(ren)") {
        return Some(("ren".to_owned(), 5));
    }
    let digit = before.is_some_and(|c| c.is_ascii_digit());
    if digit && (rest.starts_with("(k)") || rest.starts_with("(b)")) {
        return Some((rest[1..2].to_owned(), 3));
    }
    powers(rest, before)
}

/// Superscripts: "⁻³" → "^-3". The common ² and ³ alone stay.
fn powers(rest: &str, before: Option<char>) -> Option<(String, usize)> {
    let raised = |c: char| {
        Some(match c {
            '⁰' => '0',
            '¹' => '1',
            '²' => '2',
            '³' => '3',
            '⁴'..='⁹' => char::from_u32('4' as u32 + (c as u32 - '⁴' as u32))?,
            '⁻' => '-',
            _ => return None,
        })
    };
    let run: Vec<(char, usize)> =
        rest.chars().map_while(|c| raised(c).map(|r| (r, c.len_utf8()))).take(8).collect();
    let first = rest.chars().next()?;
    if run.is_empty()
        || run.len() == 1 && matches!(first, '²' | '³')
        || !before.is_some_and(|c| c.is_alphanumeric() || c == ')')
    {
        return None;
    }
    if run.len() == 1 && first == '¹' {
        return Some((String::new(), first.len_utf8()));
    }
    let digits: String = run.iter().map(|(c, _)| *c).collect();
    Some((format!("^{digits}"), run.iter().map(|(_, length)| length).sum()))
}

/// Bytes of a smiley at the start of `rest`.
fn smiley(rest: &str) -> Option<usize> {
    const FACES: &[&str] = &[
        ":-)",
        ":-(",
        ":-D",
        ":-P",
        ":-p",
        ";-)",
        ":-/",
        ":-|",
        ":'(",
        ":')",
        ":)",
        ":(",
        ":D",
        ":P",
        ":p",
        ";)",
        ":O",
        ":o",
        ":/",
        ":|",
        ":3",
        "=)",
        "=D",
        "XD",
        "xD",
        "<3",
        "</3",
        "^_^",
        "^^",
        "-_-",
        "T_T",
        "o_O",
        "O_o",
        ">:(",
        "B-)",
        ":*",
        ":]",
        ":[",
        "¯\\_(ツ)_/¯",
        "(:",
        "\\o/",
    ];
    FACES
        .iter()
        .find(|face| {
            rest.strip_prefix(**face).is_some_and(|after| {
                !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '\\' | '-' | '*' | '|'))
            })
        })
        .map(|face| face.len())
}

/// Whether a single star before `after` is a telephone's key and no emphasis.
pub(super) fn is_key(before: Option<char>, after: &str) -> bool {
    let after = window(after, 200);
    let open = before.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '“' | '(' | '\''));
    let code =
        after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '#' || c == '*').len();
    let next = after[code..].chars().next();
    let line = after.split('\n').next().unwrap_or_default();
    let closed = line[code.min(line.len())..].contains('*');
    let ended = next.is_none_or(|c| {
        c.is_whitespace() || matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | ')' | '"' | '”')
    });
    let digits = after[..code].chars().any(|c| c.is_ascii_digit()) && !after[..code].ends_with('*');
    open && ended && (digits && !closed || code == 0 && next.is_none_or(|c| !c.is_alphanumeric()))
        || before.is_some_and(|c| c == ')')
            && (after.starts_with(|c: char| c.is_ascii_digit() || c == '(')
                || after.starts_with(' ') && after[1..].starts_with(|c: char| c.is_ascii_digit() || c == '('))
        || before.is_some_and(|c| c.is_ascii_digit() || c == '#' || c == '*')
            && ended
            && !closed
            && before.is_none_or(|c| c != '*')
        || before.is_some_and(|c| c.is_ascii_digit()) && (after.starts_with('(') || after.starts_with('#'))
}

/// Whether the dollar sign at the start of `rest` opens a formula and is no money: "$E = mc^2$".
pub(super) fn opens_formula(rest: &str) -> bool {
    let rest = window(rest, 210);
    let display = rest.starts_with("$$");
    let after = rest.trim_start_matches('$');
    let Some(close) = after.find('$').filter(|at| *at < 200) else { return false };
    let text = &after[..close];
    let telling = text.contains(['^', '\\', '=', '_'])
        || text.chars().count() == 1 && text.starts_with(char::is_alphabetic);
    let glued = !text.starts_with(' ') && !text.ends_with(' ');
    let money = text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains(' ')
        && !text.contains(['^', '\\', '=']);
    telling && (glued || display) && !money && !text.contains('\n')
}
