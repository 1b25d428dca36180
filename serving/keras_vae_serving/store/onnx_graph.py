"""One signature's ONNX file, loaded in onnxruntime."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from keras_vae_serving.servable import Arrays, Outputs
from keras_vae_serving.status import Code, ServingError, invalid
from keras_vae_serving.store.manifest import GraphEntry, Tensor

_COUNT = "num_samples"  # The input that says how many rows come out.
_TYPES = {
    "DT_FLOAT": "tensor(float)",
    "DT_INT32": "tensor(int32)",
    "DT_INT64": "tensor(int64)",
}
# Where data would be looked for that a file keeps in others: nowhere.
_NO_FOLDER = "session.model_external_initializers_file_folder_path"
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_NO_MEMORY = re.compile(r"failed to allocate memory|bad_alloc", re.IGNORECASE)


class OnnxGraph:
    """Computes one signature; `run` may be called from several threads.

    Args:
        name: The signature's, for messages.
        entry: What the manifest says of it.
        content: The ONNX file.
        num_threads: How many threads one call of `run` uses.

    Raises:
        ServingError: INVALID_ARGUMENT if onnxruntime refuses the file, or
            its inputs and outputs are not those of the manifest.
    """

    def __init__(
        self, name: str, entry: GraphEntry, content: bytes, num_threads: int
    ) -> None:
        self._name = name
        self._entry = entry
        self._outputs = list(entry.outputs)
        count = entry.inputs.get(_COUNT)
        self._counted = count is not None and count.shape == ()
        try:
            self._session = onnxruntime.InferenceSession(
                content,
                _options(num_threads),
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # onnxruntime's own have no common base.
            raise invalid(
                f"`{entry.file.path}` must be an ONNX file that onnxruntime "
                f"{onnxruntime.__version__} can load. Received one that it "
                f"refuses: {_reason(error)} Export the version again."
            ) from error
        self._check("inputs", self._session.get_inputs(), entry.inputs)
        self._check("outputs", self._session.get_outputs(), entry.outputs)

    def run(self, inputs: Arrays) -> Outputs:
        """Computes the outputs, by name.

        No rows are answered without onnxruntime, which ends its process
        where a GRU or an LSTM is given an empty batch.

        Args:
            inputs: Every input by name, of the manifest's dtypes.

        Raises:
            ServingError: INVALID_ARGUMENT if the graph refuses the inputs;
                RESOURCE_EXHAUSTED if memory does not suffice; INTERNAL if
                it fails for another reason.
        """
        if self._num_rows(inputs) == 0:
            return _zeros(self._entry.outputs, 0)
        try:
            values = self._session.run(self._outputs, inputs)
        except Exception as error:  # onnxruntime's own have no common base.
            raise self._error(error) from error
        return dict(zip(self._outputs, values, strict=True))

    def warm_up(self) -> None:
        """Runs one row of zeros, which takes longer the first time.

        Raises:
            ServingError: as `run`; INVALID_ARGUMENT if an output does not
                have the shape that the manifest gives it.
        """
        inputs = _zeros(self._entry.inputs, 1)
        if self._counted:
            inputs[_COUNT] += 1
        found = {k: [*v.shape] for k, v in self.run(inputs).items()}
        wanted = {k: _filled(v, 1) for k, v in self._entry.outputs.items()}
        if found != wanted:
            raise invalid(
                f"`{self._entry.file.path}` must give the shapes of the "
                f"manifest, for one row {wanted}. Received: {found}. Export "
                "the version again."
            )

    def _num_rows(self, inputs: Arrays) -> int | None:
        """The size of the batch; `None` if there is no such axis.

        A batch axis of size 1 would be stretched by the graph to that of
        another input, so all must be equal.
        """
        sizes = set()
        for name, tensor in self._entry.inputs.items():
            shape = inputs[name].shape
            if not _fits(shape, tensor.shape):
                raise invalid(
                    f"Input {name} of {self._name} must have shape "
                    f"{_shown(tensor.shape)}. Received: {_shown(shape)}"
                )
            sizes.update(_batch_sizes(shape, tensor.shape))
        if self._counted:
            sizes.add(max(int(inputs[_COUNT]), 0))
        if len(sizes) > 1:
            raise invalid(
                f"The inputs of {self._name} must have equally many rows. "
                f"Received: {sorted(sizes)}"
            )
        return sizes.pop() if sizes else None

    def _error(self, error: Exception) -> ServingError:
        message = f"{self._name} failed: {_reason(error)}"
        if _NO_MEMORY.search(str(error)) or isinstance(error, MemoryError):
            return ServingError(Code.RESOURCE_EXHAUSTED, message)
        if type(error).__name__ == "InvalidArgument":
            return invalid(message)
        return ServingError(Code.INTERNAL, message)

    def _check(
        self, side: str, found: Sequence[Any], wanted: Mapping[str, Tensor]
    ) -> None:
        types = {one.name: one.type for one in found}
        ranks = {one.name: len(one.shape) for one in found}
        expected_types = {k: _TYPES[v.dtype.name] for k, v in wanted.items()}
        expected_ranks = {k: len(v.shape) for k, v in wanted.items()}
        if (types, ranks) != (expected_types, expected_ranks):
            raise invalid(
                f"`{self._entry.file.path}` must have the {side} of the "
                f"manifest: {_described(expected_types, expected_ranks)}. "
                f"Received: {_described(types, ranks)}. Export the version "
                "again."
            )


def _options(num_threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # What fails is raised as an error.
    # Both keep memory for every size of batch that ever came; without them
    # small graphs are as fast, and memory stays flat.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry(_NO_FOLDER, os.devnull)
    return options


def _fits(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == found
        for size, found in zip(wanted, shape, strict=True)
    )


def _batch_sizes(
    shape: Sequence[int], wanted: Sequence[int | None]
) -> list[int]:
    pairs = zip(shape, wanted, strict=True)
    return [found for found, size in pairs if size is None]


def _zeros(
    tensors: Mapping[str, Tensor], num_rows: int
) -> dict[str, np.ndarray]:
    return {
        name: np.zeros(_filled(tensor, num_rows), tensor.dtype.numpy)
        for name, tensor in tensors.items()
    }


def _filled(tensor: Tensor, num_rows: int) -> list[int]:
    return [num_rows if size is None else size for size in tensor.shape]


def _shown(shape: Sequence[int | None]) -> str:
    return str([-1 if size is None else size for size in shape])


def _described(types: Mapping[str, str], ranks: Mapping[str, int]) -> str:
    parts = [f"{name} {types[name]} of rank {ranks[name]}" for name in types]
    return ", ".join(parts) or "none"


def _reason(error: Exception) -> str:
    """What onnxruntime says, as one short sentence."""
    text = " ".join(_PREFIX.sub("", str(error)).split())[:300].rstrip(".")
    return f"{text or type(error).__name__}."
