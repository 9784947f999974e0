"""The voice: tokens → durations and vocoder frames, for two speakers. Non-autoregressive, convolutional, 0.6 M parameters.

Encoder: embedding and `ENCODER_BLOCKS` convolutions over tokens. Durations: a small head. Decoder: each token's vector repeated for
its frames, with the position inside the token, then dilated convolutions over frames. `tts_export.py` writes the same as ONNX.
"""

import jax
import jax.numpy as jnp
import numpy as np

from fast import matmul, silu, wall
from kokoro_tokens import TOKEN_COUNT
from stt_model import layer_norm
from tts_corpus import SPEAKERS
from vocoder import FEATURES

WIDTH = 128
ENCODER_BLOCKS, ENCODER_KERNEL = 3, 5
DURATION_KERNEL, DURATION_WIDTH = 3, 64
DECODER_KERNEL, DILATIONS = 3, [1, 2, 4, 1, 2, 1]
POSITION_GAIN = 3.0
LOG_F0_GAIN = 4.0
"""Log F0 is learned as its distance from the speaker's mean, times this."""


def initial(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)

    def matrix(rows: int, columns: int, gain: float = 1.0) -> np.ndarray:
        return (rng.standard_normal((rows, columns)) * gain / np.sqrt(rows)).astype(np.float32)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def block(kernel: int) -> dict:
        norm = {"scale": np.ones(WIDTH, np.float32), "shift": zeros(WIDTH)}
        return {"norm": norm, "matrix": matrix(kernel * WIDTH, WIDTH), "bias": zeros(WIDTH)}

    return {
        "embedding": (rng.standard_normal((TOKEN_COUNT, WIDTH)) * 0.3).astype(np.float32),
        "encoder_speaker": matrix(len(SPEAKERS), WIDTH),
        "encoder": [block(ENCODER_KERNEL) for _ in range(ENCODER_BLOCKS)],
        "duration": {
            "matrix": matrix(DURATION_KERNEL * WIDTH, DURATION_WIDTH),
            "bias": zeros(DURATION_WIDTH),
            "out": matrix(DURATION_WIDTH, 1),
            "out_bias": np.ones(1, np.float32),
        },
        "position": matrix(3, WIDTH),
        "position_bias": zeros(WIDTH),
        "decoder_speaker": matrix(len(SPEAKERS), WIDTH),
        "decoder": [block(DECODER_KERNEL) for _ in DILATIONS],
        "out": matrix(WIDTH, FEATURES, 0.3),
        "out_bias": zeros(FEATURES),
    }


def neighbours(x: jax.Array, kernel: int, dilation: int = 1) -> jax.Array:
    """[B, T, C] → [B, T, kernel·C]: each position with its neighbours, zeros outside."""
    reach, time = (kernel - 1) // 2 * dilation, x.shape[1]
    padded = jnp.pad(x, ((0, 0), (reach, reach), (0, 0)))
    return wall(jnp.concatenate([padded[:, k * dilation : k * dilation + time] for k in range(kernel)], -1))


def convolve(h: jax.Array, block: dict, kernel: int, dilation: int, mask: jax.Array) -> jax.Array:
    near = neighbours(layer_norm(h, block["norm"]) * mask, kernel, dilation)
    return wall((h + silu(matmul(near, block["matrix"]) + block["bias"])) * mask)


def encode(params: dict, tokens: jax.Array, mask: jax.Array, speakers: jax.Array) -> tuple[jax.Array, jax.Array]:
    """tokens [B, N], mask [B, N, 1], speakers [B, 2] → (vectors [B, N, WIDTH], log1p of durations in frames [B, N])."""
    h = (params["embedding"][tokens] + (speakers @ params["encoder_speaker"])[:, None]) * mask
    for block in params["encoder"]:
        h = convolve(h, block, ENCODER_KERNEL, 1, mask)
    duration = params["duration"]
    d = silu(matmul(neighbours(h, DURATION_KERNEL), duration["matrix"]) + duration["bias"])
    return h, (d @ duration["out"] + duration["out_bias"])[..., 0]


def decode(params: dict, h: jax.Array, source: jax.Array, position: jax.Array, mask: jax.Array, speakers: jax.Array) -> jax.Array:
    """Vectors, the token of each frame [B, T], its place in the token [B, T, 3], mask [B, T, 1] → frames [B, T, FEATURES]."""
    place = jnp.tanh(POSITION_GAIN * (position @ params["position"]) + params["position_bias"])
    speaker = (speakers @ params["decoder_speaker"])[:, None]
    x = (jnp.take_along_axis(h, source[..., None], 1) + place + speaker) * mask
    for block, dilation in zip(params["decoder"], DILATIONS, strict=True):
        x = convolve(x, block, DECODER_KERNEL, dilation, mask)
    return x @ params["out"] + params["out_bias"]


def places(durations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Durations in frames [N] → (token of each frame [T], place in the token [T, 3]: share, time, log length)."""
    source = np.repeat(np.arange(len(durations)), durations)
    starts = np.concatenate([[0], np.cumsum(durations)[:-1]])
    length = np.asarray(durations)[source]
    inside = np.arange(len(source)) - starts[source] + 0.5
    return source, np.stack([inside / length, np.minimum(inside, 20) / 10, np.log1p(length) / 2], 1).astype(np.float32)
