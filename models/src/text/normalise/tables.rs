//! Tables of words: abbreviations, acronyms, names.

/// When a short form counts as one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// Before a name, with or without a point; its point never ends a sentence.
    Title,
    /// With a point, which ends a sentence only at the end of the text.
    Pointed,
    /// With a point, which before a capital also ends the sentence.
    MayEnd,
    /// With or without a point.
    Always,
    /// Before a number.
    BeforeNumber,
}

use Abbreviation::{Always, BeforeNumber, MayEnd, Pointed, Title};

/// Short forms and what is said for them. A newcomer's first stop: add a line, and a golden case.
pub(super) const ABBREVIATIONS: &[(&str, &str, Abbreviation)] = &[
    ("Mr", "Mister", Title),
    ("Mrs", "Missus", Title),
    ("Ms", "Miz", Title),
    ("Mx", "Mix", Title),
    ("Prof", "Professor", Title),
    ("Rev", "Reverend", Title),
    ("Gen", "General", Pointed),
    ("Col", "Colonel", Pointed),
    ("Capt", "Captain", Pointed),
    ("Lt", "Lieutenant", Pointed),
    ("Sgt", "Sergeant", Pointed),
    ("Gov", "Governor", Pointed),
    ("Sen", "Senator", Pointed),
    ("Rep", "Representative", Pointed),
    ("Pres", "President", Pointed),
    ("Hon", "Honorable", Pointed),
    ("Jr", "Junior", MayEnd),
    ("Sr", "Senior", MayEnd),
    ("Ave", "Avenue", MayEnd),
    ("Blvd", "Boulevard", Always),
    ("Rd", "Road", MayEnd),
    ("Ln", "Lane", MayEnd),
    ("Hwy", "Highway", Always),
    ("Pkwy", "Parkway", Always),
    ("Sq", "Square", MayEnd),
    ("Apt", "Apartment", Pointed),
    ("apt", "apartment", BeforeNumber),
    ("Dept", "Department", Always),
    ("dept", "department", Always),
    ("Inc", "Incorporated", MayEnd),
    ("Ltd", "Limited", MayEnd),
    ("Corp", "Corporation", MayEnd),
    ("Co", "Company", MayEnd),
    ("Bros", "Brothers", MayEnd),
    ("Univ", "University", Pointed),
    ("Mt", "Mount", Title),
    ("Ft", "Fort", Pointed),
    ("etc", "et cetera", MayEnd),
    ("vs", "versus", Always),
    ("approx", "approximately", Always),
    ("appt", "appointment", Always),
    ("avg", "average", Always),
    ("max", "maximum", Pointed),
    ("est", "estimated", Pointed),
    ("misc", "miscellaneous", Always),
    ("min", "minimum", Pointed),
    ("temp", "temperature", Pointed),
    ("incl", "including", Always),
    ("esp", "especially", Pointed),
    ("ext", "extension", Always),
    ("tel", "telephone", Pointed),
    ("Tel", "Telephone", Pointed),
    ("govt", "government", Always),
    ("assn", "association", Always),
    ("abbr", "abbreviation", Pointed),
    ("cf", "compare", Pointed),
    ("al", "al", Pointed),
    ("no", "number", BeforeNumber),
    ("No", "Number", BeforeNumber),
    ("nos", "numbers", BeforeNumber),
    ("fig", "figure", BeforeNumber),
    ("Fig", "Figure", BeforeNumber),
    ("vol", "volume", BeforeNumber),
    ("Vol", "Volume", BeforeNumber),
    ("ch", "chapter", BeforeNumber),
    ("Ch", "Chapter", BeforeNumber),
    ("pp", "pages", BeforeNumber),
    ("pg", "page", BeforeNumber),
    ("sec", "section", BeforeNumber),
    ("Sec", "Section", BeforeNumber),
    ("eq", "equation", BeforeNumber),
    ("Eq", "Equation", BeforeNumber),
    ("btw", "by the way", Always),
    ("Btw", "By the way", Always),
    ("hrs", "hours", Always),
    ("mins", "minutes", Always),
    ("lbs", "pounds", Always),
    ("tbsp", "tablespoon", Always),
    ("tsp", "teaspoon", Always),
];

/// Capitals that are said as a word.
pub(super) const WORDS: &[&str] = &[
    "NASA", "NATO", "UNICEF", "UNESCO", "OPEC", "AIDS", "COVID", "LASER", "RADAR", "SCUBA", "JPEG", "GIF",
    "RAM", "ROM", "SIM", "PIN", "LAN", "WAN", "RAID", "CAPTCHA", "ASCII", "NAFTA", "FEMA", "SWAT", "YAML",
    "TOML", "JSON", "SQL", "GUI", "POTUS", "FIFA", "IKEA", "LEGO", "NVIDIA", "BASIC", "BIOS", "CAD", "DOS",
    "EPCOT", "FOMO", "GAAP", "HIPAA", "IMAX", "LIDAR", "SONAR", "MIDI", "NAS", "NASDAQ", "OSHA", "PAC",
    "REST", "SAT", "SOAP", "TED", "TESOL", "WASP", "YOLO", "ZIP", "BERT", "LLAMA", "CERN", "VAR", "PET",
    "ARM", "AMOLED", "OLED", "CRUD", "DALL", "ETA", "FAQ",
];

/// Capitals that look like a word and are spelled.
pub(super) const SPELLED: &[&str] = &[
    "ACLU", "ADHD", "ASAP", "ESPN", "RSVP", "IEEE", "USDA", "UCLA", "UEFA", "ISIS", "IAEA", "AARP", "ASMR",
    "AMD", "USA", "UAE", "EU", "US", "UN", "UK", "AI", "IT", "ID", "OK", "TV", "PC", "IP", "OS", "AM", "PM",
    "AC", "DC", "LA", "API", "APIS", "URL", "URI", "USB", "IBM", "IOU", "ISO", "IPO", "IQ", "EQ", "ECG",
    "EKG", "EEG", "IRS", "UFO", "UI", "UX", "AA", "AAA", "ETF", "IRA", "ETA", "FAQ", "ABC", "UPS", "USPS",
    "AOL", "ATM", "NAACP", "TTS", "STT", "ASR", "CEO", "CIO", "CFO", "COO", "MIT", "NIH", "AOC", "AWS",
    "EPUB", "IIRC", "IMHO", "IMO", "TIA", "UTC", "AKA", "DIY", "DOA", "MIA", "AIM", "AP", "IM", "ICU", "ER",
    "OR", "AIA", "IUD", "AES", "RSA", "DNA", "RNA", "AGI", "VAD", "AEC", "WER", "ORT",
];

/// Short words that stay words in capitals ("NOT", "THE").
pub(super) const SHORT_WORDS: &[&str] = &[
    "a", "all", "am", "an", "and", "any", "are", "as", "ask", "at", "bad", "be", "big", "but", "buy", "by",
    "can", "day", "did", "do", "end", "far", "few", "for", "get", "go", "god", "got", "had", "has", "he",
    "her", "him", "his", "hot", "how", "if", "in", "is", "its", "job", "just", "let", "lol", "low", "man",
    "may", "me", "my", "new", "no", "non", "not", "now", "of", "off", "oh", "old", "on", "one", "our", "out",
    "own", "per", "put", "red", "run", "sad", "say", "see", "she", "sit", "six", "so", "stop", "ten", "the",
    "to", "too", "top", "try", "two", "up", "use", "very", "was", "way", "we", "who", "why", "win", "yes",
    "yet", "you", "dr", "mr", "mrs", "wow", "bye", "hey", "hi",
];

/// Mixed-case words that are not cut at their humps.
pub(super) const KEPT: &[&str] = &[
    "WiFi",
    "MacBook",
    "LaTeX",
    "McDonald",
    "McDonalds",
    "DeepMind",
    "PyTorch",
    "YouTube",
    "LinkedIn",
    "GitHub",
    "JavaScript",
    "TikTok",
    "WhatsApp",
    "PayPal",
    "iPhone",
    "iPad",
    "iPhones",
    "iPads",
    "FaceTime",
    "PhD",
    "SaaS",
    "PaaS",
];

/// Names after which a Roman numeral is "the eighth".
pub(super) const NAMES_BEFORE_NUMERALS: &[&str] = &[
    "Henry",
    "Louis",
    "George",
    "Elizabeth",
    "Charles",
    "Edward",
    "Richard",
    "James",
    "William",
    "John",
    "Pius",
    "Paul",
    "Benedict",
    "Napoleon",
    "Philip",
    "Alexander",
    "Catherine",
    "Nicholas",
    "Peter",
    "Frederick",
    "Wilhelm",
    "Francis",
    "Leo",
    "Mary",
    "Ramses",
];
