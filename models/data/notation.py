"""CMU's ARPAbet to Kokoro's American English notation: one character a symbol, stress marks before the vowel.

`phonemes("kitchen", ["K", "IH1", "CH", "AH0", "N"])` is "kˈɪʧən".
"""
import re

VOWELS = {"AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "EH": "ɛ", "ER": "ɜɹ", "EY": "A",
          "IH": "ɪ", "IY": "i", "OW": "O", "OY": "Y", "UH": "ʊ", "UW": "u"}
CONSONANTS = {"B": "b", "CH": "ʧ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h", "JH": "ʤ", "K": "k", "L": "l",
              "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "V": "v",
              "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ"}
MARKS = {"0": "", "1": "ˈ", "2": "ˌ"}
# Endings that CMU often gives a secondary stress and Kokoro's notation never does.
WEAK_ENDINGS = (["NG"], ["K"], ["NG", "Z"], ["K", "S"], ["V"], ["L", "IY0"], ["S", "T"])


def dictionary(path):
    """The `word: ARPAbet` pairs of npm's cmu-pronouncing-dictionary (its index.js), first pronunciations only."""
    words = {}
    for line in open(path, encoding="utf-8"):
        found = re.match(r"\s+(?:\"(.+?)\"|([a-z]+)): \"(.*)\",?$", line)
        if found:
            words[found[1] or found[2]] = found[3].split(" #")[0].split()
    return {word: arpabet for word, arpabet in words.items() if re.fullmatch("[a-z][a-z']*", word)}


def is_vowel(phone):
    return phone[-1:].isdigit()


def restress(word, arpabet):
    """One main stress; no secondary stress on weak endings or on an initial "in-" right before the main one."""
    out = list(arpabet)
    vowels = [i for i, phone in enumerate(out) if is_vowel(phone)]
    for i in [i for i in vowels if out[i][-1] == "1"][1:]:
        out[i] = out[i][:-1] + "2"
    for k, i in enumerate(vowels):
        if out[i][-1] != "2":
            continue
        base, rest = out[i][:-1], out[i + 1:]
        weak = (not rest and base in ("IY", "OW")) or (base == "IH" and rest in WEAK_ENDINGS)
        before_main = base == "IH" and k + 1 < len(vowels) and out[vowels[k + 1]][-1] == "1"
        if (k and weak) or (i == 0 and before_main):
            out[i] = base + "0"
    if word[:2] in ("un", "up") and out[0] == "AH0" and word not in ("upon", "unto"):
        out[0] = "AH2"
    return out


def weak_ah(word, before, after, last):
    """How an unstressed AH sounds: schwa, syllabic before l and n, or ɪ/ᵻ in some endings."""
    nx, n2 = (after + ["", ""])[:2]
    if nx == "L" and not is_vowel(n2) and before and not is_vowel(before) and before not in "R L W Y HH V".split():
        return "ᵊ"
    if nx == "N" and after[1:] == ["AH0", "L"] and before in ("SH", "ZH", "S"):
        return "ᵊ"
    if nx == "N" and not is_vowel(n2) and before in ("T", "D", "S", "Z"):
        return "ᵊ"
    if last and after in (["D"], ["Z"]) and word[-2:] in ("ed", "es"):
        return "ᵻ"
    if last and after == ["S", "T"]:
        return {"est": "ᵻ", "ist": "ɪ"}.get(word[-3:], "ə")
    if last and (after == ["K"] and word.endswith("ic") or after == ["S"] and word.endswith("is")):
        return "ɪ"
    return "ə"


def weak_ih(position, before, after, last):
    """How an unstressed IH sounds: ɪ in -ing, -ic, -ive, -ish, -age and at the start, else mostly schwa."""
    nx, n2 = (after + ["", ""])[:2]
    end = len(after) == 1
    if nx == "NG" or (end and nx in ("K", "V", "SH", "JH")) or (last and nx in ("S", "K") and n2):
        return "ɪ"
    if end and nx in ("D", "Z"):
        return "ᵻ"
    if (position == 0 and not is_vowel(n2)) or nx in ("", "R"):
        return "ɪ"
    if nx in ("S", "M") and position < 2 and before in ("D", "M", ""):
        return "ɪ"
    if position and nx == "N" and not is_vowel(n2) and last and before in ("T", "D", "S", "Z"):
        return "ᵊ"
    return "ə"


def units(word, arpabet):
    """The phonemes of `word`, one string a phone."""
    arpabet = restress(word, arpabet)
    out = []
    for i, phone in enumerate(arpabet):
        before, after = (arpabet[i - 1] if i else ""), arpabet[i + 1:]
        nx, n2 = (after + ["", ""])[:2]
        if not is_vowel(phone):
            flapped = phone == "T" and (is_vowel(before) or before == "R") and nx[-1:] == "0" and (nx, n2) != ("AH0", "N")
            out.append("T" if flapped else CONSONANTS[phone])
            continue
        base, stress = phone[:-1], phone[-1]
        last = not any(map(is_vowel, after))
        sound = {"IY": "ɪ", "AE": "ɛ"}.get(base, VOWELS[base]) if nx == "R" else VOWELS[base]
        if stress == "0":
            if base == "AH":
                sound = weak_ah(word, before, after, last)
            elif base == "ER":
                sound = "əɹ"
            elif base == "IH":
                sound = weak_ih(i, before, after, last)
            elif base == "EH" and i == 0 and nx in ("N", "M"):
                sound = "ɪ"
            elif base == "UW" and is_vowel(nx):
                sound = "əw"
            elif base in ("AA", "AE") and i == 0 and nx in ("D", "B"):
                sound = "ə"
        out.append(MARKS[stress] + sound)
    return out


def phonemes(word, arpabet):
    """The phonemes of `word` as one string."""
    return "".join(units(word, arpabet))


def overrides(path):
    """`word phonemes` lines; `#` starts a comment."""
    table = {}
    for line in open(path, encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            word, sound = line.split()
            table[word] = sound
    return table
