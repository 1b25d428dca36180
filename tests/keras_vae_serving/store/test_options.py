import math

import pytest

from keras_vae_serving.store.options import StoreOptions

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file_system_poll_wait_seconds", -1),
        ("file_system_poll_wait_seconds", math.nan),
        ("max_num_load_retries", -1),
        ("load_retry_interval_micros", -1),
        ("num_load_threads", 0),
    ],
)
def test_values_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be at least"):
        StoreOptions(**{name: value})
