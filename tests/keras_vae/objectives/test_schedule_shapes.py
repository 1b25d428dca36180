"""The way that each schedule takes."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae.objectives import schedules
from keras_vae.objectives.schedules import Cosine, Cyclical, Linear, Sigmoid

STEPS = np.arange(0, 130)


def logistic(value):
    return 1.0 / (1.0 + np.exp(-value))


def stretched(fraction, steepness):
    curve = logistic(steepness * (fraction - 0.5))
    ends = logistic(steepness * np.array([-0.5, 0.5]))
    return (curve - ends[0]) / (ends[1] - ends[0])


def cycles(fraction, num_cycles, ramp_fraction):
    within = fraction * num_cycles % 1.0 / ramp_fraction
    return np.where(fraction < 1.0, np.minimum(within, 1.0), 1.0)


SHAPES = [
    (Linear(100), lambda f: f),
    (Linear(100, start=2.0, end=0.5), lambda f: 2.0 - 1.5 * f),
    (Cosine(100), lambda f: (1.0 - np.cos(np.pi * f)) / 2.0),
    (Cosine(100, 1.0, 4.0), lambda f: 2.5 - 1.5 * np.cos(np.pi * f)),
    (Sigmoid(100), lambda f: stretched(f, 12.0)),
    (Sigmoid(100, steepness=3.0), lambda f: stretched(f, 3.0)),
    (Cyclical(100), lambda f: cycles(f, 4, 0.5)),
    (
        Cyclical(100, 1.0, 3.0, num_cycles=2, ramp_fraction=0.8),
        lambda f: 1.0 + 2.0 * cycles(f, 2, 0.8),
    ),
]


def name_of(value):
    return type(value).__name__


@pytest.mark.parametrize(("schedule", "shape"), SHAPES, ids=name_of)
def test_the_way_is_the_formulas(to_numpy, schedule, shape):
    weights = [
        to_numpy(schedule(ops.convert_to_tensor(int(step)))) for step in STEPS
    ]
    assert {w.dtype for w in weights} == {np.dtype("float32")}
    assert {w.shape for w in weights} == {()}
    expected = shape(np.minimum(STEPS / 100.0, 1.0))
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-5)
    assert weights[0] == pytest.approx(schedule.start, abs=1e-6)
    np.testing.assert_allclose(weights[100:], schedule.end, rtol=1e-6)


def test_a_cycle_starts_anew():
    schedule = Cyclical(100, num_cycles=4, ramp_fraction=0.5)
    received = [float(schedule(ops.convert_to_tensor(s))) for s in (24, 25, 26)]
    assert received == pytest.approx([1.0, 0.0, 0.08])


@pytest.mark.parametrize(("schedule", "shape"), SHAPES, ids=name_of)
def test_config_round_trip(schedule, shape):
    serialized = keras.saving.serialize_keras_object(schedule)
    other = keras.saving.deserialize_keras_object(serialized)
    assert type(other) is type(schedule)
    assert other.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Cosine(0),
            ValueError,
            r"`num_steps` must be a positive integer.*`Cosine\(num_steps=1000",
        ),
        (lambda: Sigmoid(9, start=-1.0), ValueError, "`start` must be finite"),
        (
            lambda: Sigmoid(9, steepness=0.0),
            ValueError,
            "`steepness` must be above 0. Received: steepness=0.0. Pass e.g. "
            "`steepness=12.0`",
        ),
        (
            lambda: Cyclical(9, ramp_fraction=1.5),
            ValueError,
            "`ramp_fraction` must be above 0 and at most 1. Received: "
            "ramp_fraction=1.5",
        ),
        (
            lambda: Cyclical(9, num_cycles=0),
            ValueError,
            r"`num_cycles` must be a positive integer.*`Cyclical\(num_steps",
        ),
        (
            lambda: schedules.get("fast", "capacity"),
            TypeError,
            "`capacity` must be a number or a schedule. Received: "
            "capacity='fast' of type str",
        ),
        (
            lambda: Linear(9, end="a"),
            TypeError,
            "`end` must be a number. Received: end='a' of type str",
        ),
    ],
)
def test_arguments_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        make()
