import io

import h5py
import numpy as np
import pytest

from keras_vae_export import archive_weights

pytestmark = pytest.mark.once


@pytest.fixture
def file():
    """An HDF5 file in memory, open for writing, and its check."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 3), "float32")
        yield file


def check(file):
    file.flush()
    content = io.BytesIO(file.id.get_file_image())
    archive_weights.check(content)


def test_arrays_of_any_kind(file):
    file["scalar"] = 1.0
    file["empty"] = h5py.Empty("float32")
    file["none"] = np.zeros((0, 3))
    file["text"] = ["a", "b"]
    check(file)


def test_compressed_zeros_pass(file, monkeypatch):
    monkeypatch.setattr(archive_weights, "_QUESTIONED_SIZE", 10)
    zeros = np.zeros((2**21,), "float32")
    file.create_dataset("a", data=zeros, compression="gzip")
    check(file)


def test_what_is_not_stored_is_refused(file, monkeypatch):
    monkeypatch.setattr(archive_weights, "_QUESTIONED_SIZE", 10)
    file.create_dataset("a", (100,), "float32", chunks=(10,))
    message = "'a', of 0 bytes that unpack to 400"
    with pytest.raises(ValueError, match=message):
        check(file)


def test_a_group_within_itself(file):
    file["layers/again"] = file["layers"]
    check(file)


def test_a_file_that_is_cut(file):
    file.flush()
    half = file.id.get_file_image()[:600]
    with pytest.raises(ValueError, match="must be an HDF5 file. Received: "):
        archive_weights.check(io.BytesIO(half))
