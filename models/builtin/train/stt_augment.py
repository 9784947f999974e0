"""Augmentation of log-mel features inside the training step: each example is new every time it is seen.

Vocal-tract length (a warp of the mel axis), microphone colour (a smooth random curve), more noise (added in the power domain)
and SpecAugment's masks, all scaled by `strength` (0 to 1). `x` is [B, T, 80] before level normalisation, except for `mask`.
"""

import jax
import jax.numpy as jnp
from jax import random

from features import MELS

BREAK_HZ, BREAK_MEL, LOG_STEP = 1000.0, 15.0, float(jnp.log(6.4)) / 27.0
TOP_MEL = BREAK_MEL + float(jnp.log(8.0)) / LOG_STEP
"""librosa's (Slaney's) mel scale: linear to 1 kHz, then logarithmic; 8 kHz at the top."""


def mel_of(hertz):
    above = BREAK_MEL + jnp.log(jnp.maximum(hertz, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return jnp.where(hertz < BREAK_HZ, hertz * BREAK_MEL / BREAK_HZ, above)


def hertz_of(mel):
    above = BREAK_HZ * jnp.exp(jnp.maximum(mel - BREAK_MEL, 0) * LOG_STEP)
    return jnp.where(mel < BREAK_MEL, mel * BREAK_HZ / BREAK_MEL, above)


def warp_vocal_tract(key, x, strength):
    """Stretches the frequency axis by 0.85 to 1.18 (a different speaker size), per example."""
    factor = jnp.exp(strength * random.uniform(key, (x.shape[0], 1), minval=-0.165, maxval=0.165))
    centres = (jnp.arange(MELS) + 1) * TOP_MEL / (MELS + 1)
    source = mel_of(hertz_of(centres)[None] * factor)
    position = jnp.clip(source * (MELS + 1) / TOP_MEL - 1, 0, MELS - 1)
    weights = jnp.maximum(0, 1 - jnp.abs(position[:, None, :] - jnp.arange(MELS)[None, :, None]))
    return jnp.einsum("btm,bmn->btn", x, weights)


def smooth_curve(key, batch, spread):
    """[B, 80]: a random curve through 7 knots."""
    knots = random.normal(key, (batch, 7)) * spread
    position = jnp.linspace(0, 6, MELS)
    weights = jnp.maximum(0, 1 - jnp.abs(position[None] - jnp.arange(7)[:, None]))
    return knots @ weights


def colour(key, x, strength):
    """A microphone's or room's frequency response, about ±9 dB."""
    return x + smooth_curve(key, x.shape[0], strength)[:, None]


def add_noise(key, x, length, strength):
    """Stationary noise of a random smooth spectrum, 0 to 45 dB below the loudest frame, on half of the examples."""
    pick, depth, shape, texture = random.split(key, 4)
    batch, time, _ = x.shape
    valid = jnp.arange(time)[None] < length[:, None]
    loudest = jnp.where(valid, jax.nn.logsumexp(x, -1), -16.0).max(1)
    below = random.uniform(depth, (batch,), minval=1.0, maxval=10.0)
    floor = (loudest - below - 4.4)[:, None] + smooth_curve(shape, batch, 1.5)
    noise = floor[:, None] + random.normal(texture, x.shape) * 0.6
    chosen = random.bernoulli(pick, 0.5 * strength, (batch, 1, 1))
    return jnp.where(chosen, jnp.logaddexp(x, noise), x)


def mask(key, x, strength):
    """SpecAugment: two bands of up to 12 mels and two stretches of up to 100 ms are blanked."""
    batch, time, _ = x.shape
    keys = random.split(key, 8)
    keep = jnp.ones(x.shape, bool)
    for n in range(2):
        keep &= ~stripes(keys[4 * n], keys[4 * n + 1], batch, MELS, 12 * strength)[:, None, :]
        keep &= ~stripes(keys[4 * n + 2], keys[4 * n + 3], batch, time, 10 * strength)[:, :, None]
    return jnp.where(keep, x, -0.5)


def stripes(width_key, start_key, batch, size, widest):
    """[B, size] bool: one random stripe per example."""
    width = random.uniform(width_key, (batch, 1)) * widest
    start = random.uniform(start_key, (batch, 1)) * (size - width)
    at = jnp.arange(size)[None]
    return (at >= start) & (at < start + width)
