import socket
import sys

import pytest

from keras_vae_serving.operations import unsent

pytestmark = pytest.mark.once


class Transport:
    def __init__(self, one=None, buffered=5):
        self._one = one
        self._buffered = buffered

    def get_write_buffer_size(self):
        return self._buffered

    def get_extra_info(self, name):
        return self._one


@pytest.mark.skipif(
    sys.platform != "linux", reason="Other systems do not say it this way."
)
def test_what_the_system_holds_is_counted():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = socket.create_connection(listening.getsockname())
        other, _ = listening.accept()
    with one, other:
        one.setblocking(False)
        for _ in range(300):
            try:
                one.send(bytes(65536))
            except BlockingIOError:
                break
        full = unsent.unsent_bytes(Transport(one))
        assert full > 65536
        taken = 0
        while taken < full:
            taken += len(other.recv(1 << 20))
        assert unsent.unsent_bytes(Transport(one)) < full


def test_a_connection_that_is_gone():
    one = socket.socket()
    one.close()
    assert unsent.unsent_bytes(Transport(one)) == 5
    assert unsent.unsent_bytes(Transport(None)) == 5


@pytest.mark.parametrize("module", ["fcntl", "termios"])
def test_systems_that_do_not_say(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with socket.socket() as one:
        assert unsent.unsent_bytes(Transport(one)) == 5
    monkeypatch.setattr(sys, "platform", "darwin")
    assert unsent.unsent_bytes(Transport(None)) == 5
