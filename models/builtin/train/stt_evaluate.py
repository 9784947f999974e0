"""Figures of the recogniser, through unmodified sherpa-onnx: `python stt_evaluate.py [MODEL] [--sets …]`.

Word error rates on voices of training (`test_seen`, other sentences), on espeak-ng variants and on a speaker that training never
heard, clean and with noise; real people's digits; false words on noise and on speech outside the vocabulary; speed; latency.
Real recordings come from the material folder and were never trained on. Unknown words count as `UNK`, neighbours as one.
"""

import argparse
import time
from math import gcd
from pathlib import Path

import numpy as np
import sherpa_onnx
import soundfile
from scipy.signal import resample_poly

import stt_corpus
from augment import coloured_noise, noise_example
from paths import BUILTIN, MATERIAL
from vocabulary import DIGITS, LABELS, UNK, labels

RATE = 16_000
TAIL = 0.6
"""Seconds of silence fed after an utterance."""


def recogniser(model: Path) -> sherpa_onnx.OnlineRecognizer:
    return sherpa_onnx.OnlineRecognizer.from_nemo_ctc(
        tokens=str(model.parent / "tokens.txt"), model=str(model), num_threads=1, sample_rate=RATE, feature_dim=80
    )


def transcribe(rec, samples: np.ndarray, lead: float = 0.0, words_at: list | None = None) -> list[str]:
    """Streams 16 kHz samples (±1); `words_at` collects (word, seconds fed when it appeared), to 20 ms."""
    stream = rec.create_stream()
    silence = [np.zeros(int(seconds * RATE), np.float32) for seconds in (lead, TAIL)]
    signal = np.concatenate([silence[0], samples.astype(np.float32), silence[1]])
    step, seen = RATE // (10 if words_at is None else 50), 0
    for at in range(0, len(signal), step):
        stream.accept_waveform(RATE, signal[at : at + step])
        while rec.is_ready(stream):
            rec.decode_stream(stream)
        if words_at is not None:
            found = rec.get_result(stream).split()
            words_at += [(word, (at + step) / RATE) for word in found[seen:]]
            seen = max(seen, len(found))
    stream.input_finished()
    while rec.is_ready(stream):
        rec.decode_stream(stream)
    return rec.get_result(stream).split()


def edits(reference: list[str], heard: list[str]) -> int:
    """Word edit distance."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(reference, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != other))
    return row[-1]


def reference(words: list[str]) -> list[str]:
    return [LABELS[label] for label in labels(words)]


def speech_set(name: str, snr: float | None = None, noises: list[np.ndarray] | None = None, most: int = 150):
    """(samples in ±1, reference, entry) of a synthesized set's first `most` utterances, at −26 dBFS; `snr` adds pink noise, or recorded `noises`."""
    pcm, offsets, entries = stt_corpus.load(name)
    for index, entry in enumerate(entries[:most]):
        x = pcm[offsets[index] : offsets[index + 1]].astype(np.float32)
        x *= 0.05 / np.sqrt((x**2).mean() + 1e-9)
        if snr is not None:
            rng = np.random.default_rng([17, index])
            x = np.concatenate([np.zeros(RATE // 3, np.float32), x, np.zeros(RATE // 3, np.float32)])
            noise = coloured_noise(rng, len(x), 1.0)
            if noises:
                noise = np.resize(np.roll(noises[index % len(noises)], -int(rng.integers(10**6))), len(x))
                noise = noise / noise.std()
            x = (x + noise * 0.05 * 10 ** (-snr / 20)).astype(np.float32)
        yield x, reference(entry["words"]), entry


def word_errors(rec, items) -> str:
    wrong = total = right = count = 0
    for samples, expected, _ in items:
        errors = edits(expected, transcribe(rec, samples))
        wrong, total, right, count = wrong + errors, total + len(expected), right + (errors == 0), count + 1
    return f"WER {wrong / total:.3f} ({wrong}/{total} words), whole sentence right {right / count:.3f} of {count}"


def at_16k(samples: np.ndarray, rate: int) -> np.ndarray:
    common = gcd(rate, RATE)
    return resample_poly(samples, RATE // common, rate // common).astype(np.float32) if rate != RATE else samples


def recording(path: Path) -> np.ndarray:
    """The first channel of a WAV at 16 kHz, ±1."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return at_16k(samples[:, 0], rate)


def real_digits(rec) -> None:
    folder = MATERIAL / "speech" / "digits"
    files = sorted(folder.glob("*.wav"))
    if not files:
        return print(f"SKIPPED: no recordings in {folder}")
    for title, level in (("as recorded", None), ("level-normalised to -26 dBFS", 0.05)):
        right, silent, confused = {}, 0, []
        for path in files:
            digit, speaker, _ = path.stem.split("_")
            samples = recording(path)
            if level:
                samples = np.clip(samples * level / np.sqrt((samples**2).mean()), -1, 1)
            heard = transcribe(rec, samples, lead=0.3)
            hit = heard == [DIGITS[int(digit)]]
            right.setdefault(speaker, []).append(hit)
            silent += not heard
            if not hit:
                confused.append(f"{DIGITS[int(digit)]}>{'+'.join(heard) or '-'}")
        hits = [hit for values in right.values() for hit in values]
        by_speaker = ", ".join(f"{name} {np.mean(values):.2f}" for name, values in sorted(right.items()))
        print(f"real digits, {title}: exactly right {np.mean(hits):.3f} of {len(hits)} ({by_speaker}; {silent} heard as nothing)")
        print("   ", " ".join(confused))


def false_words(rec, title: str, paths: list[Path]) -> None:
    """Words (other than UNK) per minute where there are none to be heard, or none but strange ones."""
    words = unknown = 0
    seconds = 0.0
    for path in paths:
        samples = recording(path)
        heard = transcribe(rec, samples)
        words, unknown = words + sum(w != UNK for w in heard), unknown + heard.count(UNK)
        seconds += len(samples) / RATE
    if not paths:
        return print(f"SKIPPED: no recordings for {title}")
    print(f"{title}: {words / seconds * 60:.1f} false words and {unknown / seconds * 60:.1f} UNK a minute ({seconds:.0f} s)")


def false_words_on_synthetic_noise(rec) -> None:
    """Like `false_words`, on noise as in training but never trained on; to choose settings without touching the recordings."""
    words, seconds = 0, 0.0
    for index in range(60):
        samples = noise_example(np.random.default_rng([99, index]), [np.ones(100)])
        words += sum(word != UNK for word in transcribe(rec, samples))
        seconds += len(samples) / RATE
    print(f"synthetic noise: {words / seconds * 60:.1f} false words a minute ({seconds:.0f} s)")


def real_time_factor(rec) -> float:
    samples = [item[0] for item in speech_set("test_seen")][:40]
    began = time.process_time()
    for x in samples:
        transcribe(rec, x)
    return (time.process_time() - began) / sum(len(x) / RATE + TAIL for x in samples)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("model", nargs="?", type=Path, default=BUILTIN / "stt" / "model.int8.onnx")
    options.add_argument("--quick", action="store_true", help="only what settings are chosen by: the dev set and synthetic noise")
    options = options.parse_args()
    rec = recogniser(options.model)
    if options.quick:
        print("dev:", word_errors(rec, speech_set("dev")))
        print("dev, pink noise 10 dB:", word_errors(rec, speech_set("dev", 10)))
        return false_words_on_synthetic_noise(rec)
    noises = [recording(path) for path in sorted((MATERIAL / "noise").glob("*.wav"))]
    for name in ("test_variants", "test_unseen", "test_unknown"):
        print(f"{name}, clean:", word_errors(rec, speech_set(name)), flush=True)
    for name in ("test_variants", "test_unseen"):
        print(f"{name}, pink noise 10 dB:", word_errors(rec, speech_set(name, 10)), flush=True)
        if noises:
            print(f"{name}, recorded noise 10 dB:", word_errors(rec, speech_set(name, 10, noises)), flush=True)
    seen = list(speech_set("test_seen", most=300))
    for voice in ("slt", "rms", "awb"):
        print(f"test_seen, flite {voice}:", word_errors(rec, [item for item in seen if item[2]["voice"] == voice]))
    for level in (-10, -40, -55):
        louder = 10 ** ((level + 26) / 20)
        items = ((np.clip(np.round(x * louder * 32768) / 32768, -1, 1), words, entry) for x, words, entry in speech_set("test_variants", most=100))
        print(f"test_variants at {level} dBFS:", word_errors(rec, items))
    real_digits(rec)
    false_words(rec, "recorded noise", sorted((MATERIAL / "noise").glob("*.wav")))
    speech = sorted((MATERIAL / "speech").glob("*.wav")) + sorted((MATERIAL / "speech" / "librivox").glob("*.wav"))
    false_words(rec, "free speech of real people", speech)
    print(f"real-time factor, 1 thread, CPU time: {real_time_factor(rec):.4f}")


if __name__ == "__main__":
    main()
