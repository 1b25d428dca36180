"""The examples answer `--help`, and the README shows the figures they wrote."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
FIGURES = ROOT / "examples" / "figures"

pytestmark = pytest.mark.once


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_explains_itself(path):
    result = subprocess.run(
        [sys.executable, path, "--help"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "tensorflow"},
    )
    assert result.returncode == 0, result.stderr
    assert "usage:" in result.stdout


def backend_agreement():
    """Imports the example, which no package holds."""
    path = ROOT / "examples" / "backend_agreement.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_backends_agree_in_the_figures_that_stand_in_the_readme():
    report = json.loads((FIGURES / "backend_agreement.json").read_text())
    found = backend_agreement().compare(report["curves"])
    assert found["mean_test_elbo"] == report["mean_test_elbo"]
    assert all(pair["agree"] for pair in found["pairs"])
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    means = [
        report["mean_test_elbo"][b] for b in ("tensorflow", "jax", "torch")
    ]
    row = " | ".join(f"{mean:.2f}" for mean in means)
    assert f"| mean test ELBO (nats) | {row} |" in readme


def test_backends_that_differ_are_said_to_differ():
    curves = {
        "tensorflow": [[-110.0], [-110.1]],
        "jax": [[-110.0], [-110.2]],
        "torch": [[-112.0], [-112.1]],
    }
    pairs = backend_agreement().compare(curves)["pairs"]
    assert [pair["agree"] for pair in pairs] == [True, False, False]
