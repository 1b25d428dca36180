"""Predict: a request's inputs, and the answer with its outputs.

The checks come in TensorFlow Serving's order and words; shapes are left to
`ModelServer.predict`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_vae_serving.beside import Beside
from keras_vae_serving.model_server import ModelServer
from keras_vae_serving.rpc import calls, model_spec, tensors
from keras_vae_serving.rpc.messages import (
    PredictRequest,
    PredictResponse,
    data_type_word,
)
from keras_vae_serving.servable import (
    DEFAULT_SIGNATURE,
    Outputs,
    Servable,
    Signature,
    TensorInfo,
)
from keras_vae_serving.status import Code, ServingError, invalid


async def answer(
    server: ModelServer,
    data: bytes,
    deadline: float | None,
    max_bytes: int,
    beside: Beside,
) -> bytes:
    """Returns the `PredictResponse` to a `PredictRequest`, as bytes.

    Args:
        server: Computes it.
        data: The request's bytes.
        deadline: In seconds of `time.monotonic()`; `None` for none.
        max_bytes: What the inputs' arrays may take together.
        beside: Where large tensors are read and written.

    Raises:
        ServingError: if the request cannot be answered.
    """
    size = len(data)
    request = await beside.run(size, calls.parse, PredictRequest, data)
    spec = model_spec.read(model_spec.required(request))
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    with server.acquire(spec) as servable:
        signature = servable.signatures.get(name)
        if signature is None:
            raise ServingError(
                Code.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found.',
            )
        inputs = await beside.run(
            size, _read_inputs, signature, request.inputs, max_bytes
        )
        aliases = _read_filter(signature, request.output_filter)
        _check_dtypes(signature, request.inputs)
        outputs = await server.predict(servable, name, inputs, deadline)
        written = sum(one.nbytes for one in outputs.values())
        return await beside.run(
            written, _response, servable, name, outputs, aliases
        )


def _read_inputs(
    signature: Signature, sent: Mapping[str, Any], max_bytes: int
) -> dict[str, np.ndarray]:
    """Reads the inputs but those of a wrong type: `_check_dtypes` refuses."""
    _check_names(signature.inputs, sent)
    inputs = {}
    for name in sorted(signature.inputs):
        number = sent[name].dtype
        is_other = number != signature.inputs[name].dtype.number
        if is_other and data_type_word(number):
            continue
        try:
            inputs[name] = tensors.to_array(sent[name], max_bytes)
        except ValueError as error:
            raise invalid(f"tensor parsing error: {name}: {error}") from error
        max_bytes -= inputs[name].nbytes
    return inputs


def _check_names(
    wanted: Mapping[str, TensorInfo], sent: Mapping[str, Any]
) -> None:
    extra = sent.keys() - wanted.keys()
    missing = wanted.keys() - sent.keys()
    if len(sent) != len(wanted):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(wanted)}"
            f" len({_shown(sent)}) != len({_shown(wanted)}). Sent extra: "
            f"{_shown(extra)}. Missing but required: {_shown(missing)}."
        )
    if missing:
        name = min(missing)
        raise invalid(
            f"Signature input alias: {name}(feed name: {wanted[name].name}) "
            "not found in request and no default value provided. Inputs "
            f"expected to be in the request {_shown(sent)}, or default input "
            "alias set: "
        )


def _read_filter(signature: Signature, names: Sequence[str]) -> list[str]:
    """Returns the names of the outputs to answer: all if none is asked for."""
    aliases: list[str] = []
    for name in names:
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs "
                f"expected to be in the set {_shown(signature.outputs)}."
            )
        if name in aliases:
            raise invalid(f"duplicate output tensor alias: {name}")
        aliases.append(name)
    return aliases or list(signature.outputs)


def _check_dtypes(signature: Signature, sent: Mapping[str, Any]) -> None:
    for position, name in enumerate(sorted(signature.inputs)):
        dtype = signature.inputs[name].dtype
        if sent[name].dtype != dtype.number:
            raise invalid(
                f"Expects arg[{position}] to be {dtype.word} but "
                f"{data_type_word(sent[name].dtype)} is provided"
            )


def _response(
    servable: Servable, signature: str, outputs: Outputs, aliases: list[str]
) -> bytes:
    response = PredictResponse()
    infos = servable.signatures[signature].outputs
    for name in aliases:
        tensor = tensors.to_proto(outputs[name], infos[name].dtype)
        response.outputs[name].CopyFrom(tensor)
    spec = response.model_spec
    spec.name = servable.name
    spec.version.value = servable.version
    spec.signature_name = signature
    return response.SerializeToString()


def _shown(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
