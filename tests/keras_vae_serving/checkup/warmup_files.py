"""Warm-up requests as TensorFlow Serving reads them, by hand."""

import struct

from keras_vae_serving.rpc import tensors
from keras_vae_serving.rpc.messages import PredictRequest


def request(signature, inputs):
    """A `PredictionLog` message of one prediction."""
    message = PredictRequest()
    message.model_spec.signature_name = signature
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tensors.to_proto(value))
    return field(6, field(1, message.SerializeToString()))


def field(number, content):
    """A field of protocol buffers that holds a message."""
    return varint(number * 8 + 2) + varint(len(content)) + content


def varint(value):
    groups = []
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def records(*messages):
    """A TFRecord file; its checksums are left at zero."""
    parts = [struct.pack("<QI", len(m), 0) + m + bytes(4) for m in messages]
    return b"".join(parts)
