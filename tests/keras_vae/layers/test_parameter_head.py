"""Features to parameters."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae.layers import ParameterHead


def built(features_shape, event_shape, num_parameters=1):
    head = ParameterHead(num_parameters)
    head.build((None, *features_shape), event_shape=event_shape)
    return head


@pytest.mark.parametrize(
    ("features_shape", "event_shape", "pointwise"),
    [
        ((4, 4, 5), (4, 4, 1), True),
        ((4, 4, 5), (4, 4, 3), True),
        ((7,), (6,), True),
        ((9, 5), (9, 2), True),
        ((2, 2, 5), (4, 4, 1), False),
        ((4, 5, 1), (5, 4, 1), False),
        ((16,), (4, 4, 1), False),
        ((4, 4), (4, 4, 1), False),
        ((4, 4, 5), (16,), False),
    ],
)
@pytest.mark.parametrize("num_parameters", [1, 3])
def test_shapes_and_the_rule(
    features_shape, event_shape, pointwise, num_parameters
):
    head = built(features_shape, event_shape, num_parameters)
    outputs = head(np.ones((2, *features_shape), "float32"))
    assert [tuple(one.shape) for one in outputs] == (
        [(2, *event_shape)] * num_parameters
    )
    assert head.pointwise is pointwise
    units = event_shape[-1] if pointwise else int(np.prod(event_shape))
    inputs = features_shape[-1] if pointwise else int(np.prod(features_shape))
    assert head.dense.kernel.shape == (inputs, units * num_parameters)
    assert head.dense.bias.shape == (units * num_parameters,)


def test_pointwise_is_a_one_by_one_convolution():
    head = built((3, 3, 4), (3, 3, 2))
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype("float32")
    kernel, bias = head.dense.get_weights()
    np.testing.assert_allclose(
        ops.convert_to_numpy(head(x)[0]), x @ kernel + bias, 1e-5, 1e-5
    )


def test_each_parameter_has_units_of_its_own():
    head = built((5,), (2, 3, 2), num_parameters=2)
    kernel, bias = head.dense.get_weights()
    bias = np.arange(24, dtype="float32")
    head.dense.set_weights([np.zeros_like(kernel), bias])
    first, second = head(np.ones((1, 5), "float32"))
    values = np.concatenate(
        [ops.convert_to_numpy(one).ravel() for one in (first, second)]
    )
    assert sorted(values) == list(range(24))


def test_config_round_trip():
    head = ParameterHead(num_parameters=2, name="head")
    other = ParameterHead.from_config(head.get_config())
    assert other.get_config() == head.get_config()
    assert head.get_config()["num_parameters"] == 2


def test_it_computes_in_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    head = built((4,), (2,))
    outputs = head(np.ones((1, 4), "float16"))
    assert keras.backend.standardize_dtype(outputs[0].dtype) == "float32"


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_num_parameters_is_checked(value, error):
    with pytest.raises(error, match="`num_parameters` must be a positive int"):
        ParameterHead(value)
