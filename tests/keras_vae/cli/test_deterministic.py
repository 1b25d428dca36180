"""`--deterministic`: who is told, and where it is recorded.

What comes of it, `tests/keras_vae/trainers/test_enable_determinism.py` tests
in processes of their own: a backend that was told cannot be told otherwise.
"""

import json
import pathlib

import pytest

from keras_vae.cli import quickstart, training


@pytest.mark.slow
def test_train_tells_the_backend_and_records_it(
    call, train_arguments, tmp_path, monkeypatch
):
    seeds = []
    monkeypatch.setattr(training, "enable_determinism", seeds.append)
    arguments = [*train_arguments, "--epochs=1", "--seed=3", "--json"]
    called = call(*arguments, "--deterministic")
    assert seeds == [3]
    assert called.json["deterministic"] is True
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["deterministic"] is True
    assert config["arguments"]["deterministic"] is True


def test_without_it_the_backend_is_left_alone(trained):
    config = json.loads((trained / "config.json").read_text())
    assert config["deterministic"] is False


@pytest.mark.once
@pytest.mark.parametrize("deterministic", [False, True])
def test_quickstart_passes_it_on(deterministic):
    arguments = quickstart.Arguments(epochs=2, deterministic=deterministic)
    passed = quickstart.training_arguments(pathlib.Path("out"), arguments)
    assert passed.deterministic is deterministic
    assert passed.epochs == 2
