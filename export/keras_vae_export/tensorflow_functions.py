"""The signatures as TensorFlow functions, the seeded stream within."""

from collections.abc import Callable
from typing import Any

from keras_vae.types import Tensor
from keras_vae_export import png, tensorflow_stream
from keras_vae_export.functions import Form
from keras_vae_export.signatures import Signature


def function_of(
    signature: Signature, forms: dict[str, Form]
) -> Callable[..., dict[str, Tensor]]:
    """Returns the function of a signature's inputs, in their order.

    Args:
        signature: What to compute.
        forms: What `forms_of` returned.
    """
    is_png = signature.name == png.SIGNATURE
    form = forms["generate_rows" if is_png else signature.name]

    def function(*arguments: Tensor) -> dict[str, Tensor]:
        names = [spec.name for spec in signature.inputs]
        inputs = dict(zip(names, arguments, strict=True))
        outputs = _of_any_batch(form.core, _with_noise(form, inputs))
        if is_png:
            return {"image_bytes": png.encode(outputs["x"])}
        return outputs

    return function


def _of_any_batch(
    core: Callable[..., dict[str, Tensor]], inputs: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Runs a core that may not take an empty batch.

    TensorFlow's convolutions on a CPU fail on one, so a row of zeros is
    appended to it, and taken off what comes out.
    """
    import tensorflow as tf

    rows = tf.shape(next(iter(inputs.values())))[0]
    extra = tf.cast(tf.equal(rows, 0), tf.int32)
    padded = {}
    for name, value in inputs.items():
        others = [[0, 0]] * (len(value.shape) - 1)
        padded[name] = tf.pad(value, [[0, extra], *others])
    outputs = core(**padded)
    return {name: value[:rows] for name, value in outputs.items()}


def _with_noise(form: Form, inputs: dict[str, Any]) -> dict[str, Any]:
    """Replaces what asks for noise by the noise."""
    import tensorflow as tf

    if form.noise is None:
        return inputs
    rest = dict(inputs)
    seed, temperature = rest.pop("seed"), rest.pop("temperature", None)
    if form.by_rows:
        if temperature is None:
            temperature = tf.ones(tf.shape(seed), tf.float32)
        noise = tensorflow_stream.noise_for_seeds(form.noise, seed, temperature)
    else:
        count = rest.pop("num_samples")
        noise = tensorflow_stream.noise(form.noise, count, seed, temperature)
    return {**noise, **rest}
