import pytest

from keras_vae_serving import AsyncClient, Client

pytestmark = pytest.mark.once

ENCRYPTED = "https://localhost:8501"


@pytest.fixture(params=[Client, AsyncClient])
def make(request):
    return lambda **options: request.param(ENCRYPTED, "digits", **options)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "1"])
def test_time_limits(make, seconds):
    message = "`timeout_s` must be a number of seconds above 0. Received: "
    with pytest.raises(ValueError, match=message):
        make(timeout_s=seconds)


@pytest.mark.parametrize("seconds", [0, None, float("nan"), True])
def test_time_limits_of_waiting(seconds):
    with Client("localhost:8500", "digits") as client:
        with pytest.raises(ValueError, match="`timeout_s` must be a number"):
            client.wait_until_ready(seconds)


@pytest.mark.parametrize(
    "key", ["word\r\nhost: b", " word", "wörd", b"a-key-of-sixteen-characters"]
)
def test_keys_that_cannot_be_sent(make, key):
    message = "`api_key` must be printable ASCII .*Received: another value"
    with pytest.raises(ValueError, match=message) as caught:
        make(api_key=key)
    assert repr(key) not in str(caught.value)


def test_a_key_is_not_empty(make):
    with pytest.raises(ValueError, match="must not be empty.*Leave it out"):
        make(api_key="")


def test_authorities_are_certificates(make, tmp_path):
    file = tmp_path / "ca.pem"
    with pytest.raises(FileNotFoundError):
        make(tls_ca=file)
    for text in (b"", b"no certificate", b"\xff"):
        file.write_bytes(text)
        message = "`tls_ca` must be a PEM file.*ca.pem', which holds none"
        with pytest.raises(ValueError, match=message):
            make(tls_ca=str(file))


@pytest.mark.parametrize("address", ["http://localhost:8501", "a:8500"])
def test_authorities_are_for_encrypted_addresses(tmp_path, address):
    message = "must be given with an encrypted address.*`https://` or `grpcs://"
    with pytest.raises(ValueError, match=message):
        Client(address, "digits", tls_ca=tmp_path / "ca.pem")
