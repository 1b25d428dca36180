"""Which optimizer a VAE's precision needs."""

from typing import Any

import keras


def with_loss_scaling(optimizer: Any, model: keras.Model) -> Any:
    """Returns an optimizer that scales the loss where float16 needs it.

    Gradients that pass through float16 underflow to 0 unless the loss is
    scaled. Keras asks the model's own policy alone, so it would miss a VAE
    whose networks were given `dtype="mixed_float16"`.

    Args:
        optimizer: What `compile` takes: a Keras optimizer, its name or its
            configuration; or `None`.
        model: The model that it is to train.

    Returns:
        `keras.optimizers.LossScaleOptimizer` around the optimizer if any
        layer of the model computes in float16, else what was passed.
    """
    if optimizer is None or not computes_in(model, "float16"):
        return optimizer
    optimizer = keras.optimizers.get(optimizer)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(
        optimizer, name="loss_scale_optimizer"
    )


def computes_in(model: keras.Model, dtype: str) -> bool:
    """Whether any layer of a model, however deep, computes in a dtype.

    Args:
        model: The model.
        dtype: String, e.g. `"float16"`.
    """
    return any(
        layer.compute_dtype == dtype for layer in model._flatten_layers()
    )
