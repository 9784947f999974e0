"""Speech from free synthesizers, run as programs: flite, festival and espeak-ng. 16 kHz mono int16.

The output of one utterance depends only on its `Voice` and text (with the Debian package versions that README.md names).
"""

import io
import subprocess
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

RATE = 16_000
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass(frozen=True)
class Voice:
    """One synthesizer voice with its settings."""

    engine: str
    """`flite`, `festival` or `espeak`."""
    name: str
    stretch: float = 1.0
    """Duration factor (flite, festival)."""
    pitch: float = 1.0
    """F0 factor (flite), or espeak's 0 to 99."""
    speed: int = 175
    """Words per minute (espeak)."""


def read_wave(data: bytes) -> np.ndarray:
    """A mono or stereo 16-bit WAV at any rate → 16 kHz mono int16."""
    with wave.open(io.BytesIO(data)) as wav:
        rate, channels = wav.getframerate(), wav.getnchannels()
        samples = np.frombuffer(wav.readframes(wav.getnframes()), np.int16)[::channels]
    if rate == RATE:
        return samples
    common = gcd(RATE, rate)
    resampled = resample_poly(samples.astype(np.float32), RATE // common, rate // common)
    return np.clip(np.round(resampled), -32768, 32767).astype(np.int16)


def take(path: Path) -> np.ndarray | None:
    """Reads and removes a synthesizer's output; None where it made none or next to none (under 0.1 s)."""
    if not path.exists():
        return None
    data = path.read_bytes()
    path.unlink()
    samples = read_wave(data)
    return samples if len(samples) >= RATE // 10 else None


def espeak(text: str, voice: Voice, out: Path) -> np.ndarray | None:
    command = ["espeak-ng", "-v", voice.name, "-s", str(voice.speed), "-p", str(int(voice.pitch)), "-w", str(out), text]
    subprocess.run(command, check=True, **QUIET)
    return take(out)


def flite(text: str, voice: Voice, out: Path) -> np.ndarray | None:
    settings = ["--setf", f"duration_stretch={voice.stretch}", "--setf", f"f0_shift={voice.pitch}"]
    subprocess.run(["flite", "-voice", voice.name, *settings, "-t", text, "-o", str(out)], check=True, **QUIET)
    return take(out)


def festival(jobs: list[tuple[int, str, Voice]], folder: Path) -> dict[int, np.ndarray | None]:
    """Many utterances by one festival process: (key, text, voice) → key → samples."""
    script = folder / f"festival-{jobs[0][0]}.scm"
    with open(script, "w") as lines:
        for key, text, voice in jobs:
            lines.write(f"(voice_{voice.name}) (Parameter.set 'Duration_Stretch {voice.stretch})\n")
            lines.write(f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{folder}/{key}.wav" \'riff)\n')
    subprocess.run(["festival", "-b", str(script)], check=False, **QUIET)
    script.unlink()
    return {key: take(folder / f"{key}.wav") for key, _, _ in jobs}


def speak_all(jobs: list[tuple[int, str, Voice]], folder: Path, workers: int = 2) -> dict[int, np.ndarray | None]:
    """Speaks every (key, text, voice); None where an engine failed."""

    def program(job: tuple[int, str, Voice]):
        key, text, voice = job
        engine = {"espeak": espeak, "flite": flite}[voice.engine]
        return {key: engine(text, voice, folder / f"{key}.wav")}

    by_festival = [job for job in jobs if job[2].engine == "festival"]
    batches = [by_festival[start : start + 200] for start in range(0, len(by_festival), 200)]
    by_program = [job for job in jobs if job[2].engine != "festival"]
    spoken: dict[int, np.ndarray | None] = {}
    with ThreadPoolExecutor(workers) as pool:
        for done in pool.map(lambda batch: festival(batch, folder), batches):
            spoken.update(done)
        for done in pool.map(program, by_program):
            spoken.update(done)
    return spoken
