import json
import os
import subprocess

import pytest

from keras_vae_serving import backends, doctor, extras
from keras_vae_serving.extras import Requirement

pytestmark = pytest.mark.once

WORKS = {
    "installed": True,
    "works": True,
    "version": "1.2.3",
    "devices": ["CPU:0", "GPU:0 NVIDIA H100"],
    "error": None,
}
MISSING = {
    "installed": False,
    "works": False,
    "version": None,
    "devices": [],
    "error": None,
}
BROKEN = MISSING | {"installed": True, "error": "no driver"}


@pytest.fixture
def machine(monkeypatch):
    """Describes a machine: what the probes answer, and what is installed."""

    def describe(first=WORKS, **versions):
        found = {"tensorflow": first, "jax": BROKEN, "torch": MISSING}
        names = [name for name in found if found[name]["installed"]]
        versions = {n.replace("_", "-"): v for n, v in versions.items()}
        needed = Requirement("matplotlib", "matplotlib>=3.8")
        monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
        monkeypatch.setattr(doctor, "probe", found.get)
        monkeypatch.setattr(backends, "is_installed", names.__contains__)
        monkeypatch.setattr(extras, "installed_version", versions.get)
        monkeypatch.setattr(extras, "requirements", lambda: {"viz": [needed]})

    return describe


def test_text(machine, capsys):
    machine(keras_vae="0.1.0", keras="3.15.1")
    assert doctor.main() == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith("keras-vae 0.1.0 on Python ")
    assert "tensorflow 1.2.3 works CPU:0, GPU:0 NVIDIA H100".split() in lines
    assert "jax - broken no driver".split() in lines
    assert 'torch - missing pip install "keras-vae[torch]"'.split() in lines
    assert "Commands run on tensorflow (KERAS_BACKEND)." in out
    assert ["keras", "3.15.1"] in lines
    assert (
        'viz missing matplotlib>=3.8 pip install "keras-vae[viz]"'.split()
        in lines
    )
    assert "Warnings" not in out


def test_columns_are_aligned(machine, capsys):
    machine(keras_vae="0.1.0")
    doctor.main()
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("Backends") + 1
    rows = lines[start : start + 3]
    states = ["works", "broken", "missing"]
    columns = [r.index(s) for r, s in zip(rows, states, strict=True)]
    assert len(set(columns)) == 1
    assert all(line == line.rstrip() for line in lines)


def test_json(machine, capsys):
    machine(keras_vae="0.1.0", matplotlib="3.9")
    assert doctor.main(["--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["backend"] == "tensorflow"
    assert report["backend_source"] == "KERAS_BACKEND"
    assert report["backends"]["jax"]["error"] == "no driver"
    assert report["packages"]["matplotlib"] == "3.9"
    assert report["extras"]["viz"] == {"missing": [], "install": None}
    assert report["warnings"] == []


@pytest.mark.parametrize("state", [BROKEN, MISSING])
def test_exit_code_1_if_no_backend_works(machine, state, capsys):
    machine(first=state)
    assert doctor.main() == 1
    warnings = capsys.readouterr().out.partition("\nWarnings\n")[2]
    told = "does not work here" if state is BROKEN else "is not installed"
    assert told in warnings


def test_two_tensorflows_are_warned_of(machine, capsys):
    machine(keras_vae="0.1.0", tensorflow="2.21.0", tensorflow_cpu="2.21.0")
    doctor.main()
    assert (
        "pip uninstall -y tensorflow tensorflow-cpu && pip install tensorflow"
        in capsys.readouterr().out
    )


def test_a_source_tree_is_told(machine, capsys):
    machine()
    doctor.main()
    assert "Install it with: pip install keras-vae" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("raise ImportError('no driver')", "ImportError: no driver"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import time; time.sleep(60)", "no answer within 1 seconds"),
    ],
)
def test_a_broken_backend_is_reported(monkeypatch, script, error):
    monkeypatch.setattr(backends, "is_installed", lambda name: True)
    monkeypatch.setattr(doctor, "TIMEOUT_S", 1 if "sleep" in script else 60)
    monkeypatch.setitem(doctor.PROBES, "jax", script)
    found = doctor.probe("jax")
    assert found["error"] == error
    assert not found["works"]


def test_a_missing_backend_is_not_asked(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a process was started")

    monkeypatch.setattr(backends, "is_installed", lambda name: False)
    monkeypatch.setattr(subprocess, "run", refuse)
    assert doctor.probe("jax") == MISSING


@pytest.mark.slow
@pytest.mark.parametrize("backend", backends.BACKENDS)
def test_a_real_backend_answers(backend):
    found = doctor.probe(backend)
    assert found["works"], found["error"]
    assert found["version"]
    assert found["devices"]
    assert os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE") is None
