import pytest

from tests.keras_vae_serving.rpc.loopback import Loopback


@pytest.fixture(scope="module")
def loopback():
    """A server of two versions of `echo`."""
    with Loopback() as started:
        yield started
