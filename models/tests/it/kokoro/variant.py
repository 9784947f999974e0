#!/usr/bin/env python3
"""Turn a Kokoro graph into another of the exports found in the field.

    python variant.py in.onnx out.onnx [--rename old=new ...] [--speed int32|int64] [--no-duration] [--batch]

--speed    the tempo becomes a whole number (cast to float inside)
--batch    the audio gets a leading 1
"""

import argparse

import onnx
from onnx import TensorProto, helper


def rename(graph, names):
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for field in (node.input, node.output):
            for i, name in enumerate(field):
                field[i] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                rename(attribute.g, names)


def whole_speed(graph, element):
    port = next(i for i in graph.input if i.name == "speed")
    rename(graph, {"speed": "speed_float"})
    port.CopyFrom(helper.make_tensor_value_info("speed", element, [1]))
    graph.node.insert(0, helper.make_node("Cast", ["speed"], ["speed_float"], to=TensorProto.FLOAT))


def batch(graph):
    port = next(o for o in graph.output if o.name in ("audio", "waveform"))
    name = port.name
    rename(graph, {name: "flat_audio"})
    port.CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "samples"]))
    shape = helper.make_tensor("batch_shape", TensorProto.INT64, [2], [1, -1])
    graph.initializer.append(shape)
    graph.node.append(helper.make_node("Reshape", ["flat_audio", "batch_shape"], [name]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("out")
    parser.add_argument("--rename", nargs="*", default=[])
    parser.add_argument("--speed", choices=["int32", "int64"])
    parser.add_argument("--no-duration", action="store_true")
    parser.add_argument("--batch", action="store_true")
    args = parser.parse_args()

    model = onnx.load(args.source)
    if args.speed:
        whole_speed(model.graph, TensorProto.INT32 if args.speed == "int32" else TensorProto.INT64)
    if args.no_duration:
        kept = [o for o in model.graph.output if not o.name.startswith("duration")]
        del model.graph.output[:]
        model.graph.output.extend(kept)
    if args.batch:
        batch(model.graph)
    rename(model.graph, dict(pair.split("=") for pair in args.rename))
    onnx.save(model, args.out)


if __name__ == "__main__":
    main()
