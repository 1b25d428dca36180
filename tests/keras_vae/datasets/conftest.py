import os
import pathlib

import pytest

from keras_vae import datasets


@pytest.fixture(scope="session")
def digits_dir(tmp_path_factory):
    """A `data_dir` in which `digits` was generated."""
    directory = tmp_path_factory.mktemp("tensorflow_datasets")
    datasets.info("digits", data_dir=directory)
    return directory


@pytest.fixture(scope="session")
def mnist_dir():
    """The `data_dir` that the environment names, if it holds mnist."""
    directory = os.environ.get("TFDS_DATA_DIR", "")
    found = pathlib.Path(directory).glob("mnist/*/dataset_info.json")
    if not directory or not any(found):
        pytest.skip(
            "TFDS_DATA_DIR names no folder that holds mnist, and the tests "
            "download nothing."
        )
    return directory
