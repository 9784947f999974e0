"""How long after its end a word appears: `python stt_latency.py [MODEL]`. True word ends come from flite's phone times."""

import sys
from pathlib import Path

import numpy as np

from flite_phones import say
from paths import BUILTIN
from stt_evaluate import recogniser, transcribe
from tts_evaluate import commands


def word_ends(text: str, voice: str) -> tuple[np.ndarray, list[tuple[str, float]]]:
    samples, phones = say(text, voice)
    ends: list[list] = []
    before = None
    for phone in phones:
        if phone.name == "pau":
            before = None
        elif phone.word != before:
            ends.append([phone.text, phone.end])
            before = phone.word
        else:
            ends[-1][1] = phone.end
    return samples / 32768, [(word, end) for word, end in ends]


def main(model: Path) -> None:
    rec, delays = recogniser(model), []
    for text in commands(60):
        samples, ends = word_ends(text, "rms")
        seen: list[tuple[str, float]] = []
        transcribe(rec, samples, words_at=seen)
        if [word for word, _ in seen] == [word for word, _ in ends]:
            delays += [1000 * (at - end) for (_, at), (_, end) in zip(seen, ends)]
    low, middle, high = np.percentile(delays, [10, 50, 90])
    print(f"{len(delays)} words: a word appears {middle:.0f} ms after its end (median; p10 {low:.0f}, p90 {high:.0f} ms)")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else BUILTIN / "stt" / "model.int8.onnx")
