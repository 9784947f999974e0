//! The words of a language that tell where a clause may end.

/// Tables of one language; each is written once, beside that language's other rules. All words are
/// in lower case, without a final point.
#[derive(Debug, PartialEq, Eq)]
pub struct ClauseWords {
    /// Before these a long clause may be parted.
    pub conjunctions: &'static [&'static str],
    /// Their point never ends a sentence: a name or a number follows ("Dr.").
    pub titles: &'static [&'static str],
    /// Their point ends no sentence before a digit ("No. 5", "Nov. 3").
    pub counted: &'static [&'static str],
    /// Their point ends a sentence only before a capital ("etc.").
    pub may_end: &'static [&'static str],
    /// A clause does not end on these if it can be helped: they belong to what follows. Each entry is
    /// a list of words between blanks.
    pub leaning: &'static [&'static str],
    /// From these a number, a date or a name goes on ("two", "November", "doctor"). Each entry is a list
    /// of words between blanks.
    pub open: &'static [&'static str],
    /// With these a phrase begins, besides most conjunctions.
    pub opening: &'static [&'static str],
    /// These belong to what is before them ("of", "a.m.", "dollars").
    pub clinging: &'static [&'static str],
}
