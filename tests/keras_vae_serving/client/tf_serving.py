"""What TensorFlow Serving would answer for a `LinearModel`, as it writes it.

REST: JSON over many lines, NaN and the infinities bare, files as base64; head
and body apart. gRPC: typed fields, or `tensor_content`, as its flag
`--enable_serialization_as_tensor_content` has it. How it answers was recorded
in contract/.
"""

import base64
import json

import numpy as np

from keras_vae_serving import dtypes
from keras_vae_serving.rpc import messages, tensors
from keras_vae_serving.store import png
from tests.keras_vae_serving.client.rpc_standin import RpcStandIn
from tests.keras_vae_serving.client.standin import StandIn

_DTYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32", "int64": "DT_INT64"}


class RestServing(StandIn):
    """Models by name, over REST."""

    def __init__(self, models):
        super().__init__(self._answer)
        self._models = models

    def _answer(self, asked):
        name, _, verb = asked.path.removeprefix("/v1/models/").partition("/")
        name, _, method = name.partition(":")
        model = self._models[name]
        if verb == "metadata":
            return 200, json.dumps(_metadata(name, model), indent=1)
        assert (asked.method, method) == ("POST", "predict")
        signature = asked.body["signature_name"]
        expected, sent = _dtypes(model, signature), asked.body["inputs"]
        inputs = {k: np.asarray(v, expected[k]) for k, v in sent.items()}
        error = _refusal(model, signature, inputs)
        if error:
            return 400, json.dumps({"error": error}, indent=4)
        outputs = _run(model, signature, inputs)
        values = {k: _json(v) for k, v in sorted(outputs.items())[::-1]}
        if len(values) == 1:
            (values,) = values.values()
        return 200, json.dumps({"outputs": values}, indent=4)


class RpcServing(RpcStandIn):
    """Models by name, over gRPC, with `tensor_content`."""

    def __init__(self, models):
        super().__init__(self._respond)
        self._models = models

    def _respond(self, data):
        if self.method.endswith("GetModelMetadata"):
            return self._describe(data)
        request = messages.PredictRequest.FromString(data)
        signature = request.model_spec.signature_name
        inputs = {k: tensors.to_array(v) for k, v in request.inputs.items()}
        model = self._models[request.model_spec.name]
        expected = _dtypes(model, signature)
        assert all(v.dtype == expected[k] for k, v in inputs.items())
        error = _refusal(model, signature, inputs)
        if error:
            return 3, error
        response = messages.PredictResponse()
        for name, value in _run(model, signature, inputs).items():
            response.outputs[name].CopyFrom(_content(value))
        return response

    def _describe(self, data):
        request = messages.GetModelMetadataRequest.FromString(data)
        name = request.model_spec.name
        response = messages.GetModelMetadataResponse()
        response.model_spec.name = name
        response.model_spec.version.value = 1
        found = messages.SignatureDefMap()
        defined = _signatures(self._models[name])
        for signature, sides in defined["signature_def"].items():
            made = found.signature_def[signature]
            for side in ("inputs", "outputs"):
                for key, info in sides[side].items():
                    tensor = getattr(made, side)[key]
                    tensor.dtype = dtypes.BY_NAME[info["dtype"]].number
                    for dim in info["tensor_shape"]["dim"]:
                        tensor.tensor_shape.dim.add(size=int(dim["size"]))
        response.metadata["signature_def"].Pack(found)
        return response


def _run(model, signature, inputs):
    with np.errstate(invalid="ignore"):
        if signature != "generate_png":
            return model.run(signature, inputs)
        return {"image_bytes": png.encode(model.generate_rows(**inputs)["x"])}


def _specs(model):
    """The model's specs, with the SavedModel's own signature."""
    specs = model.specs()
    files = {"image_bytes": ("string", ["N"])}
    return {**specs, "generate_png": (specs["generate_rows"][0], files)}


def _dtypes(model, signature):
    inputs, _ = _specs(model)[signature]
    return {name: np.dtype(dtype) for name, (dtype, _) in inputs.items()}


def _refusal(model, signature, inputs):
    """What is wrong with a request; of shapes in `keras-vae serve`'s words."""
    specs = _specs(model)[signature][0]
    missing = set(specs) - set(inputs)
    if missing:
        return f"Missing named input: {missing.pop()} in 'inputs' object."
    for name, (_, shape) in specs.items():
        found = list(inputs[name].shape)
        if found[1:] != shape[1:] or len(found) != len(shape):
            wanted = ",".join("-1" if one == "N" else str(one) for one in shape)
            received = ",".join(map(str, found))
            return (
                f"Input {name} must have shape [{wanted}]. Received: "
                f"[{received}]"
            )
    return None


def _json(array):
    if array.dtype == object:
        return [{"b64": base64.b64encode(one).decode()} for one in array]
    # The shortest text that is read back as the same float.
    return array.astype(str).astype("float64").tolist()


def _content(array):
    dtype = dtypes.of_numpy(array.dtype)
    if dtype.name == "DT_STRING":
        return tensors.to_proto(array)
    proto = messages.TensorProto(dtype=dtype.number)
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = array.tobytes()
    return proto


def _metadata(name, model):
    spec = {"name": name, "signature_name": "", "version": "1"}
    metadata = {"signature_def": _signatures(model)}
    return {"model_spec": spec, "metadata": metadata}


def _signatures(model):
    return {
        "signature_def": {
            signature: {
                "inputs": _infos(inputs),
                "outputs": _infos(outputs),
                "method_name": "tensorflow/serving/predict",
            }
            for signature, (inputs, outputs) in _specs(model).items()
        }
    }


def _infos(tensors_of_side):
    return {
        name: {
            "dtype": _DTYPES.get(dtype, "DT_STRING"),
            "tensor_shape": {
                "dim": [
                    {"size": "-1" if one == "N" else str(one), "name": ""}
                    for one in shape
                ],
                "unknown_rank": False,
            },
            "name": f"{name}:0",
        }
        for name, (dtype, shape) in tensors_of_side.items()
    }
