"""Packs the pronunciation dictionary into lexicon.bin, beside this file.

    python3 make_lexicon.py DICTIONARY GOLD SILVER
        # index.js of npm's cmu-pronouncing-dictionary; us_gold.json and us_silver.json of PyPI's misaki

Words are those of the gold list, which is in Kokoro's notation already; then those of the dictionary, put into it by
notation.py; then those of the silver list; all corrected and extended by overrides.txt. Plurals and possessives that the run-time rule makes by itself are left out. Layout, all integers little-endian:

    "LEX1"  u32 words  u32 blocks  u16 codes
    codes  × (u8 length, UTF-8 phonemes)      what each phoneme byte stands for; frequent sequences have their own
    blocks × u32                              where each block starts, from the first block
    blocks                                    16 words each, sorted by their UTF-8 bytes: see src/text/english/g2p/lexicon.rs
    u32                                       CRC-32 of all before
Each word: u8 shared (bytes in common with the word before; 0 for a block's first), u8 rest (length), the other bytes,
then the phoneme codes, the last with its high bit set.
"""
import collections
import json
import os
import re
import struct
import sys
import zlib

import notation

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = 16
CODES = 128


def plural(stem):
    """The regular plural or possessive of phonemes `stem`, as src/text/english/g2p/pronounce.rs makes it."""
    return stem + ("s" if stem[-1] in "ptkfθ" else "ᵻz" if stem[-1] in "szʃʒʧʤ" else "z")


def listed(path):
    """The words of one of misaki's lists, in lower case, in Kokoro's symbols; capitals-only entries are no words."""
    words, capital = {}, {}
    for word, sound in json.load(open(path, encoding="utf-8")).items():
        if isinstance(sound, dict):
            sound = sound.get("DEFAULT")
        if not sound or not re.fullmatch("[a-zà-ÿ][a-zà-ÿ']*", word.lower()) or (word.isupper() and len(word) > 1):
            continue
        sound = sound.replace("ɾ", "T").replace("ʔ", "t")
        (words if word.islower() else capital)[word.lower()] = sound
    return {**capital, **words}


def derivable(words, word):
    for end in ("'s", "s"):
        stem = word[:-len(end)]
        if word.endswith(end) and len(stem) > 1 and not stem.endswith("s") and stem in words:
            return plural(words[stem]) == words[word]
    return False


def pairs_merged(words):
    """Byte-pair encoding: -> (what each code stands for, code strings by word)"""
    symbols = sorted({c for sound in words.values() for c in sound})
    code = {c: i for i, c in enumerate(symbols)}
    table = list(symbols)
    coded = {word: [code[c] for c in sound] for word, sound in words.items()}
    while len(table) < CODES:
        counts = collections.Counter(p for s in coded.values() for p in zip(s, s[1:]))
        pair = min(counts.items(), key=lambda item: (-item[1], item[0]))[0]
        new = len(table)
        table.append(table[pair[0]] + table[pair[1]])
        for word, s in coded.items():
            out, i = [], 0
            while i < len(s):
                if tuple(s[i:i + 2]) == pair:
                    out.append(new)
                    i += 2
                else:
                    out.append(s[i])
                    i += 1
            coded[word] = out
    return table, coded


def main():
    words = listed(sys.argv[3])
    words.update((w, notation.phonemes(w, a)) for w, a in notation.dictionary(sys.argv[1]).items())
    words.update(listed(sys.argv[2]))
    words.update(notation.overrides(os.path.join(HERE, "overrides.txt")))
    kept = {w: s for w, s in words.items() if not derivable(words, w)}
    table, coded = pairs_merged(kept)
    blocks, starts, before = bytearray(), [], b""
    for i, word in enumerate(sorted(kept, key=str.encode)):
        spelled = word.encode()
        shared = 0
        if i % BLOCK == 0:
            starts.append(len(blocks))
        else:
            while shared < min(len(before), len(spelled)) and before[shared] == spelled[shared]:
                shared += 1
        codes = coded[word]
        blocks += bytes([shared, len(spelled) - shared]) + spelled[shared:] + bytes(codes[:-1]) + bytes([codes[-1] | 128])
        before = spelled
    out = b"LEX1" + struct.pack("<IIH", len(kept), len(starts), len(table))
    out += b"".join(bytes([len(t.encode())]) + t.encode() for t in table)
    out += b"".join(struct.pack("<I", s) for s in starts) + blocks
    out += struct.pack("<I", zlib.crc32(out))
    open(os.path.join(HERE, "lexicon.bin"), "wb").write(out)
    print(f"lexicon.bin: {len(out)} bytes, {len(kept)} words of {len(words)} (the others are regular plurals)")


if __name__ == "__main__":
    main()
