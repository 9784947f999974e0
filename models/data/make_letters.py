"""Trains the letter-to-sound model for words that the lexicon lacks: a joint n-gram of (letter, sounds) pairs.

    python3 make_letters.py DICTIONARY [--holdout]     # DICTIONARY: index.js of npm's cmu-pronouncing-dictionary

Writes letters.bin beside this file. With --holdout it trains on 95 % of the words, decodes 2,000 of the others and
prints the word accuracy instead. About four minutes of one core. The layout of letters.bin is told in
src/text/english/g2p/letters.rs.
"""
import collections
import heapq
import math
import os
import random
import struct
import sys
import zlib

import notation

HERE = os.path.dirname(os.path.abspath(__file__))
ORDER = 6
STEP = 0.05          # nats per quantisation step of a log probability
BEAM = 32
RARE = 12            # a pair seen less often is not worth a symbol
PRUNE = 3.5          # least gain, in nats over the training data, for which an n-gram is kept


def split(phones):
    """Phones to single sounds: a vowel keeps its stress mark, the r of əɹ stands alone."""
    out = []
    for phone in phones:
        if phone[-1] == "ɹ" and len(phone) > 1:
            out += [phone[:-1], "ɹ"]
        elif phone == "əw":
            out += ["ə", "w"]
        else:
            out.append(phone)
    return out


def align(word, sounds, score):
    """The likeliest split of `sounds` over the letters, 0 to 2 a letter; None if there is none."""
    n, m = len(word), len(sounds)
    best = [[-1e9] * (m + 1) for _ in range(n + 1)]
    back = [[0] * (m + 1) for _ in range(n + 1)]
    best[0][0] = 0.0
    for i, letter in enumerate(word):
        for j in range(m + 1):
            if best[i][j] < -1e8:
                continue
            for k in (0, 1, 2):
                if j + k > m:
                    break
                s = best[i][j] + score(letter, tuple(sounds[j:j + k]))
                if s > best[i + 1][j + k]:
                    best[i + 1][j + k], back[i + 1][j + k] = s, k
    if best[n][m] < -1e8:
        return None
    pairs, j = [], m
    for i in range(n, 0, -1):
        k = back[i][j]
        pairs.append((word[i - 1], tuple(sounds[j - k:j])))
        j -= k
    return pairs[::-1]


def aligned(words):
    """Aligns every word, learning which letters make which sounds on the way."""
    bare = lambda chunk: tuple(s.lstrip("ˈˌ") for s in chunk)
    counts = collections.Counter()
    # A first guess: sounds that often stand in words with that letter.
    for word, sounds in words[:20000]:
        for letter in set(word):
            for sound in set(sounds):
                counts[letter, bare((sound,))] += 1
    near = lambda l, c: counts[l, c] + 0.1
    for turn in range(6):
        totals = collections.Counter()
        for (letter, _), n in counts.items():
            totals[letter] += n

        def score(letter, chunk):
            chunk = bare(chunk)
            if turn == 0:
                if not chunk:
                    return -2.5
                return sum(math.log(near(letter, (s,)) / (totals[letter] + 1)) for s in chunk) - 3.0 * (len(chunk) - 1)
            return math.log((counts[letter, chunk] + 0.01) / (totals[letter] + 1))
        fresh, out = collections.Counter(), []
        for word, sounds in (words if turn == 5 else words[:20000]):
            pairs = align(word, sounds, score)
            if pairs:
                out.append(pairs)
                for letter, chunk in pairs:
                    fresh[letter, bare(chunk)] += 1
        counts = fresh
    return out


def train(words):
    """-> (pairs, log probabilities and back-off weights by n-gram of pair ids)"""
    data = aligned(words)
    seen = collections.Counter(p for pairs in data for p in pairs)
    pairs = sorted(p for p, n in seen.items() if n >= RARE)
    ids = {p: i + 1 for i, p in enumerate(pairs)}     # 0 is the word's edge
    data = [[0] + [ids[p] for p in w] + [0] for w in data if all(p in ids for p in w)]
    counts = [collections.Counter() for _ in range(ORDER + 1)]
    for w in data:
        for i in range(1, len(w)):
            for n in range(1, ORDER + 1):
                if i - n + 1 < 0:
                    break
                counts[n][tuple(w[i - n + 1:i + 1])] += 1
    # Interpolated Kneser-Ney: lower orders count the contexts that a pair follows, not its occurrences.
    kn = [None] * (ORDER + 1)
    kn[ORDER] = counts[ORDER]
    for n in range(ORDER - 1, 0, -1):
        c = collections.Counter()
        for gram in counts[n + 1]:
            c[gram[1:]] += 1
        for gram, k in counts[n].items():     # n-grams at a word's start have no longer context
            if gram[0] == 0 and n > 1:
                c[gram] = k
        kn[n] = c
    prob, total_ids = {}, len(pairs) + 1
    for n in range(1, ORDER + 1):
        ones, twos = (sum(1 for v in kn[n].values() if v == k) for k in (1, 2))
        discount = ones / (ones + 2 * twos) if ones else 0.5
        mass, types = collections.Counter(), collections.Counter()
        for gram, k in kn[n].items():
            mass[gram[:-1]] += k
            types[gram[:-1]] += 1
        for gram, k in kn[n].items():
            context = gram[:-1]
            lower = prob[gram[1:]] if n > 1 else 1 / total_ids
            prob[gram] = (k - discount) / mass[context] + discount * types[context] / mass[context] * lower
    return pairs, prune(prob, counts)


def prune(prob, counts):
    """Drops the n-grams that the back-off predicts almost as well, then sets the back-off weights."""
    grams = [{} for _ in range(ORDER + 1)]
    for gram, p in prob.items():
        grams[len(gram)][gram] = math.log(p)
    kept = dict(grams[1])
    needed = set()
    for n in range(ORDER, 1, -1):
        mass = collections.defaultdict(float)
        low = collections.defaultdict(float)
        for gram, p in grams[n].items():
            mass[gram[:-1]] += math.exp(p)
            low[gram[:-1]] += math.exp(grams[n - 1][gram[1:]])
        for gram, p in grams[n].items():
            context = gram[:-1]
            back = math.log(max(1 - mass[context], 1e-4) / max(1 - low[context], 1e-4))
            gain = counts[n][gram] * (p - back - grams[n - 1][gram[1:]])
            if gram in needed or gain > PRUNE:
                kept[gram] = p
                needed.add(context)
    model = {}
    mass, low = collections.defaultdict(float), collections.defaultdict(float)
    by_order = sorted(kept, key=len)

    def back_off(gram):
        if gram in kept:
            return kept[gram]
        return weight(gram[:-1]) + back_off(gram[1:])

    def weight(context):
        if context not in mass or context == ():
            return 0.0
        return math.log(max(1 - mass[context], 1e-4) / max(1 - low[context], 1e-4))
    n = 2
    while n <= ORDER:
        for gram in by_order:
            if len(gram) == n:
                mass[gram[:-1]] += math.exp(kept[gram])
                low[gram[:-1]] += math.exp(back_off(gram[1:]))
        n += 1
    for gram, p in kept.items():
        model[gram] = (quantised(p), quantised(weight(gram)))
    # A word's edge is never predicted from nothing but is every word's first context.
    model.setdefault((0,), (255, quantised(weight((0,)))))
    return model


def quantised(log):
    return max(0, min(255, round(-log / STEP)))


def score(model, gram):
    """Cost, in steps, of the last pair of `gram` after the others."""
    cost = 0
    while True:
        hit = model.get(gram)
        if hit:
            return cost + hit[0]
        if len(gram) == 1:
            return cost + 255
        context = model.get(gram[:-1])
        if context:
            cost += context[1]
        gram = gram[1:]


def decode(word, pairs, model, by_letter):
    beam = [(0, (0,), 0, "")]     # cost, history, main stresses, sounds
    for letter in word:
        grown = {}
        for cost, history, main, sounds in beam:
            for i, chunk in by_letter[letter]:
                text = "".join(chunk)
                stressed = main + text.count("ˈ")
                if stressed > 1:
                    continue
                gram = (history + (i,))[-ORDER:]
                c = cost + score(model, gram)
                key = (gram[-ORDER + 1:], stressed)
                if key not in grown or c < grown[key][0]:
                    grown[key] = (c, gram[-ORDER + 1:], stressed, sounds + text)
        beam = heapq.nsmallest(BEAM, grown.values())
    ends = [(c + score(model, (h + (0,))[-ORDER:]) + (0 if m else 400), s) for c, h, m, s in beam]
    return min(ends)[1]


def fingerprint(gram):
    """FNV-1a, 64 bits, of the ids as little-endian u16, oldest first, then stirred once."""
    h = 0xcbf29ce484222325
    for i in gram:
        for byte in (i & 255, i >> 8):
            h = ((h ^ byte) * 0x100000001b3) & 0xffffffffffffffff
    h ^= h >> 32
    h = (h * 0x9e3779b97f4a7c15) & 0xffffffffffffffff
    return h ^ (h >> 29)


def placed(model, slots):
    """The table, or None if two n-grams that may be mistaken for each other meet."""
    table = [None] * slots
    for gram in sorted(model):
        h = fingerprint(gram)
        at = h % slots
        while table[at]:
            if table[at][0] == h >> 40:
                return None
            at = (at + 1) % slots
        table[at] = (h >> 40, *model[gram])
    return table


def write(path, pairs, model):
    """Pairs, then an open-addressing table of n-grams: see src/text/english/g2p/letters.rs."""
    slots = len(model) * 8 // 7 | 1
    while not (table := placed(model, slots)):
        slots += 2
    out = bytearray(b"LTS1")
    out += struct.pack("<BBHI", ORDER, BEAM, len(pairs), slots)
    for letter, chunk in pairs:
        text = "".join(chunk).encode()
        out += letter.encode() + bytes([len(text)]) + text
    for slot in table:
        key, prob, back = slot or (0, 255, 255)
        assert not slot or key, "a fingerprint of 0 means an empty slot: change the hash"
        out += struct.pack("<I", key)[:3] + bytes([prob, back])
    out += struct.pack("<I", zlib.crc32(out))
    open(path, "wb").write(out)
    print(f"{path}: {len(out)} bytes, {len(pairs)} pairs, {len(model)} n-grams")


def main():
    words = notation.dictionary(sys.argv[1])
    words = sorted((w, split(notation.units(w, a))) for w, a in words.items() if w.isalpha() and len(w) > 1)
    random.Random(7).shuffle(words)
    if "--holdout" not in sys.argv:
        pairs, model = train(words)
        write(os.path.join(HERE, "letters.bin"), pairs, model)
        return
    cut = len(words) // 20
    pairs, model = train(words[cut:])
    by_letter = collections.defaultdict(list)
    for i, (letter, chunk) in enumerate(pairs):
        by_letter[letter].append((i + 1, chunk))
    right = unstressed = 0
    bare = lambda s: s.replace("ˈ", "").replace("ˌ", "")
    misses = []
    tested = words[:min(cut, 2000)]
    for word, sounds in tested:
        guess, truth = decode(word, pairs, model, by_letter), "".join(sounds)
        right += guess == truth
        unstressed += bare(guess) == bare(truth)
        if guess != truth:
            misses.append((word, truth, guess))
    print(f"{len(tested)} held-out words: {right / len(tested):.3f} right, {unstressed / len(tested):.3f} but for stress")
    print(f"{len(pairs)} pairs, {len(model)} n-grams")
    for miss in misses[:25]:
        print(*miss)


if __name__ == "__main__":
    main()
