import io

import numpy as np
import pytest
from PIL import Image

from keras_vae_serving.checkup.agreement import TOLERANCE, differences

pytestmark = pytest.mark.once

NAN, INF = float("nan"), float("inf")


def png(level, size=2):
    buffer = io.BytesIO()
    Image.new("L", (size, size), level).save(buffer, "PNG")
    return buffer.getvalue()


def difference(found, expected, dtype=None):
    found, expected = np.array(found, dtype), np.array(expected, dtype)
    return differences({"x": found}, {"x": expected})["x"]


@pytest.mark.parametrize(
    ("found", "expected", "value"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0),
        ([0.5, 0.25], [0.5, 0.5], 0.25),
        # In relation to the largest value, once that is above 1.
        ([100.0, 1.0], [100.0, 2.0], 0.01),
        ([1, 5], [1, 4], 0.25),
        ([NAN, 1.0], [NAN, 1.0], 0),
        ([INF, 1.0], [INF, 1.0], 0),
        ([NAN, 1.0], [0.0, 1.0], INF),
        ([INF, 1.0], [-INF, 1.0], INF),
        ([INF, 1.0], [3.0, 1.0], INF),
        ([1.0], [1.0, 1.0], INF),
        ([], [], 0),
    ],
)
def test_numbers(found, expected, value):
    assert difference(found, expected) == value


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        ([png(7), png(9)], True),
        ([png(8), png(9)], True),
        ([png(9), png(9)], False),
        ([png(7), png(9, size=3)], False),
        ([b"no image", png(9)], False),
    ],
)
def test_images_may_differ_by_a_level(found, passes):
    value = difference(found, [png(7), png(9)], object)
    assert (value <= TOLERANCE) == passes


def test_outputs_that_one_side_lacks_are_left_out():
    one = np.ones(2)
    assert differences({"x": one, "z": one}, {"x": one, "y": one}) == {"x": 0}
