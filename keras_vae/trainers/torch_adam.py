"""Adam's update of all weights in one of PyTorch's kernels."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch

from keras_vae.trainers import adam

Tensors = list[torch.Tensor]
Update = Callable[[Tensors], None]

# Steps after which PyTorch's corrections of both moments are 1.
_NO_CORRECTION = 1e30


def fused_update(optimizer: Any, weights: list[Any]) -> Update | None:
    """Returns what updates the weights as the optimizer's `apply` does.

    It changes the variables of the Keras optimizer. Keras adds epsilon to
    the root of an uncorrected second moment, PyTorch to a corrected one: the
    kernel is told that both moments are far from their start, where it
    corrects nothing, and Keras's correction enters by the learning rate.
    Source: Kingma & Ba, 2015, section 2, https://arxiv.org/abs/1412.6980.

    Args:
        optimizer: Built `keras.optimizers.Optimizer`.
        weights: The variables that gradients are taken of.

    Returns:
        Function of the gradients, one for each weight; or `None` where
        PyTorch has no kernel for the optimizer, an option of it or a weight.
    """
    if not adam.is_plain(optimizer, weights):
        return None
    moments, squares = optimizer._momentums, optimizer._velocities
    if not all(map(_suits, [*weights, *moments, *squares])):
        return None
    tensors = [_tensors(group) for group in (weights, moments, squares)]
    iterations = optimizer.iterations.value.detach()
    betas = np.asarray([optimizer.beta_1, optimizer.beta_2], "float32")
    steps = [torch.tensor(_NO_CORRECTION)] * len(weights)

    def update(gradients: Tensors) -> None:
        values, moments, squares = tensors
        torch._fused_adam_(
            values,
            # The kernel goes through memory, whatever the strides: a
            # convolution's gradients are permuted.
            [gradient.contiguous() for gradient in gradients],
            moments,
            squares,
            [],
            steps,
            lr=_corrected_rate(
                optimizer.learning_rate, betas, int(iterations) + 1
            ),
            beta1=float(optimizer.beta_1),
            beta2=float(optimizer.beta_2),
            weight_decay=0.0,
            eps=float(optimizer.epsilon),
            amsgrad=False,
            maximize=False,
        )
        iterations.add_(1)

    return update


def _corrected_rate(rate: Any, betas: np.ndarray, step: int) -> float:
    """Returns the learning rate times both corrections, in float32."""
    if isinstance(rate, keras.Variable):
        rate = rate.value
    first, second = np.float32(1.0) - betas ** np.float32(step)
    return float(np.float32(float(rate)) * np.sqrt(second) / first)


def _suits(variable: Any) -> bool:
    """Whether the kernel can go through a variable's memory."""
    value = variable.value
    return (
        value.device.type == "cpu"
        and value.dtype == torch.float32
        and value.is_contiguous()
    )


def _tensors(variables: list[Any]) -> Tensors:
    return [variable.value.detach() for variable in variables]
