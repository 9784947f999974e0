"""Log-mel features exactly as sherpa-onnx computes them, and the augmented training features on disk.

`python features.py SET COPIES` → work/stt/SET.features.npy (float16 [frames, 80]), .lengths.npy, .sources.npy (utterance, or −1
for a wordless example).
"""

import sys
from multiprocessing import Pool

import kaldi_native_fbank as knf
import numpy as np

import stt_corpus
from augment import noise_example, speech_example
from paths import work

MELS = 80
NOISE_SHARE = 0.06
"""Wordless examples, as a share of the utterances."""


def log_mel(samples: np.ndarray, rate: int = 16_000) -> np.ndarray:
    """Samples in ±1 → f32 [frames, 80], 25 ms Hann windows every 10 ms, librosa's mel filters from 0 Hz to half the rate.

    These are not sherpa-onnx's usual features: it computes NeMo's for a `nemo_ctc` model, whatever its metadata says (seen with
    2.0.1 by a probe model that returns its input as tokens).
    """
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.frame_opts.samp_freq = rate
    options.frame_opts.window_type = "hann"
    options.frame_opts.remove_dc_offset = False
    options.mel_opts.num_bins = MELS
    options.mel_opts.low_freq = 0
    options.mel_opts.is_librosa = True
    extractor = knf.OnlineFbank(options)
    extractor.accept_waveform(rate, samples.astype(np.float32))
    extractor.input_finished()
    return np.stack([extractor.get_frame(i) for i in range(extractor.num_frames_ready)])


def example(job: tuple[str, int, int]) -> np.ndarray:
    """Features of one job: (set, copy, utterance), where utterance −1−n is the n-th wordless example."""
    name, copy, index = job
    pcm, offsets, _ = stt_corpus.load(name)
    rng = np.random.default_rng([copy, index + 1_000_000])
    some = rng.integers(len(offsets) - 1, size=6)
    others = [np.asarray(pcm[offsets[k] : offsets[k + 1]]) for k in some]
    if index < 0:
        return log_mel(noise_example(rng, others)).astype(np.float16)
    return log_mel(speech_example(rng, pcm[offsets[index] : offsets[index + 1]], others)).astype(np.float16)


def make(name: str, copies: int) -> None:
    _, offsets, _ = stt_corpus.load(name)
    count = len(offsets) - 1
    indices = list(range(count)) + [-1 - n for n in range(int(count * NOISE_SHARE))]
    jobs = [(name, copy, index) for copy in range(copies) for index in indices]
    with Pool(2) as pool:
        made = list(pool.imap(example, jobs, chunksize=64))
    np.save(work("stt", f"{name}.features.npy"), np.concatenate(made))
    np.save(work("stt", f"{name}.lengths.npy"), np.array([len(features) for features in made]))
    np.save(work("stt", f"{name}.sources.npy"), np.array([max(index, -1) for _, _, index in jobs]))
    print(f"{name}: {len(made)} examples, {sum(map(len, made)) / 360_000:.1f} h", flush=True)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
