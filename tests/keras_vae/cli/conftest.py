"""A tiny data set, a tiny run, and a way to call the command line."""

import json
from typing import NamedTuple

import numpy as np
import pytest

from keras_vae import cli

TINY = "--hidden-dims 8 --latent-dim 2 --epochs 2 --batch-size 8".split()


class Called(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def write_npz(path, **changes):
    """24 + 12 grey images (4, 4) with a bright half, and their labels."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, size in (("train", 24), ("test", 12)):
        labels = np.arange(size) % 2
        halves = np.zeros((2, 4, 4))
        halves[0, :2], halves[1, :, :2] = 220, 220
        noise = rng.integers(0, 30, (size, 4, 4))
        arrays[f"x_{split}"] = (halves[labels] + noise).astype("uint8")
        arrays[f"y_{split}"] = labels
    arrays.update(changes)
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def npz(tmp_path_factory):
    return write_npz(tmp_path_factory.mktemp("data") / "halves.npz")


@pytest.fixture
def call(capsys):
    """Calls `keras-vae ARGUMENTS`; returns the code and what it printed."""

    def run(*arguments):
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        return Called(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def trained(npz, tmp_path_factory):
    """A run directory that `train` wrote, to be read only."""
    out = tmp_path_factory.mktemp("runs") / "halves"
    assert cli.main(["train", f"--dataset={npz}", f"--out={out}", *TINY]) == 0
    return out


@pytest.fixture
def train_arguments(npz, tmp_path):
    """A call of `train` into `tmp_path / "run"`."""
    return ["train", f"--dataset={npz}", f"--out={tmp_path / 'run'}", *TINY]
