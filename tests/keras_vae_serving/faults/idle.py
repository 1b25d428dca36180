"""Opens idle connections, as a process of its own: `idle.py PORT COUNT`.

It says how many were opened, how many of them were told anything or ended,
how many were refused in words, and how many were told any words; then it
holds them until its stdin is closed.
"""

import resource
import selectors
import socket
import sys


def main(port, count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 50:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (min(count + 50, hard), hard)
        )
        count = min(count, hard - 50)
    held = [
        socket.create_connection(("127.0.0.1", port), 20) for _ in range(count)
    ]
    refused = refusals(held)
    in_words = sum(b" 503 " in one for one in refused)
    print(len(held), len(refused), in_words, sum(map(bool, refused)))
    sys.stdout.flush()
    sys.stdin.read()


def refusals(held):
    """What the connections were told that nobody asked anything on."""
    selector = selectors.DefaultSelector()
    for one in held:
        selector.register(one, selectors.EVENT_READ)
    found = []
    while ready := selector.select(1):
        for key, _ in ready:
            try:
                found.append(key.fileobj.recv(4096))
            except ConnectionResetError:
                found.append(b"")
            selector.unregister(key.fileobj)
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
