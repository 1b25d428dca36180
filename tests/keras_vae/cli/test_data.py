import dataclasses
import os
import pathlib

import numpy as np
import pytest

from keras_vae import likelihoods
from keras_vae.cli import data
from keras_vae.cli.train_arguments import TrainArguments
from keras_vae.datasets import DynamicBinarization
from tests.keras_vae.cli.conftest import write_npz

BERNOULLI, NORMAL = likelihoods.Bernoulli(), likelihoods.Normal()


@pytest.fixture
def arguments(npz, tmp_path):
    return TrainArguments(dataset=str(npz), out=tmp_path / "run", batch_size=8)


def test_a_bernoulli_is_given_zeros_and_ones(arguments):
    loaded = data.load(arguments, BERNOULLI)
    assert isinstance(loaded.train, DynamicBinarization)
    assert (loaded.train.num_examples, loaded.train.batch_size) == (24, 8)
    assert set(np.unique(loaded.test)) == {0.0, 1.0}
    assert loaded.labels.tolist() == [0, 1] * 6
    again = data.load(dataclasses.replace(arguments, seed=5), BERNOULLI)
    np.testing.assert_array_equal(again.test, loaded.test)
    assert (again.train[0] != loaded.train[0]).any()


def test_a_density_is_given_intensities(arguments):
    loaded = data.load(arguments, NORMAL)
    assert loaded.train.shape == (24, 4, 4, 1)
    assert 2 < len(np.unique(loaded.train))
    assert loaded.config["binarization"]["test"] == "none"


def test_static_training_data_do_not_depend_on_the_seed(arguments):
    static = dataclasses.replace(arguments, binarize="static")
    first = data.load(static, BERNOULLI).train
    other = data.load(dataclasses.replace(static, seed=9), BERNOULLI).train
    np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("likelihood", [BERNOULLI, NORMAL])
def test_limit(arguments, likelihood):
    limited = dataclasses.replace(arguments, limit=6)
    loaded = data.load(limited, likelihood)
    assert loaded.config["num_examples"] == {"train": 6, "test": 6}
    assert len(loaded.labels) == 6


def test_a_single_split_is_divided(arguments, tmp_path):
    path = tmp_path / "one.npz"
    np.savez(path, x=np.zeros((20, 4, 4), "uint8"))
    loaded = data.load(
        dataclasses.replace(arguments, dataset=str(path)), NORMAL
    )
    assert loaded.config["splits"] == {
        "train": "train[:90%]",
        "test": "train[90%:]",
    }
    assert loaded.config["num_examples"] == {"train": 18, "test": 2}
    assert loaded.labels is None


def test_paths_mean_the_same_from_any_directory(tmp_path, monkeypatch):
    write_npz(tmp_path / "a.npz")
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data.absolute("a.npz") == str(pathlib.Path("a.npz").resolve())
    assert os.path.isabs(data.absolute("./photos"))
    assert data.absolute("photos") == "photos"
    assert data.absolute("mnist") == "mnist"
