"""A wire between a client and a server that a test can cut."""

import contextlib
import socket
import struct
import threading

TIMEOUT_S = 20


class Forwarder:
    """Passes on what it receives until it is cut.

    Args:
        port: Where to on 127.0.0.1.

    Attributes:
        address: Where it listens.
    """

    def __init__(self, port):
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = []
        self._threads = [threading.Thread(target=self._accept)]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        _shut(self._listener)
        self.cut()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def cut(self, reset=False):
        """Closes every connection, with a reset if asked to."""
        for one in self._sockets:
            if reset:
                _reset(one)
            else:
                _shut(one)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            self._sockets += [near, far]
            for pair in ((near, far), (far, near)):
                thread = threading.Thread(target=_pass_on, args=pair)
                self._threads.append(thread)
                thread.start()


def _pass_on(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _shut(sink)


def _shut(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _reset(one):
    linger = struct.pack("ii", 1, 0)
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        one.shutdown(socket.SHUT_RD)  # ends a reading that still holds it
    one.close()
