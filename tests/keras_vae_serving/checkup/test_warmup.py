import re

import numpy as np
import pytest

from keras_vae_serving.checkup import warmup
from tests.keras_vae_serving.checkup.warmup_files import (
    field,
    records,
    request,
)

pytestmark = pytest.mark.once

Z = np.ones((1, 300), "float32")  # Long enough for lengths of two bytes.
SIGNATURES = {
    "decode": ["z"],
    "serving_default": ["z"],
    "generate": ["num_samples", "seed"],
}
GENERATE = {"num_samples": np.array(1, "int32"), "seed": np.array(7)}
GOOD = records(
    request("decode", {"z": Z}),
    request("", {"z": Z}),
    request("generate", GENERATE),
    b"",  # A log of another kind.
)


def test_good_requests():
    assert warmup.problems(GOOD, SIGNATURES) == []
    assert warmup.problems(b"", SIGNATURES) == []


def test_metadata_before_the_request_is_skipped():
    log = field(1, b"metadata") + request("decode", {"z": Z})
    assert warmup.problems(records(log), SIGNATURES) == []
    log = field(1, b"metadata") + request("nope", {"z": Z})
    assert "nope" in warmup.problems(records(log), SIGNATURES)[0]


def test_requests_that_batching_refuses():
    assert warmup.unbatchable(GOOD) == ["generate"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (records(request("nope", {"z": Z})), "`nope`, which is no signature"),
        (
            records(request("decode", {"x": Z})),
            r"gives `decode` the inputs \['x'\], which takes \['z'\]",
        ),
        (GOOD[:-5], "a record ends before its length"),
        (GOOD[:6], "a record ends before its length"),
        (GOOD[:20], "a record ends before its length"),
        (records(b"\x08\x01"), "a field that holds no message"),
        (records(b"\x32\x05a"), "a field ends before its length"),
        (records(b"\x32\x80"), "a number that does not end"),
        (records(field(6, field(1, b"\xff"))), "must be a TFRecord"),
    ],
)
def test_bad_requests(content, message):
    (found,) = warmup.problems(content, SIGNATURES)
    assert re.search(message, found)
    assert found.startswith("`assets.extra/tf_serving_warmup_requests`")
    assert found.endswith("Export the version again.")
