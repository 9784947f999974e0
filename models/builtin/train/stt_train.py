"""Trains the recogniser: `python stt_train.py --minutes 90` (or `--steps 20000`), resumable with `--resume`.

The learning rate falls along a cosine over the planned time or steps, so that the last checkpoint is a finished one. Checkpoints
(`work/stt/checkpoint.pkl`, every minute) hold the weights, their moving average (which is what gets exported), the optimizer
and the position in the schedule. Matrix products are computed in bfloat16 (AMX does them several times faster), all else in
float32.
"""

import argparse
import pickle
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

import stt_augment
import stt_corpus
from paths import work
from stt_model import STACK, forward, initial, normalise_level
from vocabulary import BLANK, labels, phones

jax.config.update("jax_compilation_cache_dir", str(work("compiled")))

BUCKETS = [200, 260, 340, 460, 720]
"""Example lengths in frames; an example is padded to the next."""
MAX_LABELS, MAX_PHONES = 14, 64
DROP = 0.05
WARM_UP = 300
AVERAGE = 0.999


class Examples:
    """Training features with their labels, served as endless shuffled batches of `frames` frames each."""

    def __init__(self, name: str, frames: int, seed: int):
        self.features = np.load(work("stt", f"{name}.features.npy"), mmap_mode="r")
        lengths = np.load(work("stt", f"{name}.lengths.npy"))
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        sources = np.load(work("stt", f"{name}.sources.npy"))
        _, _, entries = stt_corpus.load(name)
        spoken = [(labels(e["words"]), phones(e["words"])) for e in entries]
        self.items = []
        for start, length, source in zip(starts, lengths, sources, strict=True):
            words, sounds = spoken[source] if source >= 0 else ([], [])
            fits = length <= BUCKETS[-1] and len(words) <= MAX_LABELS and len(sounds) <= MAX_PHONES
            if fits and len(sounds) < length / STACK - 4:
                self.items.append((int(start), int(length), words, sounds))
        self.buckets = {size: [] for size in BUCKETS}
        for index, item in enumerate(self.items):
            self.buckets[next(size for size in BUCKETS if size >= item[1])].append(index)
        self.frames, self.rng = frames, np.random.default_rng(seed)

    def batches(self):
        while True:
            planned = []
            for size, members in self.buckets.items():
                order, count = self.rng.permutation(members), max(1, self.frames // size)
                planned += [(size, order[at : at + count]) for at in range(0, len(order) - count + 1, count)]
            self.rng.shuffle(planned)
            for size, members in planned:
                yield self.batch(size, members)

    def batch(self, size: int, members) -> tuple[np.ndarray, ...]:
        count = len(members)
        x = np.zeros((count, size, self.features.shape[1]), np.float16)
        lengths = np.zeros(count, np.int32)
        words, word_padding = np.zeros((count, MAX_LABELS), np.int32), np.ones((count, MAX_LABELS), np.float32)
        sounds, sound_padding = np.zeros((count, MAX_PHONES), np.int32), np.ones((count, MAX_PHONES), np.float32)
        for row, index in enumerate(members):
            start, length, its_words, its_sounds = self.items[index]
            x[row, :length] = self.features[start : start + length]
            x[row, length:] = x[row, length - 1]
            lengths[row] = length
            words[row, : len(its_words)], word_padding[row, : len(its_words)] = its_words, 0
            sounds[row, : len(its_sounds)], sound_padding[row, : len(its_sounds)] = its_sounds, 0
        return x, lengths, words, word_padding, sounds, sound_padding


def augmented(key, x, lengths, strength):
    keys = jax.random.split(key, 4)
    x = stt_augment.warp_vocal_tract(keys[0], x.astype(jnp.float32), strength)
    x = stt_augment.colour(keys[1], x, strength)
    x = stt_augment.add_noise(keys[2], x, lengths, strength)
    return stt_augment.mask(keys[3], normalise_level(x), strength)


def loss(params, key, phone_weight, strength, x, lengths, words, word_padding, sounds, sound_padding):
    augment_key, drop_key = jax.random.split(key)
    x = augmented(augment_key, x, lengths, strength)
    word_logits, phone_logits = forward(params, x, drop_key, DROP)
    time_padding = (jnp.arange(word_logits.shape[1])[None] >= (lengths // STACK)[:, None]).astype(jnp.float32)
    word_loss = optax.ctc_loss(word_logits, time_padding, words, word_padding, blank_id=BLANK)
    word_loss = (word_loss / jnp.maximum((1 - word_padding).sum(1), 1)).mean()
    if phone_weight == 0:
        return word_loss, (word_loss, 0.0)
    phone_loss = optax.ctc_loss(phone_logits, time_padding, sounds, sound_padding, blank_id=0)
    phone_loss = (phone_loss / jnp.maximum((1 - sound_padding).sum(1), 1)).mean()
    return word_loss + phone_weight * phone_loss, (word_loss, phone_loss)


def optimizer() -> optax.GradientTransformation:
    """Muon for matrices, Adam for the rest; the learning rate is applied in `step`."""
    muon = optax.contrib.muon(1.0, consistent_rms=0.2, adam_learning_rate=1.0, ns_steps=4)
    return optax.chain(optax.clip_by_global_norm(5.0), muon)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=1e9)
    options.add_argument("--steps", type=int, default=10**9)
    options.add_argument("--until", type=int, default=10**9, help="stop after this step, before the schedule's end")
    options.add_argument("--rate", type=float, default=2e-3)
    options.add_argument("--frames", type=int, default=9600, help="frames per batch")
    options.add_argument("--phone-weight", type=float, default=1.2, help="of the auxiliary phone loss; 0 leaves it out")
    options.add_argument("--strength", type=float, default=1.0, help="of the augmentation of features")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--set", default="train")
    options.add_argument("--resume", action="store_true")
    options = options.parse_args()

    checkpoint = work("stt", "checkpoint.pkl")
    optimize = optimizer()
    if options.resume and checkpoint.exists():
        state = pickle.loads(checkpoint.read_bytes())
        state["steps"], state["minutes"] = int(state["steps"]), float(state["minutes"])
    else:
        params = initial(options.seed)
        state = {"params": params, "average": params, "moments": optimize.init(params), "steps": 0, "minutes": 0.0}
    params, average, moments = state["params"], state["average"], state["moments"]

    @jax.jit
    def step(params, average, moments, key, rate, decay, *batch):
        (_, losses), gradients = jax.value_and_grad(loss, has_aux=True)(params, key, options.phone_weight, options.strength, *batch)
        updates, moments = optimize.update(gradients, moments, params)
        params = jax.tree.map(lambda p, u: p + rate * u, params, updates)
        average = jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, average, params)
        return params, average, moments, losses

    examples = Examples(options.set, options.frames, options.seed + state["steps"])
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    print(f"{len(examples.items)} examples, {count} parameters with the phone head, from step {state['steps']}", flush=True)

    key = jax.random.PRNGKey(options.seed)
    began, saved, recent, n = time.time(), time.time(), [], state["steps"]
    for batch in examples.batches():
        minutes = state["minutes"] + (time.time() - began) / 60
        progress = max(n / options.steps, minutes / options.minutes)
        if progress >= 1 or n >= options.until:
            break
        n += 1
        rate = options.rate * min(1, n / WARM_UP) * max(0.01, 0.5 + 0.5 * np.cos(np.pi * progress))
        decay = min(AVERAGE, n / (n + 10))
        random = jax.random.fold_in(key, n)
        params, average, moments, losses = step(params, average, moments, random, np.float32(rate), np.float32(decay), *batch)
        recent.append(losses)
        if n % 100 == 0:
            word_loss, phone_loss = np.mean(np.array(recent, float), 0)
            print(f"step {n} {minutes:.1f} min: per word {word_loss:.4f}, per phone {phone_loss:.4f}, rate {rate:.6f}", flush=True)
            recent = []
        if time.time() - saved > 60:
            save(checkpoint, params, average, moments, n, minutes)
            saved = time.time()
    save(checkpoint, params, average, moments, n, state["minutes"] + (time.time() - began) / 60)
    print(f"finished after {n} steps", flush=True)


def save(path, params, average, moments, steps: int, minutes: float) -> None:
    state = {"params": params, "average": average, "moments": moments, "steps": steps, "minutes": minutes}
    unfinished = path.with_suffix(".tmp")
    unfinished.write_bytes(pickle.dumps(jax.tree.map(np.asarray, state)))
    unfinished.replace(path)


if __name__ == "__main__":
    main()
