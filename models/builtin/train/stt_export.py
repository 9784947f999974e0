"""Writes the recogniser as sherpa-onnx's streaming NeMo-CTC model: `python stt_export.py [--blank-bias B] [FOLDER]`.

The graph keeps no state; one call takes `CHUNK` frames and the caches, and returns log probabilities and the next caches:
`cache_last_channel` holds each block's past (`CONTEXT` rows of `HIDDEN`), `cache_last_time` the previous stack of frames (4 rows of
80) and 160 past levels (2 rows of 80, as height above `LEVEL_FLOOR`; 127 are used). All caches start as zeros.
"""

import argparse
import pickle
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from features import MELS
from onnx_graph import END, FLOAT, INT64, Graph, add_metadata
from paths import BUILTIN, work
from stt_model import DEPTH, DILATIONS, HIDDEN, KERNEL, LEVEL_FLOOR, LEVEL_WINDOW, STACK
from vocabulary import BLANK, TOKENS, write_tokens

CHUNK = 16
"""Frames per call: 160 ms."""
REACHES = [(KERNEL - 1) * dilation for dilation in DILATIONS]
CONTEXT = sum(REACHES)
PAST_LEVELS = 160

METADATA = {
    "model_type": "EncDecCTCModelBPE",
    "version": 1,
    "normalize_type": "NA",
    "window_size": CHUNK,
    "chunk_shift": CHUNK,
    "subsampling_factor": STACK,
    "vocab_size": BLANK,
    "cache_last_channel_dim1": 1,
    "cache_last_channel_dim2": CONTEXT,
    "cache_last_channel_dim3": HIDDEN,
    "cache_last_time_dim1": 1,
    "cache_last_time_dim2": STACK + 2,
    "cache_last_time_dim3": MELS,
    "language": "English",
    "comment": "Duologue's built-in recogniser: a closed vocabulary, trained on synthetic speech only",
}


def build(params: dict) -> onnx.ModelProto:
    g = Graph()
    past = g.reshape("cache_last_time", 0, STACK * MELS + PAST_LEVELS)
    log_mel = g.op("Transpose", "audio_signal", perm=[0, 2, 1])

    # Level: the loudest frame of the last LEVEL_WINDOW.
    energy = g.op("ReduceLogSumExp", log_mel, g.ints(-1), keepdims=0)
    height = g.op("Sub", g.op("Max", energy, g.f32(LEVEL_FLOOR)), g.f32(LEVEL_FLOOR))
    heights = g.concat([g.slice(past, STACK * MELS, END, 1), height], 1)
    next_levels = g.slice(heights, -PAST_LEVELS, END, 1)
    recent = g.op("Unsqueeze", g.slice(heights, PAST_LEVELS - LEVEL_WINDOW + 1, END, 1), g.ints(1))
    loudest = g.op("MaxPool", recent, kernel_shape=[LEVEL_WINDOW], strides=[1])
    level = g.op("Add", g.op("Transpose", loudest, perm=[0, 2, 1]), g.f32(LEVEL_FLOOR))
    relative = g.op("Max", g.op("Sub", log_mel, level), g.f32(-DEPTH))
    x = g.op("Add", g.op("Mul", relative, g.f32(1 / 3)), g.f32(2.5))

    # Four frames and the four before them.
    stacked = g.reshape(x, 0, -1, STACK * MELS)
    before = g.reshape(g.slice(past, 0, STACK * MELS, 1), 0, 1, STACK * MELS)
    all_stacks = g.concat([before, stacked], 1)
    last = g.reshape(g.slice(all_stacks, -1, END, 1), 0, STACK * MELS)
    g.reshape(g.concat([last, next_levels], 1), 0, 1, STACK + 2, MELS, outputs="cache_last_time_next")
    pair = g.concat([g.slice(all_stacks, 0, -1, 1), stacked], 2)
    h = g.silu(g.linear(pair, params["front"], params["front_bias"]))

    contexts, at, next_contexts = g.reshape("cache_last_channel", 0, CONTEXT, HIDDEN), 0, []
    for block, dilation, reach in zip(params["blocks"], DILATIONS, REACHES, strict=True):
        n = g.layer_norm(h, block["norm"])
        gate = g.op("Sigmoid", g.linear(n, block["gate"], block["gate_bias"]))
        u = g.op("Mul", g.linear(n, block["value"], block["value_bias"]), gate)
        u = g.concat([g.slice(contexts, at, at + reach, 1), u], 1)
        at += reach
        next_contexts.append(g.slice(u, -reach, END, 1))
        kernel = g.const(np.asarray(block["kernel"], np.float32).T[:, None, :])
        bias = g.const(np.asarray(block["kernel_bias"], np.float32))
        u = g.op("Transpose", u, perm=[0, 2, 1])
        u = g.op("Conv", u, kernel, bias, dilations=[dilation], group=HIDDEN, kernel_shape=[KERNEL])
        u = g.silu(g.op("Transpose", u, perm=[0, 2, 1]))
        h = g.op("Add", h, g.linear(u, block["project"], block["project_bias"]))
    g.reshape(g.concat(next_contexts, 1), 0, 1, CONTEXT, HIDDEN, outputs="cache_last_channel_next")

    words = params["words"]
    logits = g.linear(g.layer_norm(h, words["norm"]), words["matrix"], words["bias"])
    g.op("LogSoftmax", logits, outputs="logprobs", axis=-1)
    lengths = g.op("Div", "length", g.ints(STACK), outputs="encoded_lengths")
    g.op("Add", "cache_last_channel_len", lengths, outputs="cache_last_channel_next_len")
    channel, time = ["B", 1, CONTEXT, HIDDEN], ["B", 1, STACK + 2, MELS]
    inputs = [
        ("audio_signal", FLOAT, ["B", MELS, "T"]),
        ("length", INT64, ["B"]),
        ("cache_last_channel", FLOAT, channel),
        ("cache_last_time", FLOAT, time),
        ("cache_last_channel_len", INT64, ["B"]),
    ]
    outputs = [
        ("logprobs", FLOAT, ["B", "T_out", len(TOKENS)]),
        ("encoded_lengths", INT64, ["B"]),
        ("cache_last_channel_next", FLOAT, channel),
        ("cache_last_time_next", FLOAT, time),
        ("cache_last_channel_next_len", INT64, ["B"]),
    ]
    return g.model("duologue_stt", inputs, outputs, METADATA)


def export(params: dict, folder: Path, blank_bias: float) -> None:
    """Writes model.int8.onnx (weights of the matrix products in 8 bits) and tokens.txt, and work/stt/model.fp32.onnx beside."""
    folder.mkdir(parents=True, exist_ok=True)
    words = dict(params["words"], bias=params["words"]["bias"].copy())
    words["bias"][BLANK] += blank_bias
    whole, small = work("stt", "model.fp32.onnx"), folder / "model.int8.onnx"
    onnx.save(build(dict(params, words=words)), whole)
    quantize_dynamic(whole, small, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"], per_channel=True)
    quantised = onnx.load(small)
    add_metadata(quantised, METADATA)
    onnx.save(quantised, small)
    write_tokens(folder / "tokens.txt")
    write_tokens(whole.parent / "tokens.txt")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("folder", nargs="?", type=Path, default=BUILTIN / "stt")
    options.add_argument("--blank-bias", type=float, default=0.0)
    options = options.parse_args()
    state = pickle.loads(work("stt", "checkpoint.pkl").read_bytes())
    export(state["average"], options.folder, options.blank_bias)
    print(f"step {state['steps']}:", {p.name: p.stat().st_size for p in sorted(options.folder.iterdir())})
