"""A stand-in for a REST server: says what a test wants, byte for byte.

Each answer's head and body are sent apart, with Nagle's algorithm on, as
TensorFlow Serving sends them.
"""

import contextlib
import json
import socket
import threading
import time
from typing import NamedTuple

TIMEOUT_S = 20


class Asked(NamedTuple):
    """A request as it arrived; `body` is read JSON, if there is any."""

    method: str
    path: str
    headers: dict
    body: object


class StandIn:
    """Answers requests one after the other, each connection in a thread.

    Args:
        answers: Called with each `Asked`, returns the status and the body;
            perhaps also the length that the head gives in place of the
            body's, after which the connection is closed, and how long to
            wait after each byte. `None` closes the connection at once.

    Attributes:
        asked: Every request, in order.
        num_connections: How many were made.
        url: Where it listens.
    """

    def __init__(self, answers):
        self.asked = []
        self.num_connections = 0
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT_S)
            self.num_connections += 1
            self._sockets.append(connection)
            thread = threading.Thread(target=self._serve, args=[connection])
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            while (asked := _read(lines)) is not None:
                self.asked.append(asked)
                answer = self._answers(asked)
                if answer is None:
                    return
                with contextlib.suppress(OSError):
                    _send(connection, *answer)
                if len(answer) > 2:
                    return


def _read(lines):
    try:
        first = lines.readline().decode()
        if not first:
            return None
        headers = {}
        while line := lines.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = lines.read(int(headers.get("content-length", 0)))
    except OSError:
        return None
    if not first.endswith("HTTP/1.1\r\n"):
        return None
    method, path, _ = first.split()
    return Asked(method, path, headers, json.loads(body) if body else None)


def _send(connection, status, body, length=None, wait_s=0.0):
    if not isinstance(body, bytes):
        body = body.encode("utf-8", "surrogateescape")
    head = (
        f"HTTP/1.1 {status} Some Words\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {length or len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode())
    if not wait_s:
        connection.sendall(body)
        return
    for place in range(len(body)):
        connection.sendall(body[place : place + 1])
        time.sleep(wait_s)
