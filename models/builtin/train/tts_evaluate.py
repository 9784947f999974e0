"""Figures of the voice: `python tts_evaluate.py [FOLDER] [--spectrogram FILE.png]`.

Intelligibility is the word error rate of an independent recogniser (a 3.3 M parameter zipformer that never heard it) on commands and
on Harvard sentences, for our speakers, their teachers and espeak-ng. Phonemes come from flite's front end, in misaki's notation.
Then speed with one thread, load time, and whether the same text gives the same samples.
"""

import argparse
import random
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import sherpa_onnx

from engines import Voice, espeak
from flite_phones import say
from kokoro_tokens import notated, token_ids
from paths import BUILTIN, MATERIAL
from sentences import command
from stt_evaluate import at_16k, edits, transcribe
from tts_corpus import SPEAKERS

HARVARD = """The birch canoe slid on the smooth planks.|Glue the sheet to the dark blue background.|It is easy to tell the depth of a well.|
These days a chicken leg is a rare dish.|Rice is often served in round bowls.|The juice of lemons makes fine punch.|
The box was thrown beside the parked truck.|The hogs were fed chopped corn and garbage.|Four hours of steady work faced us.|
A large size in stockings is hard to sell.|The boy was there when the sun rose.|A rod is used to catch pink salmon.|
The source of the huge river is the clear spring.|Kick the ball straight and follow through.|Help the woman get back to her feet.|
A pot of tea helps to pass the evening.|Smoky fires lack flame and heat.|The soft cushion broke the man's fall.|
The salt breeze came across from the sea.|The girl at the booth sold fifty bonds."""


def commands(count: int) -> list[str]:
    rng, out = random.Random(4242), []
    while len(out) < count:
        words = command(rng)
        if len(words) >= 3 and "uhhuh" not in words:
            out.append(" ".join(words) + ".")
    return out


class Speaker:
    """The exported voice, one thread."""

    def __init__(self, folder: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        began = time.perf_counter()
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        self.load_seconds = time.perf_counter() - began
        self.styles = np.load(folder / "voices.bin")

    def __call__(self, ids: list[int], voice: str, speed: float = 1.0) -> np.ndarray:
        style = self.styles[voice][min(len(ids), 509)]
        inputs = {"tokens": np.array([ids], np.int64), "style": style, "speed": np.array([speed], np.float32)}
        return self.session.run(["audio"], inputs)[0]


def phonemes(text: str) -> list[int]:
    """Text → tokens, by flite's front end."""
    _, phones = say(text, SPEAKERS[0])
    symbols = notated(phones, re.findall(r"[,;:.?!]", text) or ["."])
    return token_ids("".join(symbol for symbol, _ in symbols if symbol != "$"))


def listener() -> sherpa_onnx.OnlineRecognizer | None:
    folder = MATERIAL / "stt" / "zipformer-3.3m-en"
    if not folder.exists():
        return None
    return sherpa_onnx.OnlineRecognizer.from_transducer(
        tokens=str(folder / "tokens.txt"),
        encoder=str(folder / "encoder.int8.onnx"),
        decoder=str(folder / "decoder.onnx"),
        joiner=str(folder / "joiner.int8.onnx"),
        num_threads=1,
        decoding_method="modified_beam_search",
        max_active_paths=8,
    )


def word_error_rate(ear, speech: list[np.ndarray], texts: list[str], rate: int) -> str:
    wrong = total = 0
    for samples, text in zip(speech, texts, strict=True):
        expected = re.sub(r"[^a-z' ]", "", text.lower()).split()
        wrong += edits(expected, [word.lower() for word in transcribe(ear, at_16k(samples, rate), lead=0.3)])
        total += len(expected)
    return f"{wrong / total:.3f}"


def spoken_by_espeak(text: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        return espeak(text, Voice("espeak", "en-us", pitch=50), Path(folder) / "out.wav") / 32768


def spectrogram(audio: np.ndarray, title: str, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(12, 4))
    axis.specgram(audio, NFFT=512, Fs=24_000, noverlap=384, vmin=-140, vmax=-40)
    axis.set(title=title, xlabel="s", ylabel="Hz")
    figure.savefig(path, dpi=80, bbox_inches="tight")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("folder", nargs="?", type=Path, default=BUILTIN / "tts")
    options.add_argument("--spectrogram", type=Path)
    options.add_argument("--ours-only", action="store_true")
    options = options.parse_args()
    speaker = Speaker(options.folder)
    harvard = [text.strip() for text in HARVARD.split("|")]
    ids = phonemes("Hello there, please turn on the kitchen lights and set a timer for ten minutes.")

    ear = listener()
    if ear is None:
        print("SKIPPED: intelligibility, there is no independent recogniser in the material folder")
    else:
        sources = [(f"ours, {v}", 24_000, lambda t, v=v: speaker(phonemes(t), v)) for v in SPEAKERS]
        if not options.ours_only:
            sources += [(f"teacher, flite {v}", 16_000, lambda t, v=v: say(t, v)[0] / 32768) for v in SPEAKERS]
            sources += [("espeak-ng en-us", 16_000, spoken_by_espeak)]
        for title, rate, synthesize in sources:
            rates = []
            for texts in (commands(60), harvard):
                speech = [synthesize(text).astype(np.float32) for text in texts]
                rates.append(word_error_rate(ear, speech, texts, rate))
            print(f"heard by the zipformer: {title}: WER {rates[0]} on 60 commands, {rates[1]} on 20 Harvard sentences", flush=True)

    times = []
    for _ in range(15):
        began = time.perf_counter()
        audio = speaker(ids, SPEAKERS[0])
        times.append(time.perf_counter() - began)
    seconds = len(audio) / 24_000
    print(f"{seconds:.2f} s of speech in {np.median(times) * 1e3:.1f} ms (median of 15, 1 thread): RTF {np.median(times) / seconds:.4f}")
    print(f"load {speaker.load_seconds * 1e3:.0f} ms; same samples again: {np.array_equal(audio, speaker(ids, SPEAKERS[0]))}")
    for voice in SPEAKERS:
        audio = speaker(ids, voice)
        print(f"{voice}: level {20 * np.log10(audio.std()):.1f} dBFS, peak {np.abs(audio).max():.2f}")
    rng = np.random.default_rng(0)
    strange = [list(map(int, rng.integers(0, 178, n))) for n in (1, 2, 17, 120, 508)]
    print("finite on random tokens:", all(np.isfinite(speaker(tokens, SPEAKERS[1])).all() for tokens in strange))
    if options.spectrogram:
        spectrogram(speaker(ids, SPEAKERS[0]), "slt: Hello there, please turn on the kitchen lights…", options.spectrogram)


if __name__ == "__main__":
    main()
