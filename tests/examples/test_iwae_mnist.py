"""The example of IWAE on MNIST: its schedule, its resuming, its verdict."""

import argparse
import importlib.util
import json
import pathlib

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
FIGURES = ROOT / "examples" / "figures"

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def example():
    path = ROOT / "examples" / "iwae_mnist.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_learning_rates_are_the_papers(example):
    rates = [example.learning_rate(epoch) for epoch in range(3280)]
    values, counts = np.unique(rates, return_counts=True)
    assert counts[::-1].tolist() == [3**i for i in range(8)]
    expected = [1e-3 * 10 ** (-i / 7) for i in range(8)]
    np.testing.assert_allclose(values[::-1], expected)
    assert (np.diff(rates) <= 0).all()


def make_options(work, **values):
    work.mkdir(exist_ok=True)
    defaults = {"work": work, "seed": 0, "cpu_minutes": 60.0}
    return argparse.Namespace(**{**defaults, **values})


def make_data():
    rng = np.random.default_rng(0)
    grey = rng.random((40, 28, 28, 1)) * rng.random((28, 28, 1))
    x_test = (rng.random((5, 28, 28, 1)) < 0.3).astype("float32")
    return (255 * grey).astype("uint8"), x_test


@pytest.mark.slow
def test_an_interrupted_run_goes_on_where_it_stopped(
    example, tmp_path, to_numpy
):
    data = make_data()
    whole = make_options(tmp_path / "whole")
    parts = make_options(tmp_path / "parts")
    expected, state = example.train_row("iwae5", 2, *data, whole)
    for epochs in (1, 2):
        received, resumed = example.train_row("iwae5", epochs, *data, parts)
    assert resumed["epoch"] == 2
    assert resumed["curve"] == state["curve"]
    for a, b in zip(
        [*expected.get_weights(), *expected.optimizer.variables],
        [*received.get_weights(), *received.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_allclose(to_numpy(a), to_numpy(b), 1e-5, 1e-7)
    kept = sorted(path.name for path in parts.work.iterdir())
    assert kept == ["iwae5-0002.keras", "iwae5.json"]
    parts.seed = 1
    with pytest.raises(SystemExit, match="was trained with"):
        example.train_row("iwae5", 3, *data, parts)


def test_a_row_stops_at_its_budget(example):
    state = {"epoch": 3, "cpu_seconds": 50.0, "seconds": [30.0, 10.0, 10.0]}
    assert example.may_go_on(state, epochs=4, cpu_minutes=1.0)
    assert not example.may_go_on(state, epochs=3, cpu_minutes=1.0)
    assert not example.may_go_on(state, epochs=4, cpu_minutes=0.9)


def test_the_rows_start_from_the_same_weights(example, to_numpy):
    mean_image = np.random.default_rng(0).random((28, 28, 1))
    vae, iwae = (example.build_vae(k, 0, mean_image) for k in (1, 5))
    for a, b in zip(vae.get_weights(), iwae.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    start = 1 / (1 + np.exp(-to_numpy(vae.likelihood.head.dense.bias)))
    expected = np.clip(mean_image, 0.001, 0.999).ravel()
    np.testing.assert_allclose(start, expected, 1e-4)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, None),
        ({"epochs": 9}, "equal_epochs"),
        ({"nll": 101.0}, "nll_falls"),
        ({"active_units": 17}, "active_units_do_not_fall"),
    ],
)
def test_the_verdict(example, change, wrong):
    rows = [
        {"epochs": 10, "nll": 100.0, "active_units": 18},
        {"epochs": 10, "nll": 99.0, "active_units": 18, **change},
        {"epochs": 10, "nll": 98.0, "active_units": 20},
    ]
    verdict = example.compare(rows)
    assert [name for name, holds in verdict.items() if not holds] == (
        [wrong] if wrong else []
    )


def test_the_figures_stand_in_the_readme(example):
    report = json.loads((FIGURES / "iwae_mnist.json").read_text())
    verdict = example.compare(report["rows"])
    assert all(verdict.values())
    assert [row["row"] for row in report["rows"]] == [*example.NAMES.values()]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in report["rows"]:
        line = (
            f"| {row['row']} | {row['nll']:.2f} | {row['active_units']} "
            f"| {row['epochs']} | {row['test_images']:,} "
            f"| {row['importance_samples']:,} "
            f"| {row['training_cpu_minutes']:.0f} |"
        )
        assert line in readme, f"Put this line into README.md:\n{line}"
