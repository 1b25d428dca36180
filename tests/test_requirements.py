"""What `.ci/requirements.py` prints for the Makefile and CI."""

import importlib.metadata
import importlib.util
import pathlib
import platform

import pytest

pytestmark = pytest.mark.once

PATH = pathlib.Path(__file__).parents[1] / ".ci" / "requirements.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("requirements", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def machine(monkeypatch):
    """Describes a machine: its platform, and whether it has tensorflow."""

    def describe(system, processor, has_tensorflow=False):
        def version(name):
            if not has_tensorflow:
                raise importlib.metadata.PackageNotFoundError(name)
            return "2.21.0"

        monkeypatch.setattr(platform, "system", lambda: system)
        monkeypatch.setattr(platform, "machine", lambda: processor)
        monkeypatch.setattr(importlib.metadata, "version", version)

    return describe


def test_extras_are_expanded_with_their_own(script, machine, capsys):
    machine("Linux", "x86_64")
    script.main(["all", "test"])
    lines = capsys.readouterr().out.splitlines()
    names = [line.partition(">")[0] for line in lines]
    assert len(set(names)) == len(names)
    assert "keras-vae" not in " ".join(names)
    assert {"keras", "jax", "torch", "typer", "pytest"} <= set(names)
    assert {"tensorflow-cpu", "tensorflow-datasets"} <= set(names)
    assert "tensorflow" not in names


@pytest.mark.parametrize(
    ("description", "name"),
    [
        (("Linux", "x86_64"), "tensorflow-cpu"),
        (("Linux", "x86_64", True), "tensorflow"),
        (("Linux", "aarch64"), "tensorflow"),
        (("Darwin", "arm64"), "tensorflow"),
        (("Windows", "AMD64"), "tensorflow"),
    ],
)
def test_one_tensorflow_is_chosen(script, machine, capsys, description, name):
    machine(*description)
    script.main(["tensorflow"])
    lines = capsys.readouterr().out.splitlines()
    found = [line for line in lines if line.startswith("tensorflow")]
    assert [line.partition(">")[0] for line in found] == [name]


def test_an_unknown_extra_is_told(script):
    with pytest.raises(SystemExit, match="must be one of .*Received: nope"):
        script.main(["nope"])
