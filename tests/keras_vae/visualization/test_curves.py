from types import SimpleNamespace

import numpy as np
import pytest

from keras_vae.visualization import loss_curves

pytestmark = pytest.mark.once

LOGS = {
    "loss": [5.0, 4.0, 3.0],
    "elbo": [-5.0, -4.0, -3.0],
    "kl": [1.0, 2.0, 2.5],
    "learning_rate": [0.1, 0.1, 0.01],
    "val_elbo": [-6.0, -5.0, -4.5],
}
ROWS = [
    dict(zip(LOGS, values, strict=True))
    for values in zip(*LOGS.values(), strict=True)
]


def panels(figure):
    return {
        axes.get_title(): {
            line.get_label(): line.get_xydata().tolist() for line in axes.lines
        }
        for axes in figure.axes
        if axes.get_title()
    }


@pytest.mark.parametrize(
    "history",
    [
        LOGS,
        ROWS,
        iter(ROWS),
        SimpleNamespace(history=LOGS),
        {name: np.array(values) for name, values in LOGS.items()},
    ],
    ids=["dict", "rows", "iterator", "History", "arrays"],
)
def test_each_metric_has_a_panel_with_its_curves(history):
    assert panels(loss_curves(history)) == {
        "Loss (lower is better)": {"training": [[1, 5], [2, 4], [3, 3]]},
        "ELBO (higher is better)": {
            "training": [[1, -5], [2, -4], [3, -3]],
            "validation": [[1, -6], [2, -5], [3, -4.5]],
        },
        "KL of the posterior from the prior": {
            "training": [[1, 1], [2, 2], [3, 2.5]]
        },
    }


def test_axes_are_labelled():
    figure = loss_curves(LOGS, metrics=["elbo", "learning_rate"])
    first, second = figure.axes
    assert first.get_xlabel() == second.get_xlabel() == "epoch"
    assert first.get_ylabel() == "nats per example"
    assert second.get_ylabel() == second.get_title() == "learning_rate"
    names = [text.get_text() for text in first.get_legend().texts]
    assert names == ["training", "validation"]


def test_epochs_without_a_metric_are_passed_over():
    rows = [{"kl": 1.0, "val_kl": None}, {"kl": 2.0}, {"val_kl": 3.0}]
    (curves,) = panels(loss_curves(rows)).values()
    assert curves == {"training": [[1, 1], [2, 2]], "validation": [[3, 3]]}


def test_nan_breaks_a_curve():
    figure = loss_curves({"kl": [1.0, np.nan, 2.0]})
    values = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_array_equal(values, [1.0, np.nan, 2.0])


@pytest.mark.parametrize("num_epochs", [1, 2, 100])
def test_epochs_are_whole_numbers(num_epochs):
    figure = loss_curves({"kl": np.arange(num_epochs)})
    figure.canvas.draw()
    ticks = figure.axes[0].get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))
    marker = figure.axes[0].lines[0].get_marker()
    assert marker == ("o" if num_epochs < 100 else "None")


@pytest.mark.parametrize(
    ("history", "metrics", "message"),
    [
        ({}, None, "at least one epoch.*Received: history={}"),
        ([], None, "at least one epoch"),
        ("metrics.jsonl", None, "Received: history='metrics.jsonl'"),
        (3, None, "at least one epoch.*history=3"),
        ({"accuracy": [1]}, None, "must hold.*'elbo'.*'accuracy'"),
        (LOGS, ["elbo", "auc"], r"must hold \['auc'\].*'learning_rate'"),
        (
            {"kl": [1, 2], "val_kl": [1]},
            None,
            "'val_kl': 1}.*one dict an epoch",
        ),
    ],
)
def test_bad_histories(history, metrics, message):
    with pytest.raises(ValueError, match=message):
        loss_curves(history, metrics)
