"""What the voice learns from: `python tts_corpus.py SPEAKER COUNT` → work/tts/SPEAKER.{frames.npy,json}.

flite speaks sentences; its phones give symbols and durations, WORLD gives the vocoder's frames.
"""

import json
import random
import re
import sys
from multiprocessing import Pool

import numpy as np

from flite_phones import say
from kokoro_tokens import notated
from paths import work
from sentences import COMMON, command, unknown_words
from vocabulary import SPOKEN
from vocoder import analyse

SPEAKERS = ["slt", "rms"]


def text(rng: random.Random) -> str:
    """A sentence with its punctuation: a command, or common and rare words mixed."""
    if rng.random() < 0.3:
        words = [SPOKEN.get(word, word) for word in command(rng)]
    else:
        rare = unknown_words("train")
        words = [rng.choice(COMMON) if rng.random() < 0.5 else rng.choice(rare) for _ in range(rng.randint(2, 11))]
    if len(words) > 3 and rng.random() < 0.45:
        at = rng.randint(0, len(words) - 2)
        words[at] += rng.choice([",", ",", ",", ";", ":"])
    return " ".join(words) + rng.choice([".", ".", ".", "?", "!"])


def utterance(job: tuple[str, int]) -> tuple[str, list, np.ndarray]:
    speaker, index = job
    spoken = text(random.Random(f"voice-{speaker}-{index}"))
    samples, phones = say(spoken, speaker)
    symbols = notated(phones, re.findall(r"[,;:.?!]", spoken))
    frames, wanted = analyse(samples), sum(count for _, count in symbols)
    if wanted > len(frames):
        frames = np.concatenate([frames, np.repeat(frames[-1:], wanted - len(frames), 0)])
    return spoken, symbols, frames[:wanted].astype(np.float16)


def make(speaker: str, count: int) -> None:
    with Pool(2) as pool:
        made = list(pool.imap(utterance, [(speaker, index) for index in range(count)], chunksize=16))
    np.save(work("tts", f"{speaker}.frames.npy"), np.concatenate([frames for _, _, frames in made]))
    work("tts", f"{speaker}.json").write_text(json.dumps([[spoken, symbols] for spoken, symbols, _ in made]))
    print(f"{speaker}: {count} utterances, {sum(len(f) for _, _, f in made) / 360_000:.2f} h", flush=True)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
