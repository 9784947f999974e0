"""The recogniser: a small causal convolutional network with whole-word CTC.

Log-mel [T, 80] → level normalisation → 4 frames stacked (40 ms) → `DILATIONS` blocks (norm, GLU, causal depthwise convolution,
projection, residual) → words. A second head, half way up and dropped on export, is taught phones: it makes learning faster.
`stt_export.py` writes the same computation as a streaming ONNX graph.
"""

import jax
import jax.numpy as jnp
import numpy as np

from fast import causal_depthwise, gated, matmul, silu, wall
from features import MELS
from vocabulary import PHONES, TOKENS

STACK = 4
WIDTH = 128
HIDDEN = 192
KERNEL = 5
DILATIONS = [1, 1, 1, 2, 2, 2, 2]
PHONE_HEAD_AFTER = 3
"""The block whose output the phone head reads."""

LEVEL_WINDOW = 128
"""Frames (1.28 s) over which the loudest frame sets the level."""
LEVEL_FLOOR = -7.0
"""Lowest level assumed, as log frame energy of ±1 samples: about −55 dBFS speech. What is quieter is not amplified."""
DEPTH = 12.0
"""Nepers of power (52 dB) kept below the level; what lies deeper is noise floor."""


def initial(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)

    def matrix(rows: int, columns: int, gain: float = 1.0) -> np.ndarray:
        return (rng.standard_normal((rows, columns)) * gain / np.sqrt(rows)).astype(np.float32)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def norm() -> dict:
        return {"scale": np.ones(WIDTH, np.float32), "shift": zeros(WIDTH)}

    def block() -> dict:
        kernel = (rng.standard_normal((KERNEL, HIDDEN)) / np.sqrt(KERNEL)).astype(np.float32)
        return {
            "norm": norm(),
            "value": matrix(WIDTH, HIDDEN),
            "value_bias": zeros(HIDDEN),
            "gate": matrix(WIDTH, HIDDEN),
            "gate_bias": zeros(HIDDEN),
            "kernel": kernel,
            "kernel_bias": zeros(HIDDEN),
            "project": matrix(HIDDEN, WIDTH, 0.5),
            "project_bias": zeros(WIDTH),
        }

    def head(classes: int) -> dict:
        return {"norm": norm(), "matrix": matrix(WIDTH, classes), "bias": zeros(classes)}

    return {
        "front": matrix(2 * STACK * MELS, WIDTH),
        "front_bias": zeros(WIDTH),
        "blocks": [block() for _ in DILATIONS],
        "words": head(len(TOKENS)),
        "phones": head(len(PHONES) + 1),
    }


def normalise_level(log_mel: jax.Array) -> jax.Array:
    """[B, T, 80] → the same relative to the loudest frame of the last 1.28 s, and of about unit variance.

    Causal, and independent of the input's gain. The level is the log of the frame's energy, so that missing high bands
    (telephone audio) do not move it.
    """
    energy = jnp.maximum(jax.nn.logsumexp(log_mel, -1), LEVEL_FLOOR)
    level = jnp.pad(energy, ((0, 0), (LEVEL_WINDOW - 1, 0)), constant_values=LEVEL_FLOOR)
    reach = 1
    while reach < LEVEL_WINDOW:
        level = jnp.maximum(level[:, reach:], level[:, :-reach])
        reach *= 2
    return jnp.maximum(log_mel - level[..., None], -DEPTH) * (1 / 3) + 2.5


def layer_norm(x: jax.Array, norm: dict) -> jax.Array:
    mean = x.mean(-1, keepdims=True)
    centred = x - mean
    variance = (centred * centred).mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5) * norm["scale"] + norm["shift"]


def forward(params: dict, x: jax.Array, key=None, drop: float = 0.0) -> tuple[jax.Array, jax.Array]:
    """Normalised [B, T, 80], T divisible by 4 → (word logits [B, T/4, words], phone logits [B, T/4, phones])."""
    batch, time, _ = x.shape
    stacked = x.reshape(batch, time // STACK, STACK * MELS)
    before = jnp.pad(stacked, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    h = silu(matmul(jnp.concatenate([before, stacked], -1), params["front"]) + params["front_bias"])
    phones = None
    for index, (block, dilation) in enumerate(zip(params["blocks"], DILATIONS, strict=True)):
        n = wall(layer_norm(h, block["norm"]))
        u = gated(matmul(n, block["value"]) + block["value_bias"], matmul(n, block["gate"]) + block["gate_bias"])
        u = silu(causal_depthwise(u, block["kernel"], dilation) + block["kernel_bias"])
        u = matmul(u, block["project"]) + block["project_bias"]
        if drop > 0:
            keep = jax.random.bernoulli(jax.random.fold_in(key, index), 1 - drop, (batch, 1, WIDTH))
            u = u * keep / (1 - drop)
        h = wall(h + u)
        if index == PHONE_HEAD_AFTER:
            phones = head(params["phones"], h)
    return head(params["words"], h), phones


def head(params: dict, h: jax.Array) -> jax.Array:
    return matmul(layer_norm(h, params["norm"]), params["matrix"]) + params["bias"]
