"""The words the recogniser knows, and how it writes them.

Whole words are the CTC labels: `WORDS`, then `UNK` (a stretch of speech that is none of them), then the blank.
Pronunciations come from the CMU dictionary that Debian ships as festlex-cmu; training uses them as an auxiliary target.
"""

import re
from functools import cache

DIGITS = "zero one two three four five six seven eight nine".split()
TENS = "ten fifteen twenty thirty forty fifty".split()
WORDS = (
    DIGITS
    + ["oh"]
    + TENS
    + """yes yeah uhhuh no stop wait cancel okay hello hi thanks thank you please goodbye bye
    what what's is it the time date day today weather turn switch on off light lights kitchen bedroom
    set a timer for minute minutes second seconds hour hours how many long left are
    tell me joke story play pause music volume up down repeat that again go your name who can do help""".split()
)
UNK = "UNK"
LABELS = WORDS + [UNK]
LABEL_OF = {word: index for index, word in enumerate(LABELS)}
BLANK = len(LABELS)
"""NeMo's convention: the blank is the last class and is not counted in `vocab_size`."""
TOKENS = ["▁" + word for word in LABELS] + ["<blk>"]

SPOKEN = {"uhhuh": "uh huh"}
"""How a label is spelt for the synthesizers, where that differs."""

CMU_DICTIONARY = "/usr/share/festival/dicts/cmu/cmudict-0.4.out"
EXTRA_PRONUNCIATIONS = {"uhhuh": "ah hh ah", "okay": "ow k ey", "what's": "w ah t s", "hi": "hh ay", "oh": "ow"}
PHONES = """aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh""".split()
PHONE_OF = {phone: index + 1 for index, phone in enumerate(PHONES)}
"""Auxiliary CTC classes; 0 is the blank."""


@cache
def pronunciations() -> dict[str, str]:
    """Word → its first pronunciation, as space-separated lower-case phones."""
    entry = re.compile(r'^\("([a-z\']+)" \w+ (\(.*\))\)')
    found: dict[str, str] = {}
    with open(CMU_DICTIONARY, errors="ignore") as lines:
        for line in lines:
            if match := entry.match(line):
                phones = " ".join(re.findall(r"[a-z]+", match.group(2)))
                found.setdefault(match.group(1), phones)
    found.update(EXTRA_PRONUNCIATIONS)
    return found


def labels(words: list[str]) -> list[int]:
    """CTC labels of a sentence; neighbouring unknown words make one `UNK`."""
    out: list[int] = []
    for word in words:
        label = LABEL_OF.get(word, LABEL_OF[UNK])
        if label == LABEL_OF[UNK] and out and out[-1] == label:
            continue
        out.append(label)
    return out


def phones(words: list[str]) -> list[int]:
    """Auxiliary CTC labels of a sentence; words that the dictionary lacks are left out."""
    known = pronunciations()
    return [PHONE_OF[p] for word in words for p in known.get(word, "").split() if p in PHONE_OF]


def write_tokens(path) -> None:
    """Writes sherpa-onnx's `tokens.txt`: one `symbol id` per line."""
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"{token} {index}\n" for index, token in enumerate(TOKENS))


if __name__ == "__main__":
    assert len(set(WORDS)) == len(WORDS), "a word is listed twice"
    missing = [word for word in WORDS if word not in pronunciations()]
    print(f"{len(WORDS)} words, {len(pronunciations())} pronunciations, missing: {missing}")
