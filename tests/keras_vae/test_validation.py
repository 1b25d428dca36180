"""The helpers that check arguments."""

import numpy as np
import pytest

from keras_vae.validation import (
    one_of,
    optional_import,
    positive_int,
    require,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize("value", [1, 7, np.int32(3), np.int64(3)])
def test_positive_int_returns_an_integer(value):
    result = positive_int("n", value, "Pass `n=1`.")
    assert type(result) is int and result == value


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, ValueError),
        (-3, ValueError),
        (np.int64(0), ValueError),
        (1.0, TypeError),
        ("1", TypeError),
        (None, TypeError),
        (True, TypeError),
        (np.float32(2), TypeError),
    ],
)
def test_positive_int_refuses_the_rest(value, error):
    message = (
        "`n` must be a positive integer. Received: n=.* of type "
        f"{type(value).__name__}. Pass `n=1`."
    )
    with pytest.raises(error, match=message):
        positive_int("n", value, "Pass `n=1`.")


def test_require():
    require(True, "never seen")
    with pytest.raises(ValueError, match="^seen$"):
        require(False, "seen")


def test_one_of():
    assert one_of("kind", "a", ("a", "b"), 'Pass `kind="a"`.') == "a"
    message = r"`kind` must be one of \['a', 'b'\]. Received: kind='c'. Pass"
    with pytest.raises(ValueError, match=message):
        one_of("kind", "c", ("a", "b"), 'Pass `kind="a"`.')


def test_optional_import():
    assert optional_import("json", "viz", "It").dumps([]) == "[]"
    message = (
        "It needs `no_such_module`, which could not be imported .*Install it "
        r'with: pip install "keras-vae\[viz\]"'
    )
    with pytest.raises(ImportError, match=message):
        optional_import("no_such_module", "viz", "It")
