"""Requests to `echo`."""

import numpy as np

from keras_vae_serving.rpc import messages, tensors


def predict(
    signature="", *, model="echo", version=None, label=None, only=(), **inputs
):
    """A `PredictRequest`; what is no tensor is a vector of float32."""
    request = messages.PredictRequest(output_filter=only)
    specify(request, model, version, label)
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        if not isinstance(value, messages.TensorProto):
            value = tensors.to_proto(np.asarray(value, "float32"))
        request.inputs[name].CopyFrom(value)
    return request


def tensor(values, dtype):
    """A `TensorProto` of a NumPy type."""
    return tensors.to_proto(np.asarray(values, dtype))


def metadata(*fields, model="echo", **options):
    request = messages.GetModelMetadataRequest(metadata_field=fields)
    return specify(request, model, **options)


def status(model, **options):
    return specify(messages.GetModelStatusRequest(), model, **options)


def reload(*configs):
    """Configs are `{"name": ..., "base_path": ..., ...}`."""
    request = messages.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    for config in configs:
        request.config.model_config_list.config.add(**config)
    return request


def specify(request, model, version=None, label=None):
    request.model_spec.name = model
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    return request
