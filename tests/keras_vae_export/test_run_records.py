import hashlib
import json

import pytest

from keras_vae_export import run_records
from keras_vae_export.run_records import RunRecords

pytestmark = pytest.mark.once

MODEL = b"weights"
DIGEST = hashlib.sha256(MODEL).hexdigest()
CONFIG = {"dataset": "digits", "splits": {"train": "train", "test": "test"}}


@pytest.fixture
def read(tmp_path):
    """Reads a run directory with the files that are given, by their names."""

    def call(model="model.keras", **files):
        (tmp_path / model).write_bytes(MODEL)
        for name, text in files.items():
            ending = "json" if name == "config" else "jsonl"
            (tmp_path / f"{name}.{ending}").write_text(text)
        return run_records.read(tmp_path / model)

    return call


def lines(*rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def row(**changes):
    values = {"model_sha256": DIGEST, "split": "test", "seed": 0, "elbo": -1.0}
    return {**values, **changes}


def test_what_train_and_evaluate_wrote(read):
    epochs = [{"epoch": 1, "elbo": -3.0}, {"epoch": 2, "elbo": -2.0}]
    found = read(
        config=json.dumps(CONFIG),
        metrics=lines(*epochs),
        evaluations=lines(row()),
    )
    assert found == RunRecords(
        config=CONFIG,
        epochs=tuple(epochs),
        evaluations=(row(),),
        model_sha256=DIGEST,
    )


def test_a_directory_of_others(read):
    found = read(
        config='{"architectures": []}',
        metrics='{"step": 3}\n',
        evaluations='{"accuracy": 0.5}\n',
    )
    assert found == RunRecords(num_others=1, model_sha256=DIGEST)


def test_a_model_alone(read, make_kind):
    assert read() == RunRecords(model_sha256=DIGEST)
    assert read("other.keras", config=json.dumps(CONFIG)) == RunRecords()
    assert run_records.read(make_kind()) == RunRecords()


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '"text"', "[" * 100_000, "9" * 5000]
)
def test_a_spoilt_config_is_told(text, read):
    found = read(config=text)
    assert found.config is None
    (problem,) = found.problems
    assert problem == "config.json is no JSON object and was left out."


def test_spoilt_lines_are_told(read):
    good = json.dumps({"epoch": 8})
    spoilt = "\n".join(["half", "[1]", "3", "", "{", "]", "x", good])
    found = read(metrics=spoilt)
    assert found.epochs == ({"epoch": 8},)
    (problem,) = found.problems
    assert problem == (
        "metrics.jsonl has lines that are no JSON objects and were left out: "
        "1, 2, 3, 5, 6 and more."
    )


def test_files_that_cannot_be_read_are_told(read, tmp_path):
    (tmp_path / "config.json").mkdir()
    (tmp_path / "metrics.jsonl").write_bytes(b"\xff\xfe{}")
    assert read().problems == (
        "config.json is no file and was left out.",
        "metrics.jsonl could not be read: it is not UTF-8.",
    )


def test_evaluations_of_another_model_are_left_out(read):
    other = row(model_sha256="0" * 64)
    found = read(evaluations=lines(other, row(), other))
    assert found.evaluations == (row(),)
    assert found.num_others == 2


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([row(elbo=-2.0), row(elbo=-1.0)], [1]),
        ([row(), row(seed=1)], [0, 1]),
        ([row(), row(split="train"), row(limit=5)], [0, 1, 2]),
        ([row(), row(importance_samples=10)], [1]),
        ([row(importance_samples=10), row()], [0]),
        ([row(importance_samples=10), row(importance_samples=20)], [0, 1]),
        ([row(split=["odd"]), row(split={"odd": 1})], [0, 1]),
    ],
)
def test_the_same_measurement_stands_once(rows, kept, read):
    found = read(evaluations=lines(*rows))
    assert found.evaluations == tuple(rows[index] for index in kept)
