"""Warm-up requests: what TensorFlow Serving runs before it takes traffic.

The file is a TFRecord of `tensorflow.serving.PredictionLog` messages. Their
definition stands here, in a descriptor pool of its own, so that the package
tensorflow-serving-api is neither needed nor disturbed where it is installed.
Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup.
"""

import functools
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from keras_vae_export import png
from keras_vae_export.reference import Arrays, Reference
from keras_vae_export.saved_model import names_of
from keras_vae_export.signatures import Signature

FILE = "assets.extra/tf_serving_warmup_requests"
_PACKAGE = "tensorflow.serving"
_INPUTS = "InputsEntry"
_TENSOR = "tensorflow.TensorProto"
# By message, its fields as TensorFlow Serving has them: number, name, type.
# Fields that a warm-up request leaves out are not listed.
_MESSAGES: dict[str, list[tuple[int, str, str]]] = {
    "ModelSpec": [(1, "name", "string"), (3, "signature_name", "string")],
    "PredictRequest": [
        (1, "model_spec", "ModelSpec"),
        (2, "inputs", f"PredictRequest.{_INPUTS}"),
    ],
    "PredictLog": [(1, "request", "PredictRequest")],
    "PredictionLog": [(6, "predict_log", "PredictLog")],
}


class WarmupRequest(NamedTuple):
    """One request of the file."""

    model: str
    signature: str  # its name in the SavedModel
    inputs: Arrays


def write(
    directory: pathlib.Path,
    model: str,
    signatures: Iterable[Signature],
    reference: Reference,
) -> None:
    """Writes a request of one row for each signature of a SavedModel.

    Those that take scalars have none: a server that batches refuses them,
    and does not load a version whose requests fail.

    Args:
        directory: The SavedModel.
        model: The name that it is served under.
        signatures: What it holds.
        reference: Its first examples are the requests' inputs.
    """
    import tensorflow as tf

    path = directory / FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(os.fspath(path)) as writer:
        for request in _requests(model, signatures, reference):
            writer.write(_serialized(request))


def read(directory: pathlib.Path) -> list[WarmupRequest]:
    """Reads what `write` wrote."""
    import tensorflow as tf

    records = tf.data.TFRecordDataset(os.fspath(directory / FILE))
    return [_parsed(record) for record in records.as_numpy_iterator()]


def _requests(
    model: str, signatures: Iterable[Signature], reference: Reference
) -> Iterator[WarmupRequest]:
    for signature in signatures:
        if not all(spec.shape for spec in signature.inputs):
            continue
        is_png = signature.name == png.SIGNATURE
        source = png.INPUTS_OF if is_png else signature.name
        inputs, _ = reference.first(source, 1)
        for name in names_of(signature):
            yield WarmupRequest(model, name, inputs)


def _serialized(request: WarmupRequest) -> bytes:
    import tensorflow as tf

    log = _message_class("PredictionLog")()
    predict = log.predict_log.request
    predict.model_spec.name = request.model
    predict.model_spec.signature_name = request.signature
    for name, value in request.inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        predict.inputs[name].ParseFromString(tensor)
    return log.SerializeToString(deterministic=True)


def _parsed(record: bytes) -> WarmupRequest:
    import tensorflow as tf

    log = _message_class("PredictionLog").FromString(record)
    predict = log.predict_log.request
    inputs = {
        name: tf.io.parse_tensor(
            tensor.SerializeToString(), tf.as_dtype(tensor.dtype)
        ).numpy()
        for name, tensor in predict.inputs.items()
    }
    spec = predict.model_spec
    return WarmupRequest(spec.name, spec.signature_name, inputs)


@functools.cache
def _message_class(name: str) -> Any:
    from google.protobuf import descriptor_pool, message_factory
    from tensorflow.core.framework import tensor_pb2

    pool = descriptor_pool.DescriptorPool()
    _add_with_dependencies(pool, tensor_pb2.DESCRIPTOR, set())
    pool.Add(_file(tensor_pb2.DESCRIPTOR.name))
    found = pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
    return message_factory.GetMessageClass(found)


def _add_with_dependencies(pool: Any, file: Any, added: set[str]) -> None:
    """Copies a file's definitions, those it builds on first."""
    if file.name not in added:
        added.add(file.name)
        for dependency in file.dependencies:
            _add_with_dependencies(pool, dependency, added)
        pool.AddSerializedFile(file.serialized_pb)


def _file(tensor_file: str) -> Any:
    """Returns the definitions of `_MESSAGES`."""
    from google.protobuf import descriptor_pb2

    file = descriptor_pb2.FileDescriptorProto(
        name="keras_vae_export/warmup.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[tensor_file],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            _add_field(message, *field)
        if name == "PredictRequest":
            entry = message.nested_type.add(name=_INPUTS)
            entry.options.map_entry = True
            _add_field(entry, 1, "key", "string")
            _add_field(entry, 2, "value", _TENSOR)
    return file


def _add_field(message: Any, number: int, name: str, type_name: str) -> None:
    field = message.field.add(name=name, number=number)
    is_map = type_name.endswith(_INPUTS)
    field.label = field.LABEL_REPEATED if is_map else field.LABEL_OPTIONAL
    if type_name == "string":
        field.type = field.TYPE_STRING
        return
    field.type = field.TYPE_MESSAGE
    is_tensor = type_name == _TENSOR
    field.type_name = (
        f".{type_name if is_tensor else f'{_PACKAGE}.{type_name}'}"
    )
