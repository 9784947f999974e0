"""The demo caller's speech: `python caller.py VOICE` → ../caller/*.wav and caller.toml.

flite speaks each line at a few speeds; the first one that the shipped recogniser gets right is kept, and caller.toml says whether
there was one. 16 kHz mono 16-bit, −23 dBFS, 0.1 s of silence at both ends.
"""

import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

from engines import RATE, Voice, flite
from paths import BUILTIN
from stt_evaluate import recogniser, transcribe
from vocabulary import SPOKEN

LINES = {
    "hello": "hello",
    "what-time-is-it": "what time is it",
    "turn-on-the-kitchen-lights": "turn on the kitchen lights",
    "set-a-timer": "set a timer for ten minutes",
    "cancel-the-timer": "cancel the timer",
    "tell-me-a-story": "tell me a story",
    "tell-me-a-joke": "tell me a joke",
    "stop": "stop",
    "stop-what-time-is-it": "stop what time is it",
    "okay": "okay",
    "uhhuh": "uhhuh",
    "yes": "yes",
    "what-is-your-name": "what is your name",
    "thank-you-goodbye": "thank you goodbye",
}
STRETCHES = [1.0, 1.1, 1.2, 0.9, 1.05, 1.15, 1.25, 0.95, 1.3, 0.85, 1.4]
LEVEL = 10 ** (-23 / 20)


def spoken(words: list[str], voice: str, stretch: float) -> np.ndarray:
    text = " ".join(SPOKEN.get(word, word) for word in words)
    with tempfile.TemporaryDirectory() as folder:
        samples = flite(text, Voice("flite", voice, stretch), Path(folder) / "line.wav") / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    speech = samples[loud[0] : loud[-1] + 1]
    speech = np.clip(speech * LEVEL / np.sqrt((speech**2).mean()), -0.99, 0.99)
    pause = np.zeros(RATE // 10)
    return np.round(np.concatenate([pause, speech, pause]) * 32767).astype(np.int16)


def chosen(rec, words: list[str], voice: str) -> tuple[np.ndarray, list[str]]:
    """The samples of the first stretch that is heard right, or of the first at all, and what was heard."""
    first = None
    for stretch in STRETCHES:
        samples = spoken(words, voice, stretch)
        heard = transcribe(rec, samples / 32768, lead=0.3)
        if heard == words:
            return samples, heard
        first = first or (samples, heard)
    return first


def main(voice: str) -> None:
    folder = BUILTIN / "caller"
    folder.mkdir(exist_ok=True)
    rec = recogniser(BUILTIN / "stt" / "model.int8.onnx")
    entries, right = [], 0
    for name, line in LINES.items():
        samples, heard = chosen(rec, line.split(), voice)
        with wave.open(str(folder / f"{name}.wav"), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", ""))
            out.writeframes(samples.tobytes())
        right += heard == line.split()
        entry = {"file": f"{name}.wav", "transcript": line, "voice": f"flite {voice}", "heard": " ".join(heard)}
        entries.append("[[clip]]\n" + "".join(f'{key} = "{value}"\n' for key, value in entry.items()))
        print(f"{line} | {' '.join(heard)}")
    head = "# The demo caller's lines, made by train/caller.py; `heard` is what the built-in recogniser makes of each.\n\n"
    (folder / "caller.toml").write_text(head + "\n".join(entries))
    print(f"{right} of {len(LINES)} heard right")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "awb")
