import json

import pytest

from keras_vae_serving import backends
from keras_vae_serving.backends import UsageError

pytestmark = pytest.mark.once


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Describes a machine: its environment, keras.json and packages."""

    def describe(environment=None, configured=None, installed=()):
        monkeypatch.setenv("KERAS_BACKEND", environment or "")
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        if configured is not None:
            path = tmp_path / "keras.json"
            path.write_text(json.dumps({"backend": configured}))
        monkeypatch.setattr(backends, "is_installed", installed.__contains__)

    return describe


@pytest.mark.parametrize(
    ("requested", "described", "expected"),
    [
        ("jax", {"environment": "torch"}, ("jax", "--backend")),
        (None, {"environment": "torch"}, ("torch", "KERAS_BACKEND")),
        (None, {"configured": "jax"}, ("jax", "keras.json")),
        (None, {}, ("tensorflow", "first installed")),
        (
            None,
            {"installed": ("torch", "jax")},
            ("jax", "first installed"),
        ),
        # Keras writes "tensorflow" into keras.json by itself.
        (
            None,
            {"configured": "tensorflow", "installed": ("torch",)},
            ("torch", "first installed"),
        ),
    ],
)
def test_choice(machine, requested, described, expected):
    machine(**{"installed": backends.BACKENDS} | described)
    choice = backends.choose(requested)
    assert (choice.name, choice.source) == expected
    assert choice.note == ""


@pytest.mark.parametrize("configured", ["jax", "numpy", ["jax"]])
def test_an_unusable_configuration_is_told(machine, configured):
    machine(configured=configured, installed=("torch",))
    choice = backends.choose()
    assert choice.name == "torch"
    assert "cannot be used here; running on torch" in choice.note


@pytest.mark.parametrize(
    ("requested", "described", "message"),
    [
        (
            "theano",
            {},
            "`--backend` must be one of tensorflow, jax, torch. "
            "Received: --backend='theano'. Call e.g.",
        ),
        (None, {"environment": "numpy"}, "`KERAS_BACKEND` must be one of"),
        (
            "torch",
            {"installed": ("jax",)},
            "--backend='torch', which is not installed. Install it with: "
            'pip install "keras-vae[torch]"',
        ),
        (
            None,
            {"environment": "jax", "installed": ("torch",)},
            'pip install "keras-vae[jax]"',
        ),
        (None, {"installed": ()}, "No backend of Keras is installed"),
    ],
)
def test_no_choice(machine, requested, described, message):
    machine(**{"installed": backends.BACKENDS} | described)
    with pytest.raises(UsageError) as caught:
        backends.choose(requested)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"jax"', None])
def test_a_damaged_configuration_names_nothing(machine, tmp_path, text):
    machine()
    if text is not None:
        (tmp_path / "keras.json").write_text(text)
    assert backends.configured_backend() is None


def test_a_package_is_found_without_importing_it(monkeypatch, tmp_path):
    for name, file in (("whole", "__init__.py"), ("left_behind", "data.txt")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert backends.is_installed("whole")
    assert not backends.is_installed("left_behind")
    assert not backends.is_installed("absent")
