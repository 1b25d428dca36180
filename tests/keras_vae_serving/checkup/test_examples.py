import io

import numpy as np
import pytest

from keras_vae_serving.checkup import examples

pytestmark = pytest.mark.once

FLOAT, INT32, INT64 = (np.dtype(d) for d in ("float32", "int32", "int64"))


def archive(**arrays):
    file = io.BytesIO()
    np.savez(file, **{k.replace("__", "/"): v for k, v in arrays.items()})
    file.seek(0)
    return file


def test_inputs_are_made_up():
    tensors = {
        "num_samples": (INT32, ()),
        "seed": (INT64, (None,)),
        "temperature": (FLOAT, ()),
        "codes": (INT32, (None, 2)),
        "x": (FLOAT, (None, 2, 2)),
    }
    made = examples.make(tensors)
    assert examples.fits(made, tensors)
    assert made["num_samples"] == examples.NUM_ROWS
    assert len(set(made["seed"])) == examples.NUM_ROWS
    assert made["codes"].max() == 1
    assert made["x"].shape == (examples.NUM_ROWS, 2, 2)
    assert (made["x"].min(), made["x"].max()) == (0, 1)
    again = examples.make(tensors)
    assert all((again[name] == made[name]).all() for name in tensors)


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"z": np.ones(3, "float32")},
        {"z": np.ones((3, 2))},
        {"z": np.ones((3, 2), "float32"), "y": np.ones(3)},
    ],
)
def test_inputs_that_do_not_fit(inputs):
    assert not examples.fits(inputs, {"z": (FLOAT, (None, 2))})


def test_the_first_rows_of_a_reference_are_read():
    many = np.arange(16, dtype="float32")
    found = examples.read(
        archive(
            exact=True,
            inputs__generate__num_samples=np.int32(16),
            inputs__generate__seed=np.int64(7),
            outputs__generate__x=many,
        )
    )
    inputs, outputs = found["generate"]
    assert set(found) == {"generate"}
    assert inputs["num_samples"] == examples.NUM_ROWS
    assert inputs["seed"] == 7
    assert outputs["x"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "file",
    [
        io.BytesIO(b"no archive"),
        io.BytesIO(b""),
        archive(inputs__decode__z=np.array([{}], object)),
    ],
    ids=["text", "empty", "pickle"],
)
def test_a_bad_reference(file):
    with pytest.raises(ValueError, match="it must be an .npz file of NumPy's"):
        examples.read(file)


def test_a_reference_that_unpacks_to_too_much(monkeypatch):
    monkeypatch.setattr(examples, "_MAX_BYTES", 1000)
    file = archive(inputs__decode__z=np.zeros(300))
    with pytest.raises(ValueError, match="unpacks to more than 1000 bytes"):
        examples.read(file)
