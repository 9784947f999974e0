"""Trains the voice: `python tts_train.py --steps 4000` (or `--minutes M`), resumable with `--resume`.

Loss: mel bands (and their change from frame to frame), durations, aperiodicity, voicing and F0, all L1 but voicing. The learning
rate falls along a cosine. Checkpoint: work/tts/checkpoint.pkl, with the normalisation that export needs.
"""

import argparse
import json
import pickle
import random
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kokoro_tokens import PAD, TOKENS
from paths import work
from tts_corpus import SPEAKERS
from tts_model import LOG_F0_GAIN, decode, encode, initial, places
from vocoder import BANDS, FEATURES, LOG_F0, VOICING

jax.config.update("jax_compilation_cache_dir", str(work("compiled")))

LEAD, TRAIL = 5, 8
"""Frames of silence kept before and after an utterance."""
BUCKETS = [180, 260, 340, 440, 560]
FRAMES_PER_BATCH = 5000
HELD_OUT_EVERY = 40
WARM_UP = 150
DIPHTHONGS = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "ʧ": "tʃ", "ʤ": "dʒ"}


def tokens_that_fit(frames: int) -> int:
    return int(frames * 0.45) + 12


def spellings(symbols: list[tuple[str, int]], rng: random.Random) -> list[tuple[str, int]]:
    """The same sounds as another notation may write them, so that small differences in a G2P do no harm.

    Mostly misaki as it is; sometimes espeak's diphthongs, r-coloured vowels and length marks, secondary or missing stress, reduced
    vowels and flaps.
    """
    espeak, unstressed = rng.random() < 0.2, rng.random() < 0.05
    out, index = [], 0
    while index < len(symbols):
        symbol, frames = symbols[index]
        following = symbols[index + 1] if index + 1 < len(symbols) else ("", 0)
        index += 1
        if symbol == "ˈ":
            if not unstressed:
                out.append((rng.choice("ˈˈˈˈˈˌ"), frames))
        elif espeak and symbol in DIPHTHONGS:
            first, second = DIPHTHONGS[symbol]
            out += [(first, frames - frames // 2), (second, frames // 2)]
        elif espeak and symbol in "əɜ" and following[0] == "ɹ" and rng.random() < 0.7:
            out += [("ɚ", frames + following[1])] if symbol == "ə" else [("ɜ", frames), ("ː", following[1])]
            index += 1
        elif espeak and symbol in "iuɑɔ" and rng.random() < 0.6:
            out += [(symbol, frames - frames // 3), ("ː", frames // 3)]
        elif symbol == "ə" and rng.random() < 0.12:
            out.append((rng.choice("ɐᵊᵻ"), frames))
        elif symbol == "ɪ" and rng.random() < 0.05:
            out.append(("ᵻ", frames))
        elif symbol == "t" and 0 < frames <= 4 and rng.random() < 0.5:
            out.append((rng.choice("ɾT"), frames))
        elif symbol in ".;:" and rng.random() < 0.15:
            out.append((rng.choice(".;:—…"), frames))
        else:
            out.append((symbol, frames))
    return out


def load() -> list[tuple[list, np.ndarray, int]]:
    """(symbols with frames, vocoder frames, speaker) of every utterance, silence at the ends cut short."""
    items = []
    for speaker, name in enumerate(SPEAKERS):
        frames, at = np.load(work("tts", f"{name}.frames.npy")), 0
        for _, symbols in json.loads(work("tts", f"{name}.json").read_text()):
            symbols = [list(pair) for pair in symbols]
            count = sum(length for _, length in symbols)
            mine = frames[at : at + count].astype(np.float32)
            at += count
            before, after = max(0, symbols[0][1] - LEAD), max(0, symbols[-1][1] - TRAIL)
            symbols[0][1] -= before
            symbols[-1][1] -= after
            mine = mine[before : count - after]
            if len(mine) <= BUCKETS[-1]:
                items.append((symbols, mine, speaker))
    return items


def statistics(items) -> dict:
    """Mean and deviation of the bands, and each speaker's mean log F0."""
    bands = np.concatenate([frames[:, :BANDS] for _, frames, _ in items])

    def pitch(speaker: int) -> float:
        voiced = [frames[frames[:, VOICING] > 0.5, LOG_F0] for _, frames, who in items if who == speaker]
        return float(np.concatenate(voiced).mean())

    return {"mean": bands.mean(0), "deviation": bands.std(0), "pitch": np.array([pitch(k) for k in range(len(SPEAKERS))])}


def batch(items, members, size: int, stats: dict, rng: random.Random) -> tuple[np.ndarray, ...]:
    count, room = len(members), tokens_that_fit(size)
    tokens, durations = np.zeros((count, room), np.int32), np.zeros((count, room), np.int32)
    token_mask, frame_mask = np.zeros((count, room, 1), np.float32), np.zeros((count, size, 1), np.float32)
    source, position = np.zeros((count, size), np.int32), np.zeros((count, size, 3), np.float32)
    target, speakers = np.zeros((count, size, FEATURES), np.float32), np.zeros((count, len(SPEAKERS)), np.float32)
    for row, index in enumerate(members):
        symbols, frames, speaker = items[index]
        spelt = spellings(symbols, rng)[:room]
        ids = [PAD if symbol == "$" else TOKENS[symbol] for symbol, _ in spelt]
        lengths = np.array([length for _, length in spelt])
        tokens[row, : len(ids)], durations[row, : len(ids)], token_mask[row, : len(ids)] = ids, lengths, 1
        its_source, its_position = places(lengths)
        n = len(its_source)
        source[row, :n], position[row, :n], frame_mask[row, :n], speakers[row, speaker] = its_source, its_position, 1, 1
        target[row, :n] = frames[:n]
        target[row, :n, :BANDS] = (frames[:n, :BANDS] - stats["mean"]) / stats["deviation"]
        target[row, :n, LOG_F0] = (frames[:n, LOG_F0] - stats["pitch"][speaker]) * LOG_F0_GAIN
    return tokens, token_mask, durations, source, position, frame_mask, target, speakers


def loss(params, tokens, token_mask, durations, source, position, frame_mask, target, speakers):
    h, log_durations = encode(params, tokens, token_mask, speakers)
    out = decode(params, h, source, position, frame_mask, speakers)
    weight, voiced = frame_mask[..., 0], frame_mask[..., 0] * target[..., VOICING]
    total = weight.sum()
    duration = (jnp.abs(log_durations - jnp.log1p(durations)) * token_mask[..., 0]).sum() / token_mask.sum()
    error = out[..., :BANDS] - target[..., :BANDS]
    bands = (jnp.abs(error).mean(-1) * weight).sum() / total
    change = (jnp.abs(error[:, 1:] - error[:, :-1]).mean(-1) * weight[:, 1:]).sum() / total
    breath = jnp.abs(jax.nn.sigmoid(out[..., BANDS:VOICING]) - target[..., BANDS:VOICING]).mean(-1)
    breath = (breath * voiced).sum() / total
    voicing = (optax.sigmoid_binary_cross_entropy(out[..., VOICING], target[..., VOICING]) * weight).sum() / total
    pitch = (jnp.abs(out[..., LOG_F0] - target[..., LOG_F0]) * voiced).sum() / total
    parts = {"bands": bands, "change": change, "duration": duration, "breath": breath, "voicing": voicing, "pitch": pitch}
    return bands + 0.5 * change + duration + 2 * breath + voicing + pitch, parts


def batches(items, members, stats, seed: int):
    numbers, rng = np.random.default_rng(seed), random.Random(seed)
    buckets = {size: [] for size in BUCKETS}
    for index in members:
        buckets[next(size for size in BUCKETS if size >= len(items[index][1]))].append(index)
    while True:
        planned = []
        for size, its in buckets.items():
            order, count = numbers.permutation(its), FRAMES_PER_BATCH // size
            planned += [(size, order[at : at + count]) for at in range(0, len(order) - count + 1, count)]
        numbers.shuffle(planned)
        for size, chosen in planned:
            yield batch(items, chosen, size, stats, rng)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=10**9)
    options.add_argument("--minutes", type=float, default=1e9)
    options.add_argument("--rate", type=float, default=2e-3)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--resume", action="store_true")
    options = options.parse_args()

    items = load()
    stats = statistics(items)
    members = [index for index in range(len(items)) if index % HELD_OUT_EVERY]
    held_out = [index for index in range(0, len(items), HELD_OUT_EVERY) if len(items[index][1]) <= BUCKETS[2]]
    optimize = optax.chain(optax.clip_by_global_norm(3.0), optax.scale_by_adam(b2=0.99))
    checkpoint = work("tts", "checkpoint.pkl")
    if options.resume and checkpoint.exists():
        state = pickle.loads(checkpoint.read_bytes())
        state["steps"], state["minutes"] = int(state["steps"]), float(state["minutes"])
    else:
        params = initial(options.seed)
        state = {"params": params, "average": params, "moments": optimize.init(params), "steps": 0, "minutes": 0.0}
    params, average, moments, n = state["params"], state["average"], state["moments"], state["steps"]
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    hours = sum(len(frames) for _, frames, _ in items) / 360_000
    print(f"{len(items)} utterances, {hours:.2f} h, {count} parameters, from step {n}", flush=True)

    @jax.jit
    def step(params, average, moments, rate, *inputs):
        (_, parts), gradients = jax.value_and_grad(loss, has_aux=True)(params, *inputs)
        updates, moments = optimize.update(gradients, moments, params)
        params = jax.tree.map(lambda p, u: p - rate * u, params, updates)
        return params, jax.tree.map(lambda a, p: 0.995 * a + 0.005 * p, average, params), moments, parts

    def save(minutes: float) -> None:
        now = {"params": params, "average": average, "moments": moments, "steps": n, "minutes": minutes, "stats": stats}
        unfinished = checkpoint.with_suffix(".tmp")
        unfinished.write_bytes(pickle.dumps(jax.tree.map(np.asarray, now)))
        unfinished.replace(checkpoint)

    began, saved, recent = time.time(), time.time(), []
    for inputs in batches(items, members, stats, options.seed + n):
        minutes = state["minutes"] + (time.time() - began) / 60
        progress = max(n / options.steps, minutes / options.minutes)
        if progress >= 1:
            break
        n += 1
        rate = options.rate * min(1, n / WARM_UP) * max(0.01, 0.5 + 0.5 * np.cos(np.pi * progress))
        params, average, moments, parts = step(params, average, moments, np.float32(rate), *inputs)
        recent.append(parts)
        if n % 100 == 0:
            means = {key: float(np.mean([float(part[key]) for part in recent])) for key in parts}
            print(f"step {n} {minutes:.1f} min:", ", ".join(f"{k} {v:.3f}" for k, v in means.items()), flush=True)
            recent = []
        if time.time() - saved > 60:
            save(minutes)
            saved = time.time()
    save(state["minutes"] + (time.time() - began) / 60)
    inputs = batch(items, held_out[:24], BUCKETS[2], stats, random.Random(0))
    parts = jax.jit(lambda p: loss(p, *inputs)[1])(average)
    print(f"finished after {n} steps; held out:", {k: round(float(v), 3) for k, v in parts.items()}, flush=True)


if __name__ == "__main__":
    main()
