"""Counts of a graph's operations, for what was converted and what was not."""

import collections
from collections.abc import Iterable
from typing import Any, NamedTuple

from keras_vae_export.canonical import nodes_of

_WITH_WEIGHTS = (
    "Conv",
    "ConvTranspose",
    "Einsum",
    "GRU",
    "Gemm",
    "LSTM",
    "MatMul",
    "RNN",
)


class Counts(NamedTuple):
    """How many operations of each type were converted, and how many not."""

    converted: dict[str, int]
    kept_in_float32: dict[str, int]


def count(types: Iterable[str]) -> dict[str, int]:
    """Counts names, in alphabetical order."""
    return dict(sorted(collections.Counter(types).items()))


def types_of(model: Any) -> list[str]:
    """Returns the operations of an ONNX model, those of its bodies too."""
    return [node.op_type for node in nodes_of(model.graph)]


def weighted_types_of(model: Any) -> list[str]:
    """Returns the operations that multiply by weights, in float32."""
    return [name for name in types_of(model) if name in _WITH_WEIGHTS]
