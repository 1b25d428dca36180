"""How to call an exported model: code to copy, made from its signatures."""

import json
from collections.abc import Mapping
from typing import Any

Record = dict[str, Any]

NUM_EXAMPLES = 4
SEED = 7
# What a value holds in the examples, by its name; zeros else.
_VALUES: dict[str, Any] = {
    "num_samples": NUM_EXAMPLES,
    "seed": SEED,
    "temperature": 1.0,
}


def usage(signatures: Mapping[str, Any]) -> dict[str, str]:
    """Returns examples by what runs them.

    Args:
        signatures: By name, what `manifest.json` holds of each.

    Returns:
        Of `"serving"` and `"png"` (bodies of a request to TensorFlow
        Serving), `"tensorflow"` and `"onnx"` (Python) those that there are.
    """
    saved = _in(signatures, "tf_saved_model")
    onnx = _in(signatures, "onnx")
    found = {}
    if "generate_rows" in saved:
        found["serving"] = _request("generate_rows", saved)
    if "generate_png" in saved:
        found["png"] = _request("generate_png", saved)
    if "generate" in saved:
        found["tensorflow"] = _tensorflow("generate", saved)
    if {"generate", "decode"} <= set(onnx):
        found["onnx"] = _onnx(onnx)
    return found


def _in(signatures: Mapping[str, Any], format: str) -> dict[str, Record]:
    return {
        name: one for name, one in signatures.items() if format in one["files"]
    }


def _request(name: str, signatures: Mapping[str, Record]) -> str:
    """The body of a request of TensorFlow Serving's REST API, for one row."""
    inputs = signatures[name]["inputs"]
    row = {spec["name"]: _row(spec) for spec in inputs}
    instance = row if len(inputs) > 1 else next(iter(row.values()))
    return json.dumps({"signature_name": name, "instances": [instance]})


def _row(spec: Record) -> Any:
    """One row of an input, as JSON."""
    value: Any = _VALUES.get(spec["name"], 0.0)
    for size in reversed(spec["shape"][1:]):
        value = [value] * size
    return value


def _tensorflow(name: str, signatures: Mapping[str, Record]) -> str:
    """Runs a signature of the SavedModel in Python."""
    inputs = "\n".join(
        f"    {spec['name']}={_tensor(spec)},"
        for spec in signatures[name]["inputs"]
    )
    return (
        "import tensorflow as tf\n\n"
        'model = tf.saved_model.load(".")\n'
        f'outputs = model.signatures["{name}"](\n{inputs}\n)\n'
        'print(outputs["x"].shape)'
    )


def _tensor(spec: Record) -> str:
    dtype = f"tf.{spec['dtype']}"
    if spec["shape"]:
        return f"tf.zeros({_sizes(spec)}, {dtype})"
    return f"tf.constant({_VALUES[spec['name']]}, {dtype})"


def _onnx(signatures: Mapping[str, Record]) -> str:
    """Runs `generate`, and `decode` of the latents that it returns."""
    generate, decode = signatures["generate"], signatures["decode"]
    drawn = "\n".join(
        f'        "{spec["name"]}": {_array(spec)},'
        for spec in generate["inputs"]
    )
    again = ", ".join(
        f'"{spec["name"]}": {"z" if spec["name"] == "z" else _array(spec)}'
        for spec in decode["inputs"]
    )
    return (
        "import numpy as np\nimport onnxruntime\n\n"
        f'generate = onnxruntime.InferenceSession("{_file(generate)}")\n'
        f'x, z = generate.run(\n    ["x", "z"],\n    {{\n{drawn}\n    }},\n)\n'
        f'decode = onnxruntime.InferenceSession("{_file(decode)}")\n'
        f'(again,) = decode.run(["x"], {{{again}}})\n'
        "print(x.shape, np.abs(x - again).max())"
    )


def _file(signature: Record) -> str:
    return signature["files"]["onnx"]


def _array(spec: Record) -> str:
    if spec["shape"]:
        return f'np.zeros({_sizes(spec)}, "{spec["dtype"]}")'
    return f'np.array({_VALUES[spec["name"]]}, "{spec["dtype"]}")'


def _sizes(spec: Record) -> str:
    """The shape of an input with the examples' batch, as Python has it."""
    return repr((NUM_EXAMPLES, *spec["shape"][1:]))
