"""The examples answer `--help`, and the README shows the figures they wrote."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
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


def example(name):
    """Imports an example, which no package holds."""
    path = ROOT / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_backends_agree_in_the_figures_that_stand_in_the_readme():
    report = json.loads((FIGURES / "backend_agreement.json").read_text())
    found = example("backend_agreement").compare(report["curves"])
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
    pairs = example("backend_agreement").compare(curves)["pairs"]
    assert [pair["agree"] for pair in pairs] == [True, False, False]


def test_the_bits_per_dim_of_the_readme_are_those_that_were_measured():
    report = json.loads((FIGURES / "natural_patches.json").read_text())
    table = example("natural_patches").table(report["likelihoods"])
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "nats_per_dim"),
    [("categorical", -np.log(256)), ("mixture", -np.log(256)), ("normal", 0.0)],
)
def test_a_uniform_model_costs_8_bits_as_mass_or_as_density(name, nats_per_dim):
    nats = np.full(3, nats_per_dim * 64 * 64 * 3)
    found = example("natural_patches").bits_per_dim(name, nats)
    np.testing.assert_allclose(found, 8.0, rtol=1e-12)


def test_the_gaussian_is_given_levels_filled_up_to_the_next():
    values = example("natural_patches").values
    levels = np.arange(256)
    x = (levels / 255).astype("float32")
    filled = [values("normal", x, seed=seed) * 256 for seed in range(50)]
    for one in filled:
        assert np.all((levels <= one) & (one <= levels + 1))
    mean = np.mean(filled, axis=0) - levels
    np.testing.assert_allclose(mean.mean(), 0.5, atol=0.02)
    np.testing.assert_array_equal(values("categorical", x, seed=0), x)
