"""What `.../metadata` answers, as plain values: for REST and for gRPC.

Both front ends build their answer from `signature_def_map`, so that they say
the same: REST prints it as JSON, gRPC turns it into a `SignatureDefMap`.
Nothing but this package's own types is imported here.
"""

from collections.abc import Mapping
from typing import Any

from keras_vae_serving.servable import Servable, Signature, TensorInfo

METHOD = "tensorflow/serving/predict"


def model_metadata(servable: Servable) -> dict[str, Any]:
    """Returns REST's whole answer, ready for JSON.

    Args:
        servable: The version that is asked about.
    """
    return {
        "model_spec": {
            "name": servable.name,
            # Protocol buffers write 64-bit integers as strings in JSON.
            "version": str(servable.version),
            "signature_name": "",
        },
        "metadata": {"signature_def": signature_def_map(servable.signatures)},
    }


def signature_def_map(signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """Returns `tensorflow.serving.SignatureDefMap` in its JSON form.

    Args:
        signatures: A servable's, by name.

    Returns:
        `{"signature_def": {name: {"inputs": ..., "outputs": ...}}}`. Sizes
        are strings, and -1 where a size is not fixed.
    """
    defined = {name: _signature(one) for name, one in signatures.items()}
    return {"signature_def": defined}


def _signature(signature: Signature) -> dict[str, Any]:
    return {
        "inputs": _tensors(signature.inputs),
        "outputs": _tensors(signature.outputs),
        "method_name": METHOD,
        "defaults": {},
    }


def _tensors(tensors: Mapping[str, TensorInfo]) -> dict[str, Any]:
    return {name: _tensor(info) for name, info in tensors.items()}


def _tensor(info: TensorInfo) -> dict[str, Any]:
    sizes = [-1 if size is None else size for size in info.shape or ()]
    return {
        "name": info.name,
        "dtype": info.dtype.name,
        "tensor_shape": {
            "dim": [{"size": str(size), "name": ""} for size in sizes],
            "unknown_rank": info.shape is None,
        },
    }
