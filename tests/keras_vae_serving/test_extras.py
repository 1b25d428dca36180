from importlib import metadata

import pytest

from keras_vae_serving import extras
from keras_vae_serving.extras import Requirement

pytestmark = pytest.mark.once

REQUIRES = [
    "keras>=3.15",
    'keras-vae[cli,viz]; extra == "all"',
    'matplotlib>=3.8; extra == "viz"',
    "tensorflow>=2.18 ; extra == 'export'",
    'tf2onnx>=1.16.1; python_version >= "3.11" and extra == "export"',
    'pytest>=8; extra == "test"',
]


@pytest.fixture
def packages(monkeypatch):
    """Sets the versions that are installed."""

    def install(**versions):
        versions = {n.replace("_", "-"): v for n, v in versions.items()}
        monkeypatch.setattr(extras, "installed_version", versions.get)

    return install


def test_requirements_are_grouped_by_extra(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRES)
    assert extras.requirements() == {
        "": [Requirement("keras", "keras>=3.15")],
        "viz": [Requirement("matplotlib", "matplotlib>=3.8")],
        "export": [
            Requirement("tensorflow", "tensorflow>=2.18"),
            Requirement("tf2onnx", "tf2onnx>=1.16.1"),
        ],
    }


def test_a_source_tree_has_no_known_requirements(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    monkeypatch.setattr(metadata, "version", absent)
    assert extras.requirements() == {}
    assert extras.installed_version("keras-vae") is None


@pytest.mark.parametrize(
    ("text", "versions", "met"),
    [
        ("onnx>=1.17", {}, False),
        ("onnx>=1.17", {"onnx": "1.9.2"}, False),
        ("onnx>=1.17", {"onnx": "1.17.0rc1"}, True),
        ("onnx", {"onnx": "0.1"}, True),
        ("torch>=2.4", {"torch": "2.13.0+cpu"}, True),
        ("tensorflow>=2.18", {"tensorflow_cpu": "2.21.0"}, True),
        ("tensorflow>=2.18", {"tensorflow_cpu": "2.17.0"}, False),
    ],
)
def test_requirement_is_met(packages, text, versions, met):
    packages(**versions)
    name = text.partition(">")[0]
    assert extras.is_met(Requirement(name, text)) is met


EXPORT = ["tensorflow>=2.18", "tf2onnx>=1.16.1"]


@pytest.mark.parametrize(
    ("extra", "texts", "versions", "command"),
    [
        ("export", EXPORT, {}, 'pip install "keras-vae[export]"'),
        (
            "export",
            EXPORT,
            {"tensorflow": "2.1"},
            'pip install "keras-vae[export]"',
        ),
        # Never tensorflow beside its stand-in.
        (
            "export",
            EXPORT,
            {"tensorflow_cpu": "2.1"},
            'pip install "tensorflow-cpu>=2.18" "tf2onnx>=1.16.1"',
        ),
        (
            "export",
            EXPORT,
            {"tensorflow_cpu": "2.21"},
            'pip install "tf2onnx>=1.16.1"',
        ),
        (
            "cli",
            ["typer>=0.15"],
            {"tensorflow_cpu": "2.21"},
            'pip install "keras-vae[cli]"',
        ),
        ("cli", ["typer>=0.15"], {"typer": "0.15"}, None),
        ("", ["keras>=3.15"], {}, 'pip install "keras-vae"'),
    ],
)
def test_install_command(packages, extra, texts, versions, command):
    packages(**versions)
    required = [Requirement(text.partition(">")[0], text) for text in texts]
    assert extras.install_command(extra, required) == command
