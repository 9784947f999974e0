"""The recogniser's speech: `python stt_corpus.py SET…` → work/stt/SET.{pcm,offsets}.npy and SET.json.

Utterance i of a set depends only on (set, i). Voices held out of training: the espeak-ng variants in `HELD_OUT_VARIANTS`,
and festival's `ked_diphone`, a speaker that no training set contains.
"""

import json
import random
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from engines import RATE, Voice, speak_all
from paths import work
from sentences import sentence, unknown_sentence
from vocabulary import SPOKEN

SIZES = {"train": 24_000, "dev": 400, "test_seen": 300, "test_variants": 300, "test_unseen": 300, "test_unknown": 200}

FLITE = {"slt": 4, "rms": 4, "awb": 4, "kal16": 2, "kal": 1}
FESTIVAL = {"cmu_us_slt_arctic_hts": 3, "kal_diphone": 2}
ACCENTS = ["en-us"] * 5 + ["en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-us-nyc"]
VARIANTS = """m1 m2 m3 m4 m5 m6 m8 f1 f2 f3 f4 Alex Andrea Andy Annie antonio aunty belinda benjamin boris caleb david ed
edward Gene Henrique Hugo iven iven3 Jacky john Lee linda marcelo Mario max Michael miguel pablo paul pedro quincy rob
robert shelby steph2 travis victor zac anika klatt klatt2 klatt4 grandma grandpa sandro norbert adam Tweaky whisperf Diogo
Denis""".split()
HELD_OUT_VARIANTS = ["en-us+m7", "en-us+f5", "en-gb-x-gbcwmd+steph", "en-us+Mike", "en-gb+Alicia", "en-us+klatt3"]
UNSEEN_VOICE = "ked_diphone"


def weighted(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def training_voice(rng: random.Random) -> Voice:
    """45 % flite, 20 % festival, 35 % espeak-ng."""
    kind = rng.random()
    stretch = round(rng.uniform(0.75, 1.35), 3)
    if kind < 0.45:
        return Voice("flite", weighted(rng, FLITE), stretch, round(rng.uniform(0.75, 1.35), 3))
    if kind < 0.65:
        return Voice("festival", weighted(rng, FESTIVAL), stretch)
    name = rng.choice(ACCENTS) + "+" + rng.choice(VARIANTS)
    return Voice("espeak", name, pitch=rng.randint(20, 85), speed=rng.randint(115, 225))


def test_voice(rng: random.Random, name: str) -> Voice:
    if name == "test_variants":
        return Voice("espeak", rng.choice(HELD_OUT_VARIANTS), pitch=rng.randint(35, 65), speed=rng.randint(130, 200))
    if name == "test_unseen":
        return Voice("festival", UNSEEN_VOICE, round(rng.uniform(0.85, 1.2), 3))
    return Voice("flite", rng.choice(["slt", "rms", "awb"]), round(rng.uniform(0.85, 1.2), 3))


def plan(name: str) -> list[dict]:
    """What every utterance of a set says, and by which voice."""
    out = []
    for index in range(SIZES[name]):
        rng = random.Random(f"{name}-{index}")
        if name == "test_unknown":
            words = unknown_sentence(rng, "test")
        elif name.startswith("test"):
            words = sentence(rng, "test", known_only=True)
        else:
            words = sentence(rng)
        voice = test_voice(rng, name) if name.startswith("test") else training_voice(rng)
        out.append({"words": words, "text": with_pauses(rng, words), "voice": voice})
    return out


def with_pauses(rng: random.Random, words: list[str]) -> str:
    """The text for the synthesizer; sometimes with commas, for pauses."""
    spoken = [SPOKEN.get(word, word) for word in words]
    if rng.random() < 0.3:
        spoken = [w + "," if i + 1 < len(spoken) and rng.random() < 0.35 else w for i, w in enumerate(spoken)]
    return " ".join(spoken)


def make(name: str) -> None:
    utterances = plan(name)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        jobs = [(index, u["text"], u["voice"]) for index, u in enumerate(utterances)]
        spoken = speak_all(jobs, Path(folder))
    kept = [(u, spoken[index]) for index, u in enumerate(utterances) if spoken[index] is not None]
    offsets = np.cumsum([0] + [len(samples) for _, samples in kept])
    np.save(work("stt", f"{name}.pcm.npy"), np.concatenate([samples for _, samples in kept]))
    np.save(work("stt", f"{name}.offsets.npy"), offsets)
    entries = [{"words": u["words"], "engine": u["voice"].engine, "voice": u["voice"].name} for u, _ in kept]
    work("stt", f"{name}.json").write_text(json.dumps(entries))
    hours = offsets[-1] / RATE / 3600
    print(f"{name}: {len(kept)} of {len(utterances)} utterances, {hours:.2f} h, {Counter(e['engine'] for e in entries)}", flush=True)


@cache
def load(name: str) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    """(samples, offsets, entries) of a set."""
    pcm = np.load(work("stt", f"{name}.pcm.npy"), mmap_mode="r")
    return pcm, np.load(work("stt", f"{name}.offsets.npy")), json.loads(work("stt", f"{name}.json").read_text())


if __name__ == "__main__":
    for set_name in sys.argv[1:] or SIZES:
        make(set_name)
