"""Kokoro-82M's token table, and flite's phones in misaki's American English notation (what Kokoro and its G2P write)."""

from flite_phones import Phone

TOKENS = {
    ";": 1, ":": 2, ",": 3, ".": 4, "!": 5, "?": 6, "—": 9, "…": 10, '"': 11, "(": 12, ")": 13, "“": 14, "”": 15, " ": 16,
    "\u0303": 17, "ʣ": 18, "ʥ": 19, "ʦ": 20, "ʨ": 21, "ᵝ": 22, "\uab67": 23, "A": 24, "I": 25, "O": 31, "Q": 33, "S": 35,
    "T": 36, "W": 39, "Y": 41, "ᵊ": 42, "a": 43, "b": 44, "c": 45, "d": 46, "e": 47, "f": 48, "h": 50, "i": 51, "j": 52,
    "k": 53, "l": 54, "m": 55, "n": 56, "o": 57, "p": 58, "q": 59, "r": 60, "s": 61, "t": 62, "u": 63, "v": 64, "w": 65,
    "x": 66, "y": 67, "z": 68, "ɑ": 69, "ɐ": 70, "ɒ": 71, "æ": 72, "β": 75, "ɔ": 76, "ɕ": 77, "ç": 78, "ɖ": 80, "ð": 81,
    "ʤ": 82, "ə": 83, "ɚ": 85, "ɛ": 86, "ɜ": 87, "ɟ": 90, "ɡ": 92, "ɥ": 99, "ɨ": 101, "ɪ": 102, "ʝ": 103, "ɯ": 110,
    "ɰ": 111, "ŋ": 112, "ɳ": 113, "ɲ": 114, "ɴ": 115, "ø": 116, "ɸ": 118, "θ": 119, "œ": 120, "ɹ": 123, "ɾ": 125, "ɻ": 126,
    "ʁ": 128, "ɽ": 129, "ʂ": 130, "ʃ": 131, "ʈ": 132, "ʧ": 133, "ʊ": 135, "ʋ": 136, "ʌ": 138, "ɣ": 139, "ɤ": 140, "χ": 142,
    "ʎ": 143, "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157, "ː": 158, "ʰ": 162, "ʲ": 164, "↓": 169, "→": 171, "↗": 172, "↘": 173,
    "ᵻ": 177,
}  # fmt: skip
PAD = 0
"""Stands before and after every utterance."""
TOKEN_COUNT = 178
PAUSES = ",.;:!?—…"

MISAKI = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "W", "ax": "ə", "ay": "I", "eh": "ɛ", "er": "ɜɹ", "ey": "A", "ih": "ɪ",
    "iy": "i", "ow": "O", "oy": "Y", "uh": "ʊ", "uw": "u", "b": "b", "ch": "ʧ", "d": "d", "dh": "ð", "f": "f", "g": "ɡ",
    "hh": "h", "jh": "ʤ", "k": "k", "l": "l", "m": "m", "n": "n", "ng": "ŋ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t",
    "th": "θ", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
}  # fmt: skip
VOWELS = set("aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw".split())
FRAME = 0.010
"""Seconds per duration unit."""


def notated(phones: list[Phone], punctuation: list[str]) -> list[tuple[str, int]]:
    """flite's phones → (symbol, frames). A stress mark stands before the vowel, a space between words; punctuation takes the pause
    it causes. `PAD` is written "$". `punctuation` lists the text's marks in order, the last one ending it."""
    out: list[list] = [["$", 0]]
    before, word, pauses = 0.0, None, 0
    for index, phone in enumerate(phones):
        frames = round(phone.end / FRAME) - round(before / FRAME)
        before = phone.end
        if phone.name == "pau":
            if index == 0:
                out[0][1] += frames
            elif index == len(phones) - 1:
                out += [[punctuation[-1], 0], ["$", frames]]
            else:
                out += [[punctuation[min(pauses, len(punctuation) - 1)], frames], [" ", 0]]
                pauses += 1
            continue
        if phone.word != word and out[-1][0] not in "$ ":
            out.append([" ", 0])
        word = phone.word
        symbols = "əɹ" if phone.name == "er" and not phone.stressed else MISAKI[phone.name]
        if phone.stressed and phone.name in VOWELS:
            out.append(["ˈ", 0])
        if len(symbols) == 2:
            out += [[symbols[0], frames - frames // 2], [symbols[1], frames // 2]]
        else:
            out.append([symbols, frames])
    return [(symbol, frames) for symbol, frames in out]


def token_ids(notation: str) -> list[int]:
    """misaki phonemes → token ids, padded; unknown symbols are left out."""
    return [PAD, *(TOKENS[c] for c in notation if c in TOKENS), PAD]


def write_tokens(path) -> None:
    """sherpa-onnx's `tokens.txt`: one `symbol id` per line."""
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"{symbol} {number}\n" for symbol, number in TOKENS.items())
