"""The messages, against those of tensorflow-serving-api."""

import base64
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest
from google.protobuf import text_format

from keras_vae_serving.rpc import messages

pytestmark = pytest.mark.once

# Made with tensorflow-serving-api 2.21 and grpcio-health-checking 1.85: each
# message with a value in every field, its bytes, and its text.
RECORDED = [
    json.loads(line)
    for line in (pathlib.Path(__file__).parent / "recorded/messages.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


@pytest.mark.parametrize(
    "recorded", RECORDED, ids=[one["message"] for one in RECORDED]
)
def test_bytes_are_those_of_tensorflow_serving(recorded):
    data = base64.b64decode(recorded["bytes"])
    message = messages.message_class(recorded["message"]).FromString(data)
    shown = text_format.MessageToString(message, as_utf8=True)
    assert shown == recorded["text"]
    assert message.SerializeToString(deterministic=True) == data


def test_every_message_and_field_is_compared():
    named = {one["message"] for one in RECORDED}
    filled = set()
    for one in RECORDED:
        message = messages.message_class(one["message"])
        read = message.FromString(base64.b64decode(one["bytes"]))
        _collect(read, filled)
    defined = set()
    for path in messages.DIRECTORY.glob("*.proto"):
        file = messages.POOL.FindFileByName(path.name)
        for descriptor in file.message_types_by_name.values():
            _define(descriptor, named, defined)
    assert defined == filled


def _define(descriptor, named, defined):
    assert descriptor.full_name in named
    defined |= {field.full_name for field in descriptor.fields}
    for nested in descriptor.nested_types:
        if not nested.GetOptions().map_entry:
            _define(nested, named, defined)


def _collect(message, filled):
    for field, value in message.ListFields():
        filled.add(field.full_name)
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            within = value.values()
        else:
            within = [value] if hasattr(value, "ListFields") else value
        for one in within:
            if hasattr(one, "ListFields"):
                _collect(one, filled)


def test_unknown_fields_are_kept():
    data = messages.PredictRequest().SerializeToString() + b"\x32\x01x"
    assert messages.PredictRequest.FromString(data).ByteSize() == len(data)


def test_words_of_data_types():
    words = {number: messages.data_type_word(number) for number in (1, 14, 20)}
    assert words == {1: "float", 14: "bfloat16", 20: "resource"}
    for number in (0, -1, 99, 101):
        assert messages.data_type_word(number) is None


def test_unknown_message():
    with pytest.raises(KeyError, match=r"tensorflow\.Nothing"):
        messages.message_class("tensorflow.Nothing")


OURS = "from keras_vae_serving.rpc import messages, services"
THEIRS = {
    "tensorflow": "from tensorflow.core.framework import tensor_pb2",
    "tensorflow_serving": (
        "from tensorflow_serving.apis import predict_pb2, model_service_pb2\n"
        "from tensorflow.core.framework import tensor_pb2"
    ),
}
USED = """
theirs = tensor_pb2.TensorProto(dtype=1, float_val=[1.5])
ours = messages.TensorProto.FromString(theirs.SerializeToString())
assert ours.float_val[:] == [1.5]
assert type(ours) is not type(theirs)
back = tensor_pb2.TensorProto.FromString(ours.SerializeToString())
assert back == theirs
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("package", THEIRS)
def test_beside_tensorflow_in_both_orders(package, first):
    if importlib.util.find_spec(package) is None:
        pytest.skip(
            f"{package} is not installed: there is nothing to be beside."
        )
    imports = [OURS, THEIRS[package]]
    if first == "theirs":
        imports.reverse()
    program = "\n".join([*imports, USED])
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_neither_is_needed():
    program = (
        f"import sys\n{OURS}\n"
        "foreign = ('tensorflow', 'tensorflow_serving', 'keras', "
        "'onnxruntime')\n"
        "assert not any(name in sys.modules for name in foreign)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
