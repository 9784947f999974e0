"""Writes the voice with Kokoro's signature: `python tts_export.py [FOLDER] [--float32]` → model.onnx, voices.bin, tokens.txt.

`tokens` i64[1, N], `style` f32[1, 256], `speed` f32[1] → `audio` f32[samples] at 24 kHz, `durations` i64[N] in frames of 10 ms.
Everything is in the graph, the vocoder too. Of a style row only the first two numbers are read: the speaker is `slt` where the first is
the larger, `rms` where the second is, and a mixture near equality. voices.bin is a NumPy .npz (deflated) of one f32 [510, 1, 256] per
voice, like Kokoro's voices-v1.0.bin (which is stored, not deflated); all 510 rows are equal.
"""

import argparse
import pickle
from pathlib import Path

import numpy as np
import onnx

import vocoder
from kokoro_tokens import write_tokens
from onnx_graph import END, FLOAT, INT64, Graph
from paths import BUILTIN, work
from tts_corpus import SPEAKERS
from tts_model import (
    DECODER_KERNEL,
    DILATIONS,
    DURATION_KERNEL,
    ENCODER_KERNEL,
    LOG_F0_GAIN,
    POSITION_GAIN,
)
from vocoder import APERIODICITIES, BANDS, FFT, HOP, LOG_F0, RATE, VOICING

STYLE_ROWS, STYLE_WIDTH = 510, 256
LONGEST_TOKEN = 200.0
"""Frames; a guard against nonsense input."""
SHARPENING = 0.25
"""How much the band spectrum's contrast is raised: L1 regression blurs formants."""
LOUDNESS = np.array([[0.75], [1.35]])
"""Gain of each speaker before the soft limiter, so that both are equally loud."""

METADATA = {
    "model_type": "kokoro",
    "language": "English",
    "has_espeak": 1,
    "sample_rate": RATE,
    "version": 2,
    "voice": "en-us",
    "style_dim": f"{STYLE_ROWS},1,{STYLE_WIDTH}",
    "n_speakers": len(SPEAKERS),
    "id2speaker": ",".join(f"{k}->{name}" for k, name in enumerate(SPEAKERS)),
    "speaker2id": ",".join(f"{name}->{k}" for k, name in enumerate(SPEAKERS)),
    "speaker_names": ",".join(SPEAKERS),
    "comment": "Duologue's built-in voice, taught by flite cmu_us_slt and cmu_us_rms; not Kokoro-82M",
}


def sharpener() -> np.ndarray:
    """[bands, bands]: adds SHARPENING times the difference from a smoothed spectrum."""
    at = np.arange(BANDS)
    smooth = np.exp(-0.5 * ((at[:, None] - at[None]) / 4.0) ** 2)
    smooth /= smooth.sum(0)
    return np.eye(BANDS) + SHARPENING * (np.eye(BANDS) - smooth)


class Voice(Graph):
    """The graph, written part by part in the order of computation."""

    def __init__(self, params: dict, stats: dict, half: bool):
        super().__init__(half)
        self.params, self.stats = params, stats

    def clip(self, x: str, low: float, high: float) -> str:
        return self.op("Clip", x, self.f32(low), self.f32(high))

    def neighbours(self, x: str, kernel: int, dilation: int = 1) -> str:
        reach = (kernel - 1) // 2 * dilation
        padded = self.op("Pad", x, self.ints(0, reach, 0, 0, reach, 0))
        ends = [-(kernel - 1 - k) * dilation or END for k in range(kernel)]
        return self.concat([self.slice(padded, k * dilation, ends[k], 1) for k in range(kernel)], 2)

    def convolve(self, h: str, block: dict, kernel: int, dilation: int = 1) -> str:
        near = self.neighbours(self.layer_norm(h, block["norm"]), kernel, dilation)
        return self.op("Add", h, self.silu(self.linear(near, block["matrix"], block["bias"])))

    def speaker(self) -> str:
        """[1, 2]: the share of each speaker."""
        first, second = self.slice("style", 0, 1, 1), self.slice("style", 1, 2, 1)
        rms = self.op("Sigmoid", self.op("Mul", self.op("Sub", second, first), self.f32(8)))
        return self.concat([self.op("Sub", self.f32(1), rms), rms], 1)

    def encode(self, speaker: str) -> tuple[str, str]:
        """→ (token vectors [1, N, W], durations in frames before rounding [N])."""
        p = self.params
        embedded = self.op("Gather", self.weight(p["embedding"]), "tokens")
        h = self.op("Add", embedded, self.op("MatMul", speaker, self.weight(p["encoder_speaker"])))
        for block in p["encoder"]:
            h = self.convolve(h, block, ENCODER_KERNEL)
        head = p["duration"]
        d = self.silu(self.linear(self.neighbours(h, DURATION_KERNEL), head["matrix"], head["bias"]))
        d = self.op("Sub", self.op("Exp", self.linear(d, head["out"], head["out_bias"])), self.f32(1))
        frames = self.reshape(self.clip(d, 0, LONGEST_TOKEN), -1)
        return h, self.op("Div", frames, self.clip("speed", 0.2, 5))

    def regulate(self, frames: str) -> tuple[str, str, str]:
        """Rounds durations so that errors do not add up → (token of each frame [T], its place [T, 3], T)."""
        axis = self.int(0)
        ends = self.op("Cast", self.op("Round", self.op("CumSum", frames, axis)), to=INT64)
        starts = self.concat([self.ints(0), self.slice(ends, 0, -1, 0)], 0)
        self.op("Sub", ends, starts, outputs="durations")
        count = self.op("Squeeze", self.op("Max", self.slice(ends, -1, END, 0), self.ints(1)), self.ints(0))
        time = self.op("Range", self.int(0), count, self.int(1))
        passed = self.op("GreaterOrEqual", self.op("Unsqueeze", time, self.ints(1)), ends)
        source = self.op("ReduceSum", self.op("Cast", passed, to=INT64), self.ints(1), keepdims=0)
        source = self.op("Min", source, self.op("Sub", self.op("Shape", ends), self.ints(1)))
        length = self.op("Max", self.op("Gather", "durations", source), self.ints(1))
        inside = self.op("Cast", self.op("Sub", time, self.op("Gather", starts, source)), to=FLOAT)
        inside, length = self.op("Add", inside, self.f32(0.5)), self.op("Cast", length, to=FLOAT)
        log_length = self.op("Log", self.op("Add", length, self.f32(1)))
        parts = [
            self.op("Div", inside, length),
            self.op("Div", self.op("Min", inside, self.f32(20)), self.f32(10)),
            self.op("Mul", log_length, self.f32(0.5)),
        ]
        return source, self.concat([self.op("Unsqueeze", part, self.ints(1)) for part in parts], 1), count

    def decode(self, h: str, source: str, place: str, speaker: str) -> str:
        """→ [T, FEATURES], still normalised."""
        p = self.params
        place = self.op("Tanh", self.linear(place, p["position"] * POSITION_GAIN, p["position_bias"]))
        x = self.op("Add", self.op("Gather", self.op("Squeeze", h, self.ints(0)), source), place)
        x = self.op("Add", x, self.op("MatMul", speaker, self.weight(p["decoder_speaker"])))
        x = self.op("Unsqueeze", x, self.ints(0))
        for block, dilation in zip(p["decoder"], DILATIONS, strict=True):
            x = self.convolve(x, block, DECODER_KERNEL, dilation)
        return self.linear(self.op("Squeeze", x, self.ints(0)), p["out"], p["out_bias"])

    def fundamental(self, out: str, speaker: str) -> str:
        """→ F0 in Hz [T]."""
        usual = self.op("MatMul", speaker, self.const(self.stats["pitch"].astype(np.float32)[:, None]))
        distance = self.op("Div", self.slice(out, LOG_F0, LOG_F0 + 1, 1), self.f32(LOG_F0_GAIN))
        log_f0 = self.clip(self.op("Add", distance, usual), np.log(60), np.log(500))
        return self.reshape(self.op("Exp", log_f0), -1)

    def sample_numbers(self, count: str) -> str:
        return self.op("Range", self.int(0), self.op("Mul", count, self.int(HOP)), self.int(1))

    def pulses(self, f0: str, count: str, n: str) -> str:
        """vocoder.excitation → [T·HOP]."""
        hop, one = self.int(HOP), self.f32(1)
        here = self.op("Div", n, hop)
        following = self.op("Min", self.op("Add", here, self.int(1)), self.op("Sub", count, self.int(1)))
        part = self.op("Div", self.op("Cast", self.op("Mod", n, hop), to=FLOAT), self.f32(HOP))
        now, then = self.op("Gather", f0, here), self.op("Gather", f0, following)
        f = self.op("Add", now, self.op("Mul", self.op("Sub", then, now), part))
        double = self.op("Cast", f, to=onnx.TensorProto.DOUBLE)
        cycles = self.op("CumSum", self.op("Div", double, self.const(np.float64(RATE))), self.int(0))
        phase = self.op("Cast", self.op("Sub", cycles, self.op("Floor", cycles)), to=FLOAT)
        harmonics = self.op("Floor", self.op("Div", self.f32(RATE * 0.48), f))
        below = self.op("Sin", self.op("Mul", phase, self.f32(np.pi)))
        turns = self.op("Mul", self.op("Add", self.op("Add", harmonics, harmonics), one), phase)
        half = self.op("Mul", turns, self.f32(0.5))
        angle = self.op("Mul", self.op("Sub", half, self.op("Floor", half)), self.f32(2 * np.pi))
        near = self.op("Less", self.op("Abs", below), self.f32(1e-4))
        ratio = self.op("Div", self.op("Sin", angle), self.op("Where", near, one, below))
        kernel = self.op("Mul", self.op("Sub", ratio, one), self.f32(0.5))
        power = self.op("Mul", self.op("Sqrt", self.op("Div", f, self.f32(RATE))), self.f32(2))
        return self.op("Mul", self.op("Where", near, harmonics, kernel), power)

    def noise(self, n: str) -> str:
        table = self.const(vocoder.NOISE)
        values = self.op("Gather", table, self.op("Mod", n, self.int(len(vocoder.NOISE))))
        return self.op("Mul", self.op("Cast", values, to=FLOAT), self.f32(1 / 32))

    def windows(self, x: str) -> str:
        """[T·HOP] → [T, 2·HOP]: each frame with the one before it."""
        halves = self.reshape(self.op("Pad", x, self.ints(HOP, 0)), -1, HOP)
        return self.concat([self.slice(halves, 0, -1, 0), self.slice(halves, 1, END, 0)], 1)

    def fourier(self, rows: int, columns: int) -> tuple[str, str]:
        """(cos, −sin) of 2π·row·column/FFT, computed by nodes that ONNX Runtime folds at load, so that the file stays small."""
        ranges = [self.op("Range", self.int(0), self.int(size), self.int(1)) for size in (rows, columns)]
        product = self.op("Mul", self.op("Unsqueeze", ranges[0], self.ints(1)), ranges[1])
        angle = self.op("Cast", self.op("Mod", product, self.int(FFT)), to=FLOAT)
        angle = self.op("Mul", angle, self.f32(2 * np.pi / FFT))
        return self.op("Cos", angle), self.op("Neg", self.op("Sin", angle))

    def filtered(self, out: str, pulses: str, noise: str) -> str:
        """Shapes the excitation by the frames, in the frequency domain → overlapping pieces [T, FFT]."""
        bands = self.op("Mul", self.slice(out, 0, BANDS, 1), self.const(self.stats["deviation"].astype(np.float32)))
        bands = self.op("Add", bands, self.const(self.stats["mean"].astype(np.float32)))
        bands = self.op("MatMul", bands, self.weight(sharpener()))
        half_log = self.op("MatMul", bands, self.weight(0.5 * vocoder.INTERPOLATION))
        offset = (0.5 * vocoder.TILT).astype(np.float32)
        magnitude = self.op("Exp", self.op("Add", half_log, self.const(offset + np.float32(0.5 * np.log(1.5)))))
        phase = self.op("MatMul", bands, self.weight(0.5 * vocoder.INTERPOLATION @ vocoder.MINIMUM_PHASE))
        phase = self.op("Add", phase, self.const((0.5 * vocoder.TILT @ vocoder.MINIMUM_PHASE).astype(np.float32)))

        voicing = self.op("Sub", self.op("Sigmoid", self.slice(out, VOICING, VOICING + 1, 1)), self.f32(0.5))
        voicing = self.clip(self.op("Add", self.op("Mul", voicing, self.f32(4)), self.f32(0.5)), 0, 1)
        breath = self.op("Sigmoid", self.slice(out, BANDS, BANDS + APERIODICITIES, 1))
        breath = self.clip(self.op("MatMul", breath, self.weight(vocoder.APERIODICITY)), 0, 1)
        clear = self.op("Sqrt", self.op("Sub", self.f32(1), self.op("Mul", breath, breath)))
        for_pulses = self.op("Mul", clear, voicing)
        unvoiced = self.op("Sub", self.f32(1), voicing)
        for_noise = self.op("Add", self.op("Mul", breath, voicing), unvoiced)

        window = self.const(vocoder.HANN.astype(np.float32)[:, None])
        to_spectrum = [self.op("Mul", part, window) for part in self.fourier(2 * HOP, FFT // 2 + 1)]
        weights = np.full((FFT // 2 + 1, 1), 2 / FFT, np.float32)
        weights[[0, -1]] = 1 / FFT
        from_spectrum = [self.op("Mul", part, self.const(weights)) for part in self.fourier(FFT // 2 + 1, FFT)]

        def spectrum(matrix: str) -> str:
            voiced = self.op("Mul", self.op("MatMul", pulses, matrix), for_pulses)
            return self.op("Add", voiced, self.op("Mul", self.op("MatMul", noise, matrix), for_noise))

        real, imaginary = (spectrum(matrix) for matrix in to_spectrum)
        filter_real = self.op("Mul", magnitude, self.op("Cos", phase))
        filter_imaginary = self.op("Mul", magnitude, self.op("Sin", phase))
        out_real = self.op("Sub", self.op("Mul", real, filter_real), self.op("Mul", imaginary, filter_imaginary))
        out_imaginary = self.op("Add", self.op("Mul", real, filter_imaginary), self.op("Mul", imaginary, filter_real))
        parts = [self.op("MatMul", out_real, from_spectrum[0]), self.op("MatMul", out_imaginary, from_spectrum[1])]
        return self.op("Add", *parts)

    def overlap_add(self, pieces: str) -> str:
        """[T, 4·HOP] → [T·HOP]; half a window is cut at the start."""
        parts = []
        for k in range(FFT // HOP):
            part = self.slice(pieces, k * HOP, (k + 1) * HOP, 1)
            parts.append(self.op("Pad", part, self.ints(k, 0, FFT // HOP - 1 - k, 0)))
        return self.reshape(self.slice(self.op("Sum", *parts), 1, -2, 0), -1)


def build(params: dict, stats: dict, half: bool) -> onnx.ModelProto:
    g = Voice(params, stats, half)
    speaker = g.speaker()
    h, frames = g.encode(speaker)
    source, place, count = g.regulate(frames)
    out = g.decode(h, source, place, speaker)
    n = g.sample_numbers(count)
    pulses, noise = g.windows(g.pulses(g.fundamental(out, speaker), count, n)), g.windows(g.noise(n))
    audio = g.overlap_add(g.filtered(out, pulses, noise))
    gain = g.reshape(g.op("MatMul", speaker, g.const(LOUDNESS.astype(np.float32))), -1)
    g.op("Tanh", g.op("Mul", audio, gain), outputs="audio")
    inputs = [("tokens", INT64, [1, "N"]), ("style", FLOAT, [1, STYLE_WIDTH]), ("speed", FLOAT, [1])]
    outputs = [("audio", FLOAT, ["samples"]), ("durations", INT64, ["N"])]
    return g.model("duologue_voice", inputs, outputs, METADATA)


def voices() -> dict[str, np.ndarray]:
    tables = {}
    for speaker, name in enumerate(SPEAKERS):
        tables[name] = np.zeros((STYLE_ROWS, 1, STYLE_WIDTH), np.float32)
        tables[name][..., speaker] = 1
    return tables


def export(state: dict, folder: Path, half: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(build(state["average"], state["stats"], half), folder / "model.onnx")
    with open(folder / "voices.bin", "wb") as out:
        np.savez_compressed(out, **voices())
    write_tokens(folder / "tokens.txt")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("folder", nargs="?", type=Path, default=BUILTIN / "tts")
    options.add_argument("--float32", action="store_true")
    options = options.parse_args()
    trained = pickle.loads(work("tts", "checkpoint.pkl").read_bytes())
    export(trained, options.folder, not options.float32)
    print(f"step {trained['steps']}:", {p.name: p.stat().st_size for p in sorted(options.folder.iterdir())})
