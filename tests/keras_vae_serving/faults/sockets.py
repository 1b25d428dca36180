"""HTTP as bytes: what no client library would send."""

import contextlib
import json
import socket
import time

TIMEOUT_S = 10


@contextlib.contextmanager
def connected(port, timeout=TIMEOUT_S):
    with socket.create_connection(("127.0.0.1", port), timeout) as one:
        yield one


def post(body=b"", *headers, length=None, path="/v1/models/digits:predict"):
    """The bytes of a POST, with its length unless that is `False`."""
    lines = [b"POST %s HTTP/1.1" % path.encode(), b"Host: x", *headers]
    if length is not False:
        size = len(body) if length is None else length
        lines.append(b"Content-Length: %d" % size)
    return b"\r\n".join([*lines, b"", body])


def exchange(port, *parts, pause_s=0.1, timeout=TIMEOUT_S):
    """Sends bytes, part by part; returns what comes until the end."""
    with connected(port, timeout) as one:
        for number, part in enumerate(parts):
            if number:
                time.sleep(pause_s)
            one.sendall(part)
        return read_all(one)


def read_all(one):
    parts = []
    while part := one.recv(65536):
        parts.append(part)
    return b"".join(parts)


def answers(data):
    """The status and the body of each answer in some bytes, in order."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status == 100:
            data = rest
            continue
        fields = dict(
            line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:]
        )
        length = int(fields.get(b"content-length", 0))
        assert len(rest) >= length, "An answer is cut off"
        found.append((status, rest[:length]))
        data = rest[length:]
    return found


def error_of(body):
    return json.loads(body)["error"]
