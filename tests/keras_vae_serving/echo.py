"""The servable of the recorded answers, and a server that holds two of it.

What `echo` computes is told beside the recordings, in contract/README.md.
"""

import contextlib

import numpy as np

from keras_vae_serving import dtypes
from keras_vae_serving.model_server import ModelSpec, State, VersionStatus
from keras_vae_serving.servable import Signature, TensorInfo
from keras_vae_serving.status import Code, ServingError

_ECHOED = {
    "f32": "DT_FLOAT",
    "f64": "DT_DOUBLE",
    "i8": "DT_INT8",
    "u8": "DT_UINT8",
    "i16": "DT_INT16",
    "u16": "DT_UINT16",
    "i32": "DT_INT32",
    "u32": "DT_UINT32",
    "i64": "DT_INT64",
    "u64": "DT_UINT64",
    "b": "DT_BOOL",
    "s": "DT_STRING",
    "f16": "DT_HALF",
    "bf16": "DT_BFLOAT16",
    "c64": "DT_COMPLEX64",
}


def _tensors(signature, **tensors):
    return {
        name: TensorInfo(dtypes.BY_NAME[dtype], shape, f"{signature}_{name}:0")
        for name, (dtype, shape) in tensors.items()
    }


def _signature(name, inputs, outputs):
    return Signature(_tensors(name, **inputs), _tensors(name, **outputs))


def _signatures():
    rows = ("DT_FLOAT", (None,))
    table = {
        "serving_default": ({"x": rows}, {"y": rows}),
        "bytes_out": (
            {"x": ("DT_STRING", (None,))},
            {"y_bytes": ("DT_STRING", (None,))},
        ),
        "two_in": (
            {"a": ("DT_FLOAT", (None, 2)), "n": ("DT_INT64", (None,))},
            {"sum": rows, "n2": ("DT_INT64", (None,))},
        ),
        "scalar_in": (
            {"k": ("DT_INT32", ()), "t": ("DT_FLOAT", ())},
            {"r": rows},
        ),
        "scalar_out": ({"x": rows}, {"mean": ("DT_FLOAT", ())}),
        "uneven_out": ({"x": rows}, {"a": rows, "b": rows}),
        "nonfinite": ({"x": rows}, {"y": rows}),
        "fails": ({"x": rows}, {"y": rows}),
        "rank2": (
            {"x": ("DT_FLOAT", (None, 3))},
            {"y": ("DT_FLOAT", (None, 3))},
        ),
    }
    for word, dtype in _ECHOED.items():
        table[f"echo_{word}"] = ({"x": (dtype, None)}, {"y": (dtype, None)})
    return {name: _signature(name, *sides) for name, sides in table.items()}


class Echo:
    """Computes what the recorded server's `echo` computes."""

    def __init__(self, version=1, name="echo"):
        self.name = name
        self.version = version
        self.signatures = _signatures()

    def run(self, signature, inputs):
        x = inputs.get("x")
        if signature == "serving_default":
            return {"y": x * np.float32(0.5) + np.float32(2)}
        if signature == "two_in":
            sums = inputs["a"].sum(1, dtype="float32")
            return {"sum": sums, "n2": 2 * inputs["n"]}
        if signature == "scalar_in":
            return {"r": self._fill(int(inputs["k"]), inputs["t"])}
        if signature == "scalar_out":
            return {"mean": np.asarray(x.mean(dtype="float32"))}
        if signature == "uneven_out":
            return {"a": x, "b": np.concatenate([x, x])}
        if signature == "nonfinite":
            with np.errstate(all="ignore"):
                return {"y": np.log(x)}
        if signature == "fails":
            message = "boom : Tensor had Inf values"
            raise ServingError(Code.INVALID_ARGUMENT, message)
        return {"y_bytes" if signature == "bytes_out" else "y": x}

    def _fill(self, count, value):
        if count < 0:
            message = f"Dimension {count} must be >= 0"
            raise ServingError(Code.INVALID_ARGUMENT, message)
        return np.full(count, value, "float32")

    def close(self):
        pass


class EchoServer:
    """Versions 1 and 2 of `echo`, labels stable = 1 and canary = 2."""

    def __init__(self):
        self.echoes = {1: Echo(1), 2: Echo(2)}
        self.labels = {"stable": 1, "canary": 2}
        self.reloaded = []

    def statuses(self, name, version=None):
        if name != "echo":
            message = f"Could not find any versions of model {name}"
            raise ServingError(Code.NOT_FOUND, message)
        if version is not None and version not in self.echoes:
            message = f"Could not find version {version} of model {name}"
            raise ServingError(Code.NOT_FOUND, message)
        found = [2, 1] if version is None else [version]
        return [VersionStatus(one, State.AVAILABLE) for one in found]

    @contextlib.contextmanager
    def acquire(self, spec: ModelSpec):
        version = spec.version
        if spec.name == "echo" and spec.label is not None:
            if spec.label not in self.labels:
                message = f"Unrecognized servable version label: {spec.label}"
                raise ServingError(Code.INVALID_ARGUMENT, message)
            version = self.labels[spec.label]
        wanted = f"Latest({spec.name})"
        if version is not None:
            wanted = f"Specific({spec.name}, {version})"
        if spec.name != "echo" or (version or 2) not in self.echoes:
            message = f"Servable not found for request: {wanted}"
            raise ServingError(Code.NOT_FOUND, message)
        yield self.echoes[version or 2]

    async def predict(self, servable, signature, inputs, deadline=None):
        return servable.run(signature, inputs)

    def reload(self, configs, seconds=None):
        self.reloaded.append(list(configs))
