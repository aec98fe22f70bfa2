"""Take an optimized graph apart into its operators; and make the table of what was counted.

python operators.py split OPTIMIZED.onnx FOLDER      for each operator, a model and its inputs
python operators.py table [--json OUT] CPU=WORK...   the table of the counts in each folder WORK

A folder WORK holds optimized.onnx, operators/, whole.txt and operators.txt: what the guest's runs
printed.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

MILLION = 1e6
WEIGHTS = {"QLinearConv": 3, "Conv": 1, "FusedConv": 1}
HEAD = {"QGemm", "Gemm", "MatMul", "FusedGemm"}
AVERAGES = {"ReduceMean", "GlobalAveragePool", "DequantizeLinear", "Transpose"}


def split(optimized: Path, folder: Path) -> None:
    """Write number.onnx and number.npz for each operator, with the inputs that one tile gives."""
    model = onnx.load(optimized)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    values = _values(model)
    folder.mkdir()
    for number, node in enumerate(graph.node):
        inputs = [name for name in dict.fromkeys(node.input) if name and name not in constants]
        alone = helper.make_graph(
            [node],
            "operator",
            [_described(name, values[name]) for name in inputs],
            [_described(name, values[name]) for name in node.output if name],
            [constants[name] for name in dict.fromkeys(node.input) if name in constants],
        )
        made = helper.make_model(
            alone, opset_imports=model.opset_import, ir_version=model.ir_version
        )
        onnx.save(made, folder / f"{number:03}.onnx")
        np.savez(folder / f"{number:03}.npz", **{name: values[name] for name in inputs})


def _values(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    known = {output.name for output in model.graph.output}
    inner = [name for node in model.graph.node for name in node.output if name not in known | {""}]
    opened.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in inner)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        opened.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    shape = [size if isinstance(size, int) else 1 for size in session.get_inputs()[0].shape]
    tiles = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    names = [output.name for output in session.get_outputs()]
    return {"tiles": tiles, **dict(zip(names, session.run(names, {"tiles": tiles}), strict=True))}


def _described(name: str, value: np.ndarray) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    return helper.make_tensor_value_info(name, kind, value.shape)


def kind_of(model: onnx.ModelProto) -> tuple[str, int]:
    """The row of the table that a model of one operator belongs to, and its multiply-adds."""
    (node,) = model.graph.node
    if node.op_type not in WEIGHTS:
        if "Add" in node.op_type:
            return "residual additions", 0
        if node.op_type in HEAD:
            return "hash head", 0
        return ("averages of the scales" if node.op_type in AVERAGES else "the rest"), 0
    name = node.input[WEIGHTS[node.op_type]]
    (weights,) = [tensor for tensor in model.graph.initializer if tensor.name == name]
    _, channels, height, width = numpy_helper.to_array(weights).shape
    size = np.prod([item.dim_value for item in model.graph.output[0].type.tensor_type.shape.dim])
    groups = next((item.i for item in node.attribute if item.name == "group"), 1)
    if groups > 1:
        kind = f"depthwise {height} x {width}"
    elif height == width == 1:
        kind = "pointwise convolutions"
    else:
        kind = "stem"
    return kind, int(size) * channels * height * width


def read_counts(path: Path) -> list[int]:
    """Instructions between each even label and the next, in order."""
    counts = {}
    for line in path.read_text().splitlines():
        if line.startswith("count "):
            _, label, count = line.split()
            counts[int(label)] = int(count)
    return [counts[label + 1] - counts[label] for label in range(0, len(counts), 2)]


def table(work: Path) -> tuple[float, dict[str, dict[str, float]]]:
    """Million instructions of one tile, and by row: instructions, multiply-adds, both in millions.

    What a run of any operator alone costs, in Python and in onnxruntime, is taken off each.
    """
    (whole,) = read_counts(work / "whole.txt")
    counts = read_counts(work / "operators.txt")
    call = min(counts)
    rows: dict[str, dict[str, float]] = {}
    for path, count in zip(sorted((work / "operators").glob("*.onnx")), counts, strict=True):
        kind, products = kind_of(onnx.load(path))
        row = rows.setdefault(kind, {"operators": 0, "instructions": 0.0, "multiply_adds": 0.0})
        row["operators"] += 1
        row["instructions"] += (count - call) / MILLION
        row["multiply_adds"] += products / MILLION
    return whole / MILLION, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    splitting = commands.add_parser("split")
    splitting.add_argument("optimized", type=Path)
    splitting.add_argument("folder", type=Path)
    showing = commands.add_parser("table")
    showing.add_argument("--json", type=Path)
    showing.add_argument("work", nargs="+", metavar="CPU=WORK")
    arguments = parser.parse_args()
    if arguments.command == "split":
        split(arguments.optimized, arguments.folder)
        return
    found = {}
    for item in arguments.work:
        cpu, _, work = item.partition("=")
        found[cpu] = table(Path(work))
    if arguments.json:
        document = {
            cpu: {"million_instructions_a_tile": whole, "operators": rows}
            for cpu, (whole, rows) in found.items()
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    kinds = dict.fromkeys(kind for _, rows in found.values() for kind in rows)
    first = next(iter(found.values()))[1]
    kinds = sorted(kinds, key=lambda kind: -first.get(kind, {}).get("instructions", 0))
    print(f"| {'million instructions a tile':27} | {' | '.join(f'{cpu:>10}' for cpu in found)} |")
    print(f"| {'-' * 27} | {' | '.join('-' * 10 for _ in found)} |")
    print(f"| {'the whole':27} | {' | '.join(f'{whole:10.1f}' for whole, _ in found.values())} |")
    for kind in kinds:
        cells = [rows.get(kind, {}).get("instructions", 0.0) for _, rows in found.values()]
        print(f"| {kind:27} | {' | '.join(f'{cell:10.1f}' for cell in cells)} |")


if __name__ == "__main__":
    main()
