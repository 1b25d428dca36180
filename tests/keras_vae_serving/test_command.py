import importlib
import os
import pathlib
import subprocess
import sys
import types

import pytest

from keras_vae_serving import backends, command, doctor
from keras_vae_serving.backends import UsageError

pytestmark = pytest.mark.once

SERVING = pathlib.Path(command.__file__).parents[1]


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """Hides this machine's choice of a backend; puts it back afterwards."""
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


@pytest.fixture
def installed(monkeypatch):
    """Sets which packages are found."""

    def install(*names):
        monkeypatch.setattr(backends, "is_installed", names.__contains__)

    install("keras", "typer", "rich", *backends.BACKENDS)
    return install


@pytest.fixture
def cli(monkeypatch, installed):
    """Stands in for `keras_vae.cli`; records what it was called with."""
    module = types.ModuleType("keras_vae.cli")
    module.calls = []

    def main(argv):
        module.calls.append((argv, os.environ["KERAS_BACKEND"]))
        return 7

    module.main = main
    monkeypatch.setitem(sys.modules, "keras_vae.cli", module)
    return module


@pytest.mark.parametrize(
    "argv", [[], ["--help"], ["-h"], ["--backend", "jax"], ["--help", "train"]]
)
def test_help_names_every_command(argv, capsys):
    assert command.main(argv) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in command.COMMANDS)
    assert max(map(len, out.splitlines())) <= 80


def test_version(capsys):
    assert command.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("keras-vae ")


def test_arguments_default_to_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["keras-vae", "--version"])
    assert command.main() == 0
    assert capsys.readouterr().out.startswith("keras-vae ")


def test_help_imports_standard_library_only():
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from keras_vae_serving import command\n"
        "code = command.main(['--help'])\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "extra = new - set(sys.stdlib_module_names) - {'keras_vae_serving'}\n"
        "sys.exit(f'exit code {code}, imported {extra}'"
        " if code or extra else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(SERVING)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "quickstart" in done.stdout


@pytest.mark.parametrize(
    ("argv", "backend", "rest"),
    [
        (["train", "--out", "x"], None, ["train", "--out", "x"]),
        (["--backend", "jax", "train"], "jax", ["train"]),
        (["train", "--backend", "jax", "--out", "x"], "jax", None),
        (["train", "--out", "x", "--backend=jax"], "jax", None),
        (["train", "--backend=jax", "--backend=torch"], "torch", ["train"]),
        (["a", "--", "--backend", "b"], None, ["a", "--", "--backend", "b"]),
    ],
)
def test_backend_is_taken_out(argv, backend, rest):
    rest = ["train", "--out", "x"] if rest is None else rest
    assert command.take_backend(argv) == (backend, rest)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train", "--backend"], "must be one of tensorflow, jax, torch"),
        (["--backend="], "Received: --backend=''. Call e.g."),
        (["doctor", "--backend", "theano"], "Received: --backend='theano'"),
        (["trian"], "Did you mean `keras-vae train`?"),
        (["zzz"], "must be one of train, evaluate, export"),
        (["--json"], "as in `keras-vae train --json`"),
        (["doctor", "--jsn"], "unrecognized arguments: --jsn"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(argv, message, capsys):
    assert command.main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("Error: ")
    assert message in captured.err


@pytest.mark.parametrize(
    ("packages", "message"),
    [
        (("keras", "rich", "jax"), 'pip install "keras-vae[cli]"'),
        (("keras", "typer", "jax"), 'pip install "keras-vae[cli]"'),
        (("typer", "rich", "jax"), 'pip install "keras-vae"'),
        (("keras", "typer", "rich"), 'pip install "keras-vae[jax]"'),
    ],
)
def test_what_is_missing_is_one_line(cli, installed, packages, message, capsys):
    installed(*packages)
    assert command.main(["train"]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert cli.calls == []


@pytest.mark.parametrize(
    ("argv", "call"),
    [
        (["train", "--backend", "torch", "-v"], (["train", "-v"], "torch")),
        (["export", "--help"], (["export", "--help"], "tensorflow")),
    ],
)
def test_the_rest_is_for_keras(cli, argv, call, capsys):
    assert command.main(argv) == 7
    assert cli.calls == [call]
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2"
    assert capsys.readouterr().err == ""


def test_a_log_level_of_the_user_stays(cli, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    command.main(["train"])
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_another_backend_than_configured_is_told(
    cli, installed, tmp_path, capsys
):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    installed("keras", "typer", "rich", "torch")
    assert command.main(["train"]) == 7
    assert cli.calls == [(["train"], "torch")]
    assert capsys.readouterr().err.startswith("Note: keras.json names")


def test_a_backend_that_cannot_be_imported_is_one_line(
    installed, monkeypatch, capsys
):
    def fail(name):
        raise ImportError("libcudart.so.13 is missing")

    monkeypatch.setattr(importlib, "import_module", fail)
    assert command.main(["train", "--backend", "torch"]) == 2
    err = capsys.readouterr().err
    assert "on the torch backend (libcudart.so.13 is missing)" in err
    assert "Call `keras-vae doctor`" in err


def test_an_interruption_is_told(cli, monkeypatch, capsys):
    def interrupt(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupt)
    assert command.main(["train"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_the_doctor_hears_of_a_backend_that_is_missing(monkeypatch, installed):
    seen = []

    def examine(argv):
        seen.append((argv, os.environ["KERAS_BACKEND"]))
        return 1

    installed()
    monkeypatch.setattr(doctor, "main", examine)
    assert command.main(["doctor", "--backend", "jax", "--json"]) == 1
    assert seen == [(["--json"], "jax")]


def test_usage_errors_are_raised_for_those_who_call_the_parts():
    with pytest.raises(UsageError, match="`--backend` must be one of"):
        command.take_backend(["--backend", "theano"])
