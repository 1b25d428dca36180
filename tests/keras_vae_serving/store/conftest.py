import pathlib
import shutil

import pytest

from tests.keras_vae_serving.directories import write_version


@pytest.fixture(scope="session")
def linear_version(tmp_path_factory):
    """A version directory of a linear model; nobody changes it."""
    return write_version(tmp_path_factory.mktemp("models") / "linear", 1)


@pytest.fixture
def version_copy(linear_version, tmp_path):
    """A version directory of a linear model, to be changed."""
    return pathlib.Path(shutil.copytree(linear_version, tmp_path / "m" / "1"))
