"""The voice's vocoder: analysis by WORLD at 16 kHz, synthesis at 24 kHz by filtering a pulse train and noise.

A frame (10 ms) is `FEATURES` numbers: 48 log mel-band powers, 5 band aperiodicities, voicing, log F0. `synthesize` is the numpy
reference of what `tts_export.py` writes as ONNX nodes.
"""

import numpy as np
import pyworld

RATE, HOP, FFT = 24_000, 240, 960
BINS = FFT // 2 + 1
BANDS, APERIODICITIES = 48, 5
FEATURES = BANDS + APERIODICITIES + 2
VOICING, LOG_F0 = FEATURES - 2, FEATURES - 1
TEACHER_RATE, TEACHER_FFT = 16_000, 1024
APERIODICITY_EDGES = [0, 1000, 2000, 3500, 5500, 8000]
APERIODICITY_CENTRES = np.array([500, 1500, 2750, 4500, 6750.0])


def mel(hertz):
    return 1127 * np.log1p(np.asarray(hertz) / 700)


CENTRES = np.linspace(mel(60), mel(8000), BANDS)


def triangles(frequencies: np.ndarray) -> np.ndarray:
    """[bands, frequencies]: weight of each band at each frequency; the outermost bands extend to the ends."""
    at = mel(np.minimum(frequencies, 8000))
    weights = np.maximum(0, 1 - np.abs(at[None] - CENTRES[:, None]) / (CENTRES[1] - CENTRES[0]))
    weights[0, at < CENTRES[0]] = 1
    weights[-1, frequencies >= 8000] = 1
    return weights


ANALYSIS = triangles(np.minimum(np.arange(TEACHER_FFT // 2 + 1) * TEACHER_RATE / TEACHER_FFT, 7999)).T
ANALYSIS = ANALYSIS / ANALYSIS.sum(0)
FREQUENCIES = np.arange(BINS) * RATE / FFT
INTERPOLATION = triangles(FREQUENCIES)
INTERPOLATION = INTERPOLATION / INTERPOLATION.sum(0)
TILT = np.where(FREQUENCIES > 8000, -(FREQUENCIES - 8000) / 1000 * 1.2, 0.0)
"""Nepers of power: a roll-off above the 8 kHz that the teachers have."""


def minimum_phase() -> np.ndarray:
    """[bins, bins]: log magnitude → phase of the minimum-phase filter (the Hilbert relation, through the cepstrum)."""
    cepstrum = np.fft.irfft(np.eye(BINS), FFT, axis=1)
    fold = np.zeros(FFT)
    fold[0] = fold[FFT // 2] = 1
    fold[1 : FFT // 2] = 2
    return np.fft.rfft(cepstrum * fold, axis=1).imag


MINIMUM_PHASE = minimum_phase()


def aperiodicity_interpolation() -> np.ndarray:
    """[5, bins]: linear between band centres."""
    position = np.interp(FREQUENCIES, APERIODICITY_CENTRES, np.arange(APERIODICITIES))
    return np.maximum(0, 1 - np.abs(position[None] - np.arange(APERIODICITIES)[:, None]))


APERIODICITY = aperiodicity_interpolation()
NOISE = np.clip(np.round(np.random.default_rng(1234).standard_normal(32768) * 32), -127, 127).astype(np.int8)
"""A fixed table, so that the same text always gives the same samples."""
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2 * HOP) / (2 * HOP))


def analyse(samples: np.ndarray) -> np.ndarray:
    """16 kHz int16 → f32 [frames, FEATURES]."""
    x = samples.astype(np.float64) / 32768
    f0, times = pyworld.dio(x, TEACHER_RATE, frame_period=10.0, f0_floor=65, f0_ceil=420)
    f0 = pyworld.stonemask(x, f0, times, TEACHER_RATE)
    spectrum = pyworld.cheaptrick(x, f0, times, TEACHER_RATE, fft_size=TEACHER_FFT)
    aperiodicity = pyworld.d4c(x, f0, times, TEACHER_RATE, fft_size=TEACHER_FFT)
    bands = np.log(spectrum + 1e-12) @ ANALYSIS
    frequencies = np.arange(TEACHER_FFT // 2 + 1) * TEACHER_RATE / TEACHER_FFT
    edges = zip(APERIODICITY_EDGES, APERIODICITY_EDGES[1:])
    coarse = np.stack([aperiodicity[:, (frequencies >= a) & (frequencies < b)].mean(1) for a, b in edges], 1)
    voiced, frames = f0 > 0, np.arange(len(f0))
    log_f0 = np.interp(frames, frames[voiced], np.log(f0[voiced])) if voiced.any() else np.full(len(f0), 5.0)
    return np.concatenate([bands, coarse, voiced[:, None], log_f0[:, None]], 1).astype(np.float32)


def excitation(log_f0: np.ndarray) -> np.ndarray:
    """A band-limited pulse train of unit power (a Dirichlet kernel of the running phase)."""
    n = np.arange(len(log_f0) * HOP)
    here, part = n // HOP, (n % HOP) / HOP
    following = np.minimum(here + 1, len(log_f0) - 1)
    f0 = np.exp(log_f0)[here] * (1 - part) + np.exp(log_f0)[following] * part
    cycles = np.cumsum(f0.astype(np.float64) / RATE)
    phase, harmonics = cycles - np.floor(cycles), np.floor(RATE * 0.48 / f0)
    denominator = np.sin(np.pi * phase)
    near = np.abs(denominator) < 1e-4
    ratio = np.sin((2 * harmonics + 1) * np.pi * phase) / np.where(near, 1, denominator)
    return np.where(near, harmonics, 0.5 * ratio - 0.5) * 2 / np.sqrt(RATE / f0)


def synthesize(frames: np.ndarray) -> np.ndarray:
    """[T, FEATURES] → T·240 samples at 24 kHz."""
    bands, aperiodic = frames[:, :BANDS], frames[:, BANDS:VOICING]
    voicing, count = frames[:, VOICING : VOICING + 1], len(frames)
    noise = NOISE[np.arange(count * HOP) % len(NOISE)] / 32.0

    def windows(x):
        halves = np.concatenate([np.zeros(HOP), x]).reshape(count + 1, HOP)
        return np.fft.rfft(np.concatenate([halves[:-1], halves[1:]], 1) * HANN, FFT)

    log_magnitude = 0.5 * (bands @ INTERPOLATION + TILT)
    response = np.sqrt(1.5) * np.exp(log_magnitude + 1j * (log_magnitude @ MINIMUM_PHASE))
    breath = np.clip(aperiodic @ APERIODICITY, 0, 1)
    pulses = windows(excitation(frames[:, LOG_F0])) * voicing * np.sqrt(1 - breath**2)
    turbulence = windows(noise) * (voicing * breath + 1 - voicing)
    pieces = np.fft.irfft((pulses + turbulence) * response, FFT)
    out = np.zeros((count + 4) * HOP)
    for k in range(4):
        out[k * HOP : (k + count) * HOP] += pieces[:, k * HOP : (k + 1) * HOP].reshape(-1)
    return out[HOP : HOP + count * HOP]
