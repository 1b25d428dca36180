"""A connection that passes on only so many bytes."""

import contextlib
import socket
import threading


@contextlib.contextmanager
def passing(port, to_server=None, to_client=None):
    """Yields the port of a proxy for one connection.

    Args:
        port: Where it connects to.
        to_server: How many bytes it passes on to there; `None` for all.
        to_client: How many it passes on from there.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(
            target=_serve, args=(listening, port, to_server, to_client)
        ).start()
        yield listening.getsockname()[1]


def _serve(listening, port, to_server, to_client):
    client, _ = listening.accept()
    server = socket.create_connection(("127.0.0.1", port))
    with client, server:
        ways = [(client, server, to_server), (server, client, to_client)]
        pumps = [threading.Thread(target=_pump, args=one) for one in ways]
        for one in pumps:
            one.start()
        for one in pumps:
            one.join()


def _pump(source, target, left):
    with contextlib.suppress(OSError):
        while left is None or left > 0:
            data = source.recv(65536 if left is None else min(left, 65536))
            if not data:
                break
            target.sendall(data)
            left = None if left is None else left - len(data)
        else:
            # Until the other side ends it, nothing more is taken here.
            while target.recv(1, socket.MSG_PEEK):
                threading.Event().wait(0.05)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
