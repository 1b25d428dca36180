"""The seeded stream as ONNX nodes.

The same bits as `keras_vae.random`, in operations of opset 18's default
domain without state or randomness. They are written node by node: a converter
would take the logarithm in float32.
"""

from collections import Counter
from typing import Any

import numpy as np

from keras_vae.random.checks import FIRST_UNIFORM_BLOCK
from keras_vae_export.noise import (
    NUM_ROUNDS,
    PARITY,
    ROTATIONS,
    Noise,
    num_blocks,
)
from keras_vae_export.signatures import BATCH

_PREFIX = "noise/"  # of every name within the graph
_Type = tuple[Any, list[int | str]]  # dtype and shape of an input or output


def noise_graph(spec: Noise) -> Any:
    """Returns the graph that draws the first samples of a seed's stream.

    Args:
        spec: What one sample takes.

    Returns:
        `onnx.GraphProto` of opset 18. Inputs: `num_samples` int32 scalar, at
        least 0, `seed` int64 scalar, `temperature` float32 scalar. Outputs:
        as `Noise` says, of `num_samples` rows.
    """
    graph = _Graph()
    count = graph("Cast", "num_samples", to=np.int64)
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    samples = graph("Unsqueeze", graph("Range", zero, count, one), _axis(graph))
    key = graph("Cast", "seed", to=np.uint64)
    outputs = _noise(graph, spec, key, samples, "temperature")
    inputs: dict[str, _Type] = {
        "num_samples": (np.int32, []),
        "seed": (np.int64, []),
        "temperature": (np.float32, []),
    }
    return graph.finish("noise", inputs, outputs, spec)


def noise_for_seeds_graph(spec: Noise) -> Any:
    """Returns the graph that draws the first sample of each of many seeds.

    Row n equals what `noise_graph` gives for one sample of seed n.

    Args:
        spec: What one sample takes.

    Returns:
        `onnx.GraphProto` of opset 18. Inputs: `seed` int64 and `temperature`
        float32, both of shape `(N,)`. Outputs: as `Noise` says, of N rows.
    """
    graph = _Graph()
    seeds = graph("Unsqueeze", "seed", _axis(graph))
    keys = graph("Cast", seeds, to=np.uint64)
    scales = graph("Unsqueeze", "temperature", _axis(graph))
    outputs = _noise(graph, spec, keys, None, scales)
    inputs: dict[str, _Type] = {
        "seed": (np.int64, [BATCH]),
        "temperature": (np.float32, [BATCH]),
    }
    return graph.finish("noise_for_seeds", inputs, outputs, spec)


class _Graph:
    """A graph in the making; a call adds a node and names its result."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[tuple[str, tuple[int, ...], bytes], Any] = {}
        self.counts: Counter[str] = Counter()

    def __call__(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        import onnx

        if "to" in attributes:
            attributes["to"] = _element_type(attributes["to"])
        name = f"{_PREFIX}{op_type}_{self.counts[op_type]}"
        self.counts[op_type] += 1
        node = onnx.helper.make_node(
            op_type, inputs, [name], name=name, **attributes
        )
        self.nodes.append(node)
        return name

    def constant(self, value: Any, dtype: Any) -> str:
        """Adds a constant, once for all of the same value."""
        import onnx

        array = np.asarray(value, dtype)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self.constants:
            name = f"{_PREFIX}constant_{len(self.constants)}"
            self.constants[key] = onnx.numpy_helper.from_array(array, name)
        return self.constants[key].name

    def finish(
        self,
        name: str,
        inputs: dict[str, _Type],
        outputs: dict[str, str],
        spec: Noise,
    ) -> Any:
        """Returns the graph; `outputs` holds the value behind each."""
        import onnx

        for output, value in outputs.items():
            node = onnx.helper.make_node("Identity", [value], [output], output)
            self.nodes.append(node)
        types: dict[str, _Type] = {
            "normals": (np.float32, [BATCH, spec.num_normals]),
            "choices": (np.int32, [BATCH, spec.num_choices]),
            "uniforms": (np.float32, [BATCH, spec.num_floats]),
        }
        return onnx.helper.make_graph(
            self.nodes,
            name,
            [_value_info(name, *inputs[name]) for name in inputs],
            [_value_info(name, *types[name]) for name in outputs],
            list(self.constants.values()),
        )


def _value_info(name: str, dtype: Any, shape: list[int | str]) -> Any:
    import onnx

    element = _element_type(dtype)
    return onnx.helper.make_tensor_value_info(name, element, shape)


def _element_type(dtype: Any) -> int:
    import onnx

    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def _axis(graph: _Graph, axis: int = 1) -> str:
    return graph.constant([axis], np.int64)


def _noise(
    graph: _Graph, spec: Noise, keys: str, samples: str | None, scales: str
) -> dict[str, str]:
    """Adds the nodes of `Noise`, and returns their results by name.

    `keys` and `scales` are columns or scalars, `samples` is a column. `None`
    stands for each key's first sample.
    """
    outputs = {}
    if spec.num_normals:
        words = _words(graph, spec.num_normals, keys, samples)
        pairs = _box_muller(graph, *words)
        normals = _interleave(graph, pairs, spec.num_normals)
        if spec.num_normals % 2:
            normals = _columns(graph, normals, 0, spec.num_normals)
        outputs["normals"] = graph("Mul", normals, scales)
    else:
        rows = graph("Shape", samples or keys)
        shape = graph("Mul", rows, graph.constant([1, 0], np.int64))
        outputs["normals"] = graph("ConstantOfShape", shape)
    if not spec.num_uniforms:
        return outputs
    words = _words(graph, spec.num_uniforms, keys, samples, FIRST_UNIFORM_BLOCK)
    bits = _interleave(graph, words, spec.num_uniforms)
    if spec.num_choices:
        chosen = _columns(graph, bits, 0, spec.num_choices)
        outputs["choices"] = _choices(graph, chosen, spec.thresholds)
    if spec.num_floats:
        rest = _columns(graph, bits, spec.num_choices, spec.num_uniforms)
        outputs["uniforms"] = _floats(graph, rest)
    return outputs


def _words(
    graph: _Graph,
    num_values: int,
    keys: str,
    samples: str | None,
    first_block: int = 0,
) -> tuple[str, str]:
    """Returns two uint32 tensors of shape `(N, num_blocks)`."""
    width = num_blocks(num_values)
    within = np.arange(width, dtype=np.uint64)[None] + np.uint64(first_block)
    counters = graph.constant(within, np.uint64)
    if samples is not None:
        # Most runtimes have no unsigned Range, hence the Cast.
        first = graph("Mul", samples, graph.constant(width, np.int64))
        counters = graph("Add", graph("Cast", first, to=np.uint64), counters)
    return _threefry(graph, keys, counters)


def _threefry(graph: _Graph, keys: str, counters: str) -> tuple[str, str]:
    """Enciphers uint64 counters under uint64 keys into two uint32 words."""
    low, high = _halves(graph, keys)
    mixed = graph("BitwiseXor", low, high)
    parity = graph.constant(PARITY, np.uint32)
    schedule = (low, high, graph("BitwiseXor", mixed, parity))
    x0, x1 = _halves(graph, counters)
    x0, x1 = graph("Add", x0, low), graph("Add", x1, high)
    for index in range(NUM_ROUNDS):
        x0 = graph("Add", x0, x1)
        rotated = _rotated(graph, x1, ROTATIONS[index % 8])
        x1 = graph("BitwiseXor", rotated, x0)
        if index % 4 == 3:
            turn = index // 4 + 1
            x0 = graph("Add", x0, schedule[turn % 3])
            number = graph.constant(turn, np.uint32)
            added = graph("Add", schedule[(turn + 1) % 3], number)
            x1 = graph("Add", x1, added)
    return x0, x1


def _halves(graph: _Graph, values: str) -> tuple[str, str]:
    """Splits uint64 values into their low and high 32 bits."""
    mask = graph.constant(0xFFFFFFFF, np.uint64)
    low = graph("BitwiseAnd", values, mask)
    high = _shifted(graph, values, "RIGHT", 32, np.uint64)
    return graph("Cast", low, to=np.uint32), graph("Cast", high, to=np.uint32)


def _rotated(graph: _Graph, word: str, left: int) -> str:
    return graph(
        "BitwiseOr",
        _shifted(graph, word, "LEFT", left),
        _shifted(graph, word, "RIGHT", 32 - left),
    )


def _shifted(
    graph: _Graph, bits: str, direction: str, by: int, dtype: Any = np.uint32
) -> str:
    amount = graph.constant(by, dtype)
    return graph("BitShift", bits, amount, direction=direction)


def _box_muller(graph: _Graph, bits1: str, bits2: str) -> tuple[str, str]:
    """Turns two words into two normals, in float64, then float32."""
    # r = sqrt(-2 ln u1), a = 2 pi u2, with u = (bits + 0.5) 2^-32
    u1, u2 = (
        _centred(graph, bits, 2.0**-32, np.float64) for bits in (bits1, bits2)
    )
    minus_two = graph.constant(-2.0, np.float64)
    radius = graph("Sqrt", graph("Mul", minus_two, graph("Log", u1)))
    angle = graph("Mul", graph.constant(2.0 * np.pi, np.float64), u2)
    first = graph("Mul", radius, graph("Cos", angle))
    second = graph("Mul", radius, graph("Sin", angle))
    return (
        graph("Cast", first, to=np.float32),
        graph("Cast", second, to=np.float32),
    )


def _floats(graph: _Graph, bits: str) -> str:
    """Turns bits into float32 strictly between 0 and 1, without rounding."""
    kept = _shifted(graph, bits, "RIGHT", 9)
    return _centred(graph, kept, 2.0**-23, np.float32)


def _centred(graph: _Graph, bits: str, step: float, dtype: Any) -> str:
    """Returns `(bits + 0.5) * step` in a float dtype."""
    floats = graph("Cast", bits, to=dtype)
    halfway = graph("Add", floats, graph.constant(0.5, dtype))
    return graph("Mul", halfway, graph.constant(step, dtype))


def _choices(graph: _Graph, bits: str, thresholds: np.ndarray) -> str:
    """Counts the thresholds that are at most the bits, by binary search.

    One sorted table holds all rows, 2^33 apart: so it is searched by a flat
    vector, and takes the memory of its values, however long it is.
    """
    num_choices, num_components = thresholds.shape
    offsets = np.arange(num_choices, dtype=np.uint64) << np.uint64(33)
    num_steps = max(1, thresholds.size.bit_length())
    table = np.full(2**num_steps - 1, num_choices * 2**33, np.uint64)
    shifted = thresholds.astype(np.uint64) + offsets[:, None]
    table[: thresholds.size] = shifted.ravel()
    entries = graph.constant(table, np.uint64)

    wide = graph("Cast", bits, to=np.uint64)
    wide = graph("Add", wide, graph.constant(offsets[None], np.uint64))
    wanted = graph("Reshape", wide, graph.constant([-1], np.int64))
    position = graph.constant(0, np.int64)  # entries known to be passed
    for step in (2**power for power in reversed(range(num_steps))):
        last = graph("Add", position, graph.constant(step - 1, np.int64))
        below = graph("Less", wanted, graph("Gather", entries, last, axis=0))
        passed = graph("Cast", graph("Not", below), to=np.int64)
        passed = graph("Mul", passed, graph.constant(step, np.int64))
        position = graph("Add", position, passed)
    shape = graph.constant([-1, num_choices], np.int64)
    before = np.arange(num_choices)[None] * num_components
    counts = graph(
        "Sub",
        graph("Reshape", position, shape),
        graph.constant(before, np.int64),
    )
    return graph("Cast", counts, to=np.int32)


def _interleave(graph: _Graph, words: tuple[str, str], num_values: int) -> str:
    """Joins two of `(N, width)` to `(N, 2 * width)`, alternating."""
    parts = [graph("Unsqueeze", word, _axis(graph, 2)) for word in words]
    pairs = graph("Concat", *parts, axis=2)
    shape = graph.constant([0, 2 * num_blocks(num_values)], np.int64)
    return graph("Reshape", pairs, shape)


def _columns(graph: _Graph, values: str, first: int, end: int) -> str:
    """Returns the columns from `first` up to `end`."""
    return graph(
        "Slice",
        values,
        _axis(graph, first),
        _axis(graph, end),
        _axis(graph),
    )
