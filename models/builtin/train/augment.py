"""What happens to a clean synthetic utterance before a microphone would hand it over: speed, room, noise, band, level, damage.

All of it is synthetic; no recorded noise or room is used. What can be done on log-mel features (vocal-tract length, colour,
more noise, masking) is done during training instead, in `stt_augment.py`.
"""

import numpy as np
from scipy.signal import fftconvolve, resample_poly

RATE = 16_000
Rng = np.random.Generator


def filtered(signal: np.ndarray, response) -> np.ndarray:
    """Multiplies the spectrum by `response(frequencies in Hz)`."""
    size = int(2 ** np.ceil(np.log2(len(signal) + 512)))
    frequencies = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 1.0)
    return np.fft.irfft(np.fft.rfft(signal, size) * response(frequencies), size)[: len(signal)]


def coloured_noise(rng: Rng, length: int, slope: float) -> np.ndarray:
    """Unit-variance noise with power falling as 1/f^slope."""
    noise = filtered(rng.standard_normal(length), lambda f: np.maximum(f, 30.0) ** (-slope / 2))
    return noise / (noise.std() + 1e-9)


def room(rng: Rng) -> np.ndarray:
    """A room's impulse response: the direct sound, a gap, and an exponential tail."""
    decay = rng.uniform(0.08, 0.6)
    length = int(RATE * min(decay, 0.5))
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / (decay * RATE))
    tail *= 10 ** (-rng.uniform(0, 18) / 20) / np.sqrt((tail**2).sum() + 1e-9)
    tail[: int(rng.uniform(0, 0.006) * RATE)] = 0
    tail[0] = 1
    return tail


def trimmed(rng: Rng, speech: np.ndarray) -> np.ndarray:
    """Without the silence that synthesizers put around speech."""
    loud = np.flatnonzero(np.abs(speech) > 0.02 * np.abs(speech).max())
    if len(loud) == 0:
        return speech
    margin = int(RATE * rng.uniform(0, 0.05))
    return speech[max(0, loud[0] - margin) : loud[-1] + 1 + margin]


def hum(rng: Rng, length: int) -> np.ndarray:
    """Mains hum with a few harmonics."""
    time = np.arange(length) / RATE
    mains = rng.choice([50, 60])
    return sum(np.sin(2 * np.pi * mains * k * time + rng.uniform(0, 6)) / k for k in (1, 2, 3, 5))


def companded(signal: np.ndarray) -> np.ndarray:
    """Through 8-bit µ-law and back."""
    level = np.log1p(255 * np.minimum(np.abs(signal), 1)) / np.log(256)
    return np.sign(signal) * np.expm1(np.round(level * 127) / 127 * np.log(256)) / 255


def band_limited(rng: Rng, signal: np.ndarray) -> np.ndarray:
    """Sometimes telephone band (as from 8 kHz audio), sometimes a duller microphone."""
    kind = rng.random()
    if kind < 0.30:
        top, bottom = rng.choice([3400, 3700, 3900]), rng.choice([1, 1, 100, 300])
        return filtered(signal, lambda f: 1 / (1 + (f / top) ** 24) / (1 + (bottom / f) ** 6))
    if kind < 0.42:
        top = rng.uniform(4500, 7500)
        return filtered(signal, lambda f: 1 / (1 + (f / top) ** 24))
    return signal


def damaged(rng: Rng, signal: np.ndarray) -> np.ndarray:
    """Level −48 to −10 dBFS; now and then clipped, companded or quantised."""
    signal = signal * 10 ** (rng.uniform(-48, -10) / 20)
    if rng.random() < 0.08:
        signal = np.clip(signal * rng.uniform(1, 6), -0.3, 0.3)
    if rng.random() < 0.10:
        signal = companded(signal)
    if rng.random() < 0.50:
        signal = np.round(signal * 32768) / 32768
    return np.clip(signal, -1, 1).astype(np.float32)


def speech_example(rng: Rng, samples: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """One augmented utterance, ±1, with 0.03 to 0.7 s before and 0.4 to 0.9 s after the speech; `others` are babble."""
    speech = trimmed(rng, samples.astype(np.float32) / 32768)
    if rng.random() < 0.75:
        speech = resample_poly(speech, 20, int(rng.integers(16, 25)))  # speed, pitch and formants, 0.8 to 1.2
    if rng.random() < 0.40:
        speech = fftconvolve(speech, room(rng))[: len(speech) + 3000]
    before = int(RATE * (rng.uniform(0.03, 0.08) if rng.random() < 0.3 else rng.uniform(0.08, 0.7)))
    after = int(RATE * rng.uniform(0.4, 0.9))
    level = np.sqrt((speech**2).mean() + 1e-12)
    signal = np.concatenate([np.zeros(before), speech / level, np.zeros(after)])
    if rng.random() < 0.40:
        signal = signal + coloured_noise(rng, len(signal), rng.uniform(0, 2)) * 10 ** (-rng.uniform(4, 40) / 20)
    if rng.random() < 0.08:
        signal = signal + babble(rng, len(signal), others) * 10 ** (-rng.uniform(12, 30) / 20)
    if rng.random() < 0.08:
        signal = signal + hum(rng, len(signal)) * 10 ** (-rng.uniform(10, 30) / 20)
    return damaged(rng, band_limited(rng, signal))


def babble(rng: Rng, length: int, others: list[np.ndarray]) -> np.ndarray:
    """Several utterances at once, unit variance: nobody can be understood."""
    out = np.zeros(length)
    for other in others:
        out += np.roll(np.resize(other.astype(np.float32) / 32768, length), int(rng.integers(length)))
    return out / (out.std() + 1e-9)


def noise_example(rng: Rng, others: list[np.ndarray]) -> np.ndarray:
    """2 to 6 s in which nobody says a word: the recogniser must stay silent."""
    length = int(RATE * rng.uniform(2, 6))
    time = np.arange(length) / RATE
    signal = coloured_noise(rng, length, rng.uniform(0, 2)) * 10 ** (-rng.uniform(0, 30) / 20)
    if rng.random() < 0.4:  # slow swells: traffic, wind, fans
        signal *= 0.2 + np.abs(np.sin(np.pi * rng.uniform(0.1, 3) * time + rng.uniform(0, 6)))
    for _ in range(rng.integers(0, 8)):  # bursts: doors, keys, plates
        size = int(RATE * rng.uniform(0.005, 0.35))
        burst = coloured_noise(rng, size, rng.uniform(-0.5, 2)) * np.exp(-np.arange(size) / size * rng.uniform(2, 8))
        if rng.random() < 0.5:
            centre, width = rng.uniform(300, 5000), rng.uniform(100, 1500)
            burst = filtered(burst, lambda f, c=centre, w=width: np.exp(-(((f - c) / w) ** 2)))
        at = int(rng.integers(0, max(1, length - size)))
        signal[at : at + size] += burst / (np.abs(burst).max() + 1e-9) * rng.uniform(0.5, 6)
    for _ in range(rng.integers(0, 5)):  # tones and glides: beeps, music, motors
        size = int(RATE * rng.uniform(0.05, 1.0))
        t = np.arange(size) / RATE
        pitch = rng.uniform(80, 3000) * 2 ** (rng.uniform(-1, 1) * t * (rng.random() < 0.5))
        tone = sum(rng.random() / k * np.sin(2 * np.pi * k * np.cumsum(pitch) / RATE) for k in range(1, 6))
        at = int(rng.integers(0, max(1, length - size)))
        signal[at : at + size] += (tone * np.hanning(size))[: length - at] * rng.uniform(0.2, 3)
    if rng.random() < 0.15:
        signal += babble(rng, length, others) * rng.uniform(0.5, 2)
    if rng.random() < 0.2:
        signal += hum(rng, length) * rng.uniform(0.1, 2)
    if rng.random() < 0.3:
        signal = fftconvolve(signal, room(rng))[:length]
    return damaged(rng, band_limited(rng, signal / (signal.std() + 1e-9)) * 0.7)
