import os

import pytest

from keras_vae_serving.batching import BatchingParameters
from keras_vae_serving.batching.parameters import from_fields

pytestmark = pytest.mark.once


def test_defaults_gather_rows_only_while_threads_are_busy():
    parameters = BatchingParameters()
    assert parameters.batch_timeout_micros == 0
    assert parameters.num_batch_threads >= 1


@pytest.mark.parametrize("is_told", [True, False])
def test_as_many_threads_as_processors_may_be_used(monkeypatch, is_told):
    """In a container these are often fewer than the machine has."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    if is_told:
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda process: {0, 5}, raising=False
        )
    else:
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    expected = 2 if is_told else 64
    assert BatchingParameters().num_batch_threads == expected


@pytest.mark.parametrize(
    ("sizes", "rows", "padded"),
    [((), 3, 3), ((2, 8), 1, 2), ((2, 8), 2, 2), ((2, 8), 3, 8), ((8,), 8, 8)],
)
def test_padding(sizes, rows, padded):
    parameters = BatchingParameters(8, allowed_batch_sizes=sizes)
    assert parameters.padded(rows) == padded


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"max_batch_size": 0}, ValueError, "must be at least 1.*=0"),
        ({"max_batch_size": "8"}, TypeError, "must be an integer.*'8'"),
        ({"num_batch_threads": True}, TypeError, "must be an integer"),
        ({"batch_timeout_micros": -1}, ValueError, "must be at least 0"),
        ({"max_enqueued_batches": 0}, ValueError, "must be at least 1"),
        ({"allowed_batch_sizes": (2, 4)}, ValueError, "end with max_batch_s"),
        ({"allowed_batch_sizes": (8, 64, 64)}, ValueError, "must increase"),
        ({"allowed_batch_sizes": (0, 64)}, ValueError, "must increase"),
    ],
)
def test_bad_values(values, error, message):
    with pytest.raises(error, match=message):
        BatchingParameters(**values)


def test_the_fields_of_a_file():
    found = from_fields(
        {
            "max_batch_size": {"value": 32},
            "batch_timeout_micros": {"value": 1000},
            "num_batch_threads": {"value": 3},
            "allowed_batch_sizes": [8, 32],
            "pad_variable_length_inputs": False,
        }
    )
    assert found == BatchingParameters(32, 1000, 100, 3, (8, 32), False)


def test_an_unknown_field():
    with pytest.raises(ValueError, match=r"Received: \['max_batch'\]"):
        from_fields({"max_batch": {"value": 3}})
