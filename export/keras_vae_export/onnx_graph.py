"""The ONNX graph of one signature: its stream, then its core."""

from typing import Any

from keras_vae_export import onnx_stream
from keras_vae_export.empty_batches import (
    with_counted_axes,
    with_literal_zeros,
)
from keras_vae_export.functions import Form
from keras_vae_export.noise import Noise
from keras_vae_export.onnx_missing import with_own_operations
from keras_vae_export.saved_model import tensor_specs
from keras_vae_export.signatures import BATCH, Signature, TensorSpec

_ASKS_FOR_NOISE = ("num_samples", "seed", "temperature")


def core_of(signature: Signature, form: Form, opset: int) -> Any:
    """Converts a signature's core from TensorFlow.

    Args:
        signature: What to compute.
        form: How it comes from its core.
        opset: Integer, the version of the default domain's operators.

    Returns:
        `onnx.ModelProto`, with the noise among its inputs.
    """
    inputs = _core_inputs(signature, form)
    core = with_own_operations(_convert(form, inputs, opset))
    return with_counted_axes(with_literal_zeros(core))


def with_stream(core: Any, signature: Signature, form: Form) -> Any:
    """Returns an `onnx.ModelProto` with a signature's inputs and outputs.

    The stream is not converted from TensorFlow: a converter would round its
    float64 logarithms to float32. Its inner values have names that begin
    with `noise/`.

    Args:
        core: What `core_of` returned, or a variant of it.
        signature: What to compute.
        form: How it comes from its core.
    """
    import onnx

    if form.noise is None:
        return core
    graph = onnx.GraphProto()
    graph.CopyFrom(core.graph)
    graph.ClearField("node")
    if form.by_rows:
        stream = onnx_stream.noise_for_seeds_graph(form.noise)
    else:
        stream = onnx_stream.noise_graph(form.noise)
    taken = {spec.name for spec in signature.inputs}
    if "temperature" not in taken:
        graph.node.extend(_ones_for_seeds())
    graph.node.extend((*stream.node, *core.graph.node))
    graph.initializer.extend(stream.initializer)
    graph.ClearField("input")
    graph.input.extend(_value_info(spec) for spec in signature.inputs)
    model = onnx.helper.make_model(graph)
    model.opset_import.clear()
    model.opset_import.extend(core.opset_import)
    return model


def _core_inputs(signature: Signature, form: Form) -> list[TensorSpec]:
    """Returns the core's inputs: noise, and what the signature passes on."""
    if form.noise is None:
        return list(signature.inputs)
    rest = [s for s in signature.inputs if s.name not in _ASKS_FOR_NOISE]
    return [*_noise_specs(form.noise), *rest]


def _noise_specs(noise: Noise) -> list[TensorSpec]:
    specs = [TensorSpec("normals", "float32", (BATCH, noise.num_normals))]
    if noise.num_choices:
        shape = (BATCH, noise.num_choices)
        specs.append(TensorSpec("choices", "int32", shape))
    if noise.num_floats:
        shape = (BATCH, noise.num_floats)
        specs.append(TensorSpec("uniforms", "float32", shape))
    return specs


def _convert(form: Form, inputs: list[TensorSpec], opset: int) -> Any:
    import tensorflow as tf
    import tf2onnx

    names = [spec.name for spec in inputs]

    def function(*arguments: Any) -> Any:
        return form.core(**dict(zip(names, arguments, strict=True)))

    model, _ = tf2onnx.convert.from_function(
        tf.function(function, autograph=False),
        input_signature=tensor_specs(inputs),
        opset=opset,
    )
    return model


def _ones_for_seeds() -> list[Any]:
    """Returns the nodes of a temperature of 1 for each seed."""
    import numpy as np
    import onnx

    one = onnx.numpy_helper.from_array(np.ones(1, "float32"))
    shape = onnx.helper.make_node("Shape", ["seed"], ["seed_shape"])
    ones = onnx.helper.make_node(
        "ConstantOfShape", ["seed_shape"], ["temperature"], value=one
    )
    return [shape, ones]


def _value_info(spec: TensorSpec) -> Any:
    import numpy as np
    import onnx

    dtype = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return onnx.helper.make_tensor_value_info(spec.name, dtype, spec.shape)
