"""A small writer of ONNX graphs: every call adds one node and returns its output's name."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
END = 2**62
"""Slices to the end of an axis."""


class Graph:
    """Collects nodes and constants; equal constants are stored once.

    `half` stores weight matrices as float16, cast to float32 when the model is loaded.
    """

    def __init__(self, half: bool = False):
        self.nodes, self.constants, self.names, self.count, self.half = [], [], {}, 0, half

    def op(self, kind: str, *inputs: str, outputs: list[str] | str | None = None, **attributes):
        """Adds a node; `outputs` names its outputs (a list gives several)."""
        self.count += 1
        names = [f"{kind}_{self.count}"] if outputs is None else [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"node_{self.count}", **attributes))
        return names if isinstance(outputs, list) else names[0]

    def const(self, array) -> str:
        """A constant, as given."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.names:
            self.names[key] = f"const_{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(array, self.names[key]))
        return self.names[key]

    def weight(self, array) -> str:
        """A float weight; matrices are stored as float16 if `half`."""
        array = np.asarray(array, np.float32)
        if self.half and array.ndim >= 2:
            return self.op("Cast", self.const(array.astype(np.float16)), to=FLOAT)
        return self.const(array)

    def f32(self, value) -> str:
        return self.const(np.float32(value))

    def ints(self, *values: int) -> str:
        return self.const(np.array(values, np.int64))

    def int(self, value: int) -> str:
        return self.const(np.int64(value))

    def slice(self, x: str, start: int, end: int, axis: int) -> str:
        return self.op("Slice", x, self.ints(start), self.ints(end), self.ints(axis))

    def concat(self, inputs: list[str], axis: int, outputs: str | None = None) -> str:
        return self.op("Concat", *inputs, axis=axis, outputs=outputs)

    def reshape(self, x: str, *shape: int, outputs: str | None = None) -> str:
        return self.op("Reshape", x, self.ints(*shape), outputs=outputs)

    def linear(self, x: str, matrix, bias) -> str:
        return self.op("Add", self.op("MatMul", x, self.weight(matrix)), self.const(np.asarray(bias, np.float32)))

    def silu(self, x: str) -> str:
        return self.op("Mul", x, self.op("Sigmoid", x))

    def layer_norm(self, x: str, norm: dict) -> str:
        scale, shift = (self.const(np.asarray(norm[key], np.float32)) for key in ("scale", "shift"))
        return self.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-5)

    def model(self, name: str, inputs: list, outputs: list, metadata: dict) -> onnx.ModelProto:
        """Checks and returns the model; inputs and outputs are (name, type, shape)."""
        ends = [[helper.make_tensor_value_info(*value) for value in side] for side in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, name, *ends, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="duologue")
        add_metadata(model, metadata)
        onnx.checker.check_model(model)
        return model


def add_metadata(model: onnx.ModelProto, metadata: dict) -> None:
    del model.metadata_props[:]
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
