"""Batches that go through the phases in parts."""

import keras
import pytest

from keras_vae.layers import Conv2D, Conv2DTranspose, subpixel
from tests.keras_vae.layers import strided

UP = keras.layers.Conv2DTranspose, Conv2DTranspose
DOWN = keras.layers.Conv2D, Conv2D


@pytest.mark.parametrize("classes", [UP, DOWN], ids=["up", "down"])
@pytest.mark.parametrize(("batch", "parts"), [(6, 2), (5, 5), (2, 1), (1, 1)])
def test_parts(classes, batch, parts, monkeypatch, to_numpy):
    """A batch in parts has the outputs and gradients of the whole."""
    # Three examples of a 2x2 and a 3x2 kernel's products fit in a part.
    monkeypatch.setattr(subpixel, "_VALUES", 4 * 6 * 2 * 3)
    counts = []
    count_of = subpixel._num_parts

    def spy(*arguments):
        counts.append(count_of(*arguments))
        return counts[-1]

    monkeypatch.setattr(subpixel, "_num_parts", spy)
    plain, ours = strided.pair(classes, 2, (3, 2), strides=2, padding="same")
    size = 2 if classes is UP else 4
    x = strided.values((batch, size, size, 2))
    strided.check(plain, ours, x, to_numpy)
    assert set(counts) == {parts}


@pytest.mark.once
@pytest.mark.parametrize(
    ("batch", "values", "parts"),
    [
        (None, 100, 1),
        (0, 100, 1),
        (128, 10**9, 1),
        (128, 1, 128),  # An example is the least part.
        (127, 3000, 1),  # No equal parts of a useful size.
        (96, 2000, 16),
    ],
)
def test_how_many_parts(batch, values, parts, monkeypatch):
    monkeypatch.setattr(subpixel, "_VALUES", values)
    axes = (subpixel.Axis(2, 4, 3, 2, 0),) * 2
    inputs, kernel = keras.KerasTensor((batch, 2, 2, 5)), (3, 3, 8, 5)
    found = subpixel._num_parts(inputs, keras.KerasTensor(kernel), axes)
    assert found == parts
