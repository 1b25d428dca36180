import errno
import socket
import sys

import pytest

from keras_vae_serving.operations import listening

pytestmark = pytest.mark.once


def test_any_free_port():
    (one,) = listening.bind("127.0.0.1", 0, "--port")
    assert one.getsockname()[1] > 0
    one.close()


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = rf"127.0.0.1:{port} \(Address already in use\). .*--a 0"
        with pytest.raises(OSError, match=message):
            listening.bind("127.0.0.1", port, "--a")
        with pytest.raises(OSError, match=message):
            listening.check_free("127.0.0.1", port, "--a")
    listening.check_free("127.0.0.1", port, "--a")


def test_a_host_that_is_none():
    with pytest.raises(OSError, match="`--host` must be an address of this"):
        listening.bind("no-such-host.invalid", 0, "--port")
    with pytest.raises(OSError, match="Nothing can listen on 192.0.2.1:0"):
        listening.bind("192.0.2.1", 0, "--port")


@pytest.fixture
def addresses(monkeypatch):
    """`addresses(...)` are those that every name has."""

    def have(*found):
        rows = [(f, socket.SOCK_STREAM, 6, "", a) for f, a in found]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)

    return have


def test_every_address_of_a_name_has_the_same_port(addresses):
    addresses(
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_INET, ("127.0.0.2", 0)),
        (socket.AF_INET, ("127.0.0.2", 0)),
    )
    found = listening.bind("name", 0, "--port")
    hosts, ports = zip(*(one.getsockname() for one in found), strict=True)
    for one in found:
        one.close()
    assert hosts == ("127.0.0.1", "127.0.0.2")
    assert ports[0] == ports[1]


def test_one_address_that_is_taken_is_an_error(addresses):
    addresses(
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_INET, ("127.0.0.2", 0)),
    )
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="already in use"):
            listening.bind("name", port, "--port")
    # The other one was let go.
    listening.check_free("127.0.0.1", port, "--port")


def test_an_address_that_the_machine_has_not(addresses, monkeypatch):
    """`localhost` may have an address of IPv6 where there is no IPv6."""
    addresses(
        (socket.AF_INET, ("192.0.2.1", 0)),
        (socket.AF_INET, ("127.0.0.1", 0)),
    )
    (one,) = listening.bind("localhost", 0, "--port")
    assert one.getsockname()[0] == "127.0.0.1"
    one.close()
    addresses()
    with pytest.raises(OSError, match="it has no address"):
        listening.bind("localhost", 0, "--port")


def test_brackets():
    assert listening.bracketed("::1") == "[::1]"
    assert listening.bracketed("127.0.0.1") == "127.0.0.1"


class Limits:
    """A `resource` whose limits are numbers."""

    RLIMIT_NOFILE = 7
    RLIM_INFINITY = -1

    def __init__(self, soft, hard, error=None):
        self.limits = (soft, hard)
        self._error = error

    def getrlimit(self, which):
        return self.limits

    def setrlimit(self, which, limits):
        if self._error is not None:
            raise self._error
        self.limits = limits


@pytest.mark.parametrize(
    ("limits", "expected", "left"),
    [
        (Limits(1024, 4096), 2000, (2000, 4096)),
        (Limits(1024, 1500), 1500, (1500, 1500)),
        (Limits(1024, -1), 2000, (2000, -1)),
        (Limits(5000, 9000), 2000, (5000, 9000)),
        (Limits(-1, -1), 2000, (-1, -1)),
        (Limits(256, -1, ValueError()), 256, (256, -1)),
        (Limits(256, 512, OSError(errno.EPERM, "")), 256, (256, 512)),
        (None, 2000, None),
    ],
)
def test_open_files(monkeypatch, limits, expected, left):
    monkeypatch.setitem(sys.modules, "resource", limits)
    assert listening.allow_open_files(2000) == expected
    assert limits is None or limits.limits == left
