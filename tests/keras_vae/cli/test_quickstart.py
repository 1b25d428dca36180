import pathlib
import shlex
import sys

import numpy as np
import pytest

from keras_vae.cli import quickstart


@pytest.fixture
def data_dir(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("tfds")
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))


@pytest.mark.slow
def test_quickstart(call, tmp_path, data_dir, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("runs/quickstart").mkdir(parents=True)
    report = call("quickstart", "--epochs=2", "--json").json
    run = pathlib.Path("runs/quickstart-2")
    assert list(pathlib.Path("runs/quickstart").iterdir()) == []
    assert report["run"] == str(run)
    assert report["dataset"] == "digits"
    assert report["binarization"]["test"] == "threshold"
    assert report["test"]["num_examples"] == 360
    assert np.isfinite(report["test"]["bits_per_dim"])
    version = run / "models" / "digits" / "1"
    assert report["version_directory"] == str(version)
    assert (version / "onnx" / "decode.onnx").exists()
    assert pathlib.Path(report["samples"]).read_bytes()[1:4] == b"PNG"
    assert report["samples_difference"] <= 1e-5
    # The next commands can be copied: run the first two.
    commands = [shlex.split(text) for text in report["next_commands"]]
    assert [command[1] for command in commands] == [
        "evaluate",
        "generate",
        "train",
    ]
    for command in commands[:2]:
        small = [word.replace("1000", "2") for word in command[1:]]
        assert call(*small).code == 0


def test_an_existing_directory_is_refused(call, tmp_path):
    called = call("quickstart", f"--out={tmp_path}")
    assert called.code == 2
    assert "Choose another, or delete it" in called.err
    assert list(tmp_path.iterdir()) == []


def test_next_free(tmp_path):
    first = tmp_path / "a"
    assert quickstart.next_free(first) == first
    first.mkdir()
    (tmp_path / "a-2").write_text("mine")
    assert quickstart.next_free(first) == tmp_path / "a-3"


def test_the_program_is_named_as_the_shell_finds_it(tmp_path, monkeypatch):
    program = tmp_path / "bin of mine" / "keras-vae"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", "")
    assert quickstart.program_name() == shlex.quote(str(program))
    monkeypatch.setenv("PATH", str(program.parent))
    assert quickstart.program_name() == "keras-vae"
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert quickstart.program_name() == "keras-vae"
