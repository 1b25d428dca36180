import pathlib
import re

import pytest

from keras_vae.cli import checking
from keras_vae_export import Verification

GOOD = Verification(
    (), {"a.onnx": {"onnxruntime": 1e-7}}, {"a.onnx": {"onnxruntime": 2e-7}}, 1
)
BAD = Verification(("`a.onnx` is missing.", "`b` is long."), {}, {}, None)


@pytest.fixture
def check(call, monkeypatch):
    """Calls `keras-vae export --check`, which finds what it is told."""

    def run(found, *options):
        def stand_in(directory):
            assert directory == pathlib.Path("models/a/1")
            return found

        monkeypatch.setattr(checking.keras_vae_export, "check", stand_in)
        return call("export", "--check=models/a/1", *options)

    return run


def test_a_good_directory(check):
    called = check(GOOD)
    assert called.code == 0
    first, *rows = called.out.splitlines()
    path = pathlib.Path("models/a/1")
    assert first == f"{path} is what was exported. Largest differences:"
    assert rows[1].split() == ["a.onnx", "onnxruntime", "2.0e-07", "1.0e-07"]
    assert rows[-1] == "PNG files differ by 1 grey levels."


def test_a_changed_directory(check):
    called = check(BAD)
    assert called.code == 1
    assert "not what was exported: 2 problem(s)." in called.out
    assert "`a.onnx` is missing.\n`b` is long.\n" in called.err


@pytest.mark.parametrize(("found", "ok"), [(GOOD, True), (BAD, False)])
def test_json(found, ok, check):
    called = check(found, "--json")
    assert called.code == (0 if ok else 1)
    assert called.json["ok"] is ok
    assert called.json["problems"] == list(found.problems)
    assert called.json["measured"] == found.measured


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check=a", "runs/a"], "`--check` must stand alone.* also run"),
        (["--check=a", "--out=b", "--format=onnx"], "also out, format"),
        (["runs/a"], "`RUN` and `--out` must be given"),
        (["--out=b"], "`RUN` and `--out` must be given"),
        (["--check=missing"], "must hold a manifest.json"),
    ],
)
def test_bad_input(arguments, message, call):
    called = call("export", *arguments)
    assert called.code == 2
    assert called.err.count("\n") == 1
    assert re.search(message, called.err)
