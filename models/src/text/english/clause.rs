//! What English words tell about where a clause may end.

use crate::text::ClauseWords;

/// English, for [`ClauseWords`].
pub(crate) static CLAUSE_WORDS: ClauseWords = ClauseWords {
    conjunctions: CONJUNCTIONS,
    titles: TITLES,
    counted: COUNTED,
    may_end: MAY_END,
    leaning: &[DETERMINERS, PREPOSITIONS, QUALIFIERS, SUBJECTS_AND_AUXILIARIES, NUMBERS_AND_TITLES],
    open: &[NUMBERS_AND_TITLES, MONTHS],
    opening: OPENING,
    clinging: CLINGING,
};

/// Their point ends a sentence only before a capital.
const MAY_END: &[&str] = &["etc", "inc", "jr", "sr", "co", "corp", "ltd"];
/// Before these words a long clause may be parted.
const CONJUNCTIONS: &[&str] = &[
    "and", "but", "or", "so", "because", "which", "that", "when", "while", "if", "although", "though",
    "then", "where", "who", "with", "after", "before", "since", "until", "unless", "as", "than", "for",
    "from", "into",
];
/// Their point never ends a sentence: a name or a number follows.
const TITLES: &[&str] = &[
    "dr", "mr", "mrs", "ms", "mx", "prof", "st", "mt", "gen", "sen", "rep", "gov", "capt", "lt", "col",
    "sgt", "rev", "hon", "pres", "vs", "cf", "approx", "eg", "ie", "e.g", "i.e", "ft", "est", "avg", "tel",
    "ext", "esp", "incl",
];
/// Their point ends no sentence before a digit.
const COUNTED: &[&str] = &[
    "no", "nos", "fig", "vol", "ch", "pp", "pg", "sec", "eq", "apt", "jan", "feb", "mar", "apr", "jun",
    "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];
/// Determiners, and what stands before them.
const DETERMINERS: &str = "\
    a an the my your our their his her its this these those some any no every each all both such what \
    how why another other many few several";
/// Prepositions.
const PREPOSITIONS: &str = "\
    to of in on at by about between under over near past around across against among behind besides \
    during like onto per through toward towards upon via within without";
/// What qualifies the next word.
const QUALIFIERS: &str = "\
    very really quite rather too more most less least not just only almost nearly exactly roughly \
    approximately mostly new";
/// Subjects and auxiliary verbs, also run together.
const SUBJECTS_AND_AUXILIARIES: &str = "\
    i you we they he she it there here i'm i'll i've i'd you're you'll you've we're we'll we've they're \
    they'll they've he's she's it's it'll that's there's here's what's let's let am is are was were be \
    been being will would can could should may might must do does did have has had don't doesn't didn't \
    can't cannot couldn't won't wouldn't shouldn't isn't aren't wasn't weren't haven't hasn't hadn't";
/// Months, after which a day follows.
const MONTHS: &str = "january february march april june july august september october november december";
/// Numbers and names go on.
const NUMBERS_AND_TITLES: &str = "\
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred \
    thousand million billion point minus half quarter first second third number doctor mister saint";
/// With these a phrase begins, which the voice may set apart; besides most [`CONJUNCTIONS`].
const OPENING: &[&str] = &[
    "a", "an", "the", "my", "your", "our", "their", "his", "this", "these", "those", "some", "at", "by",
    "in", "near", "about", "during", "between", "through", "within", "without", "i", "we", "they", "he",
    "she", "there", "i'm", "i'll", "you're", "we're", "it's", "is", "are", "was", "were", "will", "would",
    "can", "could", "should", "may", "might", "must", "has", "have", "had",
];
/// These belong to what is before them.
const CLINGING: &[&str] = &[
    "of", "to", "you", "me", "him", "her", "us", "them", "it", "past", "o'clock", "oclock", "am", "pm",
    "a.m", "p.m", "ago", "too", "enough", "else", "as", "than", "on", "off", "up", "down", "out", "away",
    "back", "percent", "degrees", "dollars", "euros", "hundred", "thousand", "million", "billion", "point",
    "half",
];
