import pytest

from keras_vae_serving import AsyncClient, Client
from keras_vae_serving.client import target

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("address", "protocol", "found", "is_encrypted"),
    [
        ("http://localhost:8501", "rest", "localhost:8501", False),
        ("http://localhost:8501/", "rest", "localhost:8501", False),
        ("http://example.org", "rest", "example.org:80", False),
        ("https://example.org", "rest", "example.org:443", True),
        ("http://[::1]:8501", "rest", "[::1]:8501", False),
        ("http://[::1]", "rest", "[::1]:80", False),
        ("localhost:8500", "grpc", "localhost:8500", False),
        ("[::1]:8500", "grpc", "[::1]:8500", False),
        ("grpc://tf_serving:8500", "grpc", "tf_serving:8500", False),
        ("grpcs://example.org:443", "grpc", "example.org:443", True),
    ],
)
def test_addresses(address, protocol, found, is_encrypted):
    parsed = target.parse(address, "digits", None, None)
    assert parsed[:3] == (protocol, found, is_encrypted)
    assert parsed.prefix == ""


@pytest.mark.parametrize(
    ("address", "version", "label", "path"),
    [
        ("http://a:1", None, None, "/v1/models/m"),
        ("https://a", 2, None, "/v1/models/m/versions/2"),
        ("http://a:1/b/c/", None, "d e", "/b/c/v1/models/m/labels/d%20e"),
    ],
)
def test_paths(address, version, label, path):
    assert target.parse(address, "m", version, label).path == path
    quoted = target.parse(address, "é/:?", version, label).path
    assert quoted == path.replace("models/m", "models/%C3%A9%2F%3A%3F")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (8501, "must be a string. Received: address=8501. Pass e.g."),
        ("", "must be a URL, or host:port. Received: address=''"),
        ("localhost", "must be a URL, or host:port"),
        ("http://", "must be a URL, or host:port"),
        ("http://user:word@localhost:8501", "must be a URL, or host:port"),
        ("http://local host:8501", "must be a URL, or host:port"),
        ("http://a..b:8501", "must be a URL, or host:port"),
        ("http://a:99999", "must be a URL, or host:port"),
        ("a:0", "must be a URL, or host:port"),
        ("http://a:8501?x=1", "must be a URL, or host:port"),
        ("http://a:8501/b?x=1", "must be a URL without a query"),
        ("http://a:8501/v1/models/m:predict", "without /v1/models"),
        ("ftp://a:21", r"must be of the schemes \['http', 'https', 'grpc"),
        ("a:8500/b", "must be host:port alone where gRPC is spoken"),
        ("http://a:1\r\nx: y", "must be a URL, or host:port"),
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_is_no_address(address, message, kind):
    with pytest.raises(ValueError, match=message):
        kind(address, "digits")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": ""}, "`model` must be a string that is not empty"),
        ({"model": None}, "Received: model=None. Pass e.g. `Client"),
        ({"version": -1}, "`version` must be an integer of at least 0"),
        ({"version": True}, "Received: version=True of type bool"),
        ({"version": 2**63}, "`version` must be an integer"),
        ({"version": "1"}, "Received: version='1' of type str"),
        ({"label": ""}, "`label` must be a string that is not empty"),
        ({"version": 1, "label": "a"}, "must not be given together"),
    ],
)
def test_what_is_no_version(options, message):
    with pytest.raises(ValueError, match=message):
        Client("localhost:8500", **{"model": "digits", **options})
