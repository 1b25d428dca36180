"""How much of what was written to a connection its client has not taken."""

import contextlib
import struct
import sys
from typing import Any


def unsent_bytes(transport: Any) -> int:
    """Returns the bytes in a transport's buffer and in the system's.

    The system takes megabytes at a time from the transport, and on a slow
    connection it is long before it asks for more; its own buffer tells
    earlier whether the client takes anything. Linux alone says so.
    """
    return int(transport.get_write_buffer_size()) + _in_system(transport)


def _in_system(transport: Any) -> int:
    if sys.platform != "linux":
        return 0
    try:
        import fcntl
        import termios
    except ImportError:
        return 0
    with contextlib.suppress(AttributeError, OSError, ValueError):
        number = transport.get_extra_info("socket").fileno()
        answer = fcntl.ioctl(number, termios.TIOCOUTQ, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])
    return 0
