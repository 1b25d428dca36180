"""A version directory's ONNX files, loaded: what the server runs."""

import pathlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from keras_vae_serving import dtypes
from keras_vae_serving.servable import (
    DEFAULT_SIGNATURE,
    Arrays,
    Outputs,
    Signature,
    TensorInfo,
)
from keras_vae_serving.store import manifest, png
from keras_vae_serving.store.manifest import GraphEntry, Tensor
from keras_vae_serving.store.onnx_graph import OnnxGraph

_DEFAULT = "decode"
_PNG, _PNG_OUTPUT = "generate_png", "image_bytes"
_PNG_SOURCE, _PNG_INPUT = "generate_rows", "x"  # What PNGs are made of.


class _Function(NamedTuple):
    """What a signature is, and what computes it."""

    signature: Signature
    run: Callable[[Arrays], Outputs]


class OnnxServable:
    """One version of a model, on onnxruntime; see `Servable`.

    Args:
        name: The model's.
        version: Its number.
        entries: By signature, what the manifest says of it.
        graphs: By signature, what computes it.
    """

    def __init__(
        self,
        name: str,
        version: int,
        entries: Mapping[str, GraphEntry],
        graphs: Mapping[str, OnnxGraph],
    ) -> None:
        self.name = name
        self.version = version
        self._functions = _functions(entries, graphs)
        self.signatures: Mapping[str, Signature] = {
            key: one.signature for key, one in self._functions.items()
        }

    def run(self, signature: str, inputs: Arrays) -> Outputs:
        """Computes a signature; see `Servable.run`."""
        return self._functions[signature].run(inputs)

    def close(self) -> None:
        """Frees the graphs."""
        self._functions.clear()


def load(
    directory: pathlib.Path, name: str, version: int, num_threads: int = 1
) -> OnnxServable:
    """Loads a version directory, and runs each signature once.

    Args:
        directory: The version directory.
        name: The model's name.
        version: Its number.
        num_threads: How many threads one run uses. More than one helps
            large models at the cost of other requests.

    Raises:
        ServingError: if it is not what `keras-vae export` wrote, or does
            not run.
    """
    entries = manifest.read(directory)
    graphs = {}
    for signature, entry in entries.items():
        content = manifest.read_file(directory, entry.file)
        graph = OnnxGraph(signature, entry, content, num_threads)
        # The first run is slow, and a graph that cannot run at all is not
        # to take the place of one that does.
        graph.warm_up()
        graphs[signature] = graph
    return OnnxServable(name, version, entries, graphs)


def _functions(
    entries: Mapping[str, GraphEntry], graphs: Mapping[str, OnnxGraph]
) -> dict[str, _Function]:
    found = {
        name: _Function(_signature(name, entry), graphs[name].run)
        for name, entry in entries.items()
    }
    source = entries.get(_PNG_SOURCE)
    if source is not None and _draws_images(source):
        found[_PNG] = _png_function(source, graphs[_PNG_SOURCE])
    default = _DEFAULT if _DEFAULT in entries else next(iter(entries))
    function = _Function(
        _signature(DEFAULT_SIGNATURE, entries[default]), graphs[default].run
    )
    return {**found, DEFAULT_SIGNATURE: function}


def _draws_images(entry: GraphEntry) -> bool:
    x = entry.outputs.get(_PNG_INPUT)
    return x is not None and png.is_image_shape(x.shape)


def _png_function(source: GraphEntry, graph: OnnxGraph) -> _Function:
    images = Tensor(dtypes.BY_NAME["DT_STRING"], (None,))
    entry = source._replace(outputs={_PNG_OUTPUT: images})

    def run(inputs: Arrays) -> Outputs:
        return {_PNG_OUTPUT: png.encode(graph.run(inputs)[_PNG_INPUT])}

    return _Function(_signature(_PNG, entry), run)


def _signature(name: str, entry: GraphEntry) -> Signature:
    return Signature(_infos(name, entry.inputs), _infos(name, entry.outputs))


def _infos(
    signature: str, tensors: Mapping[str, Tensor]
) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(one.dtype, one.shape, f"{signature}_{name}:0")
        for name, one in tensors.items()
    }
