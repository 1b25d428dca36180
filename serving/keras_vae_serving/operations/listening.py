"""Sockets to listen on, and how many the system lets be open."""

import errno
import os
import socket

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_WILDCARD = "::"  # Stands for every address, of IPv4 too.


def bind(host: str, port: int, option: str) -> list[socket.socket]:
    """Returns a bound socket for each address of a host.

    Args:
        host: A name or an address.
        port: 0 for any free one, the same for all of them.
        option: What chose the port, for the error.

    Raises:
        OSError: if none can be bound.
    """
    sockets: list[socket.socket] = []
    problem: OSError | None = None
    for family, address in _addresses(host):
        try:
            one = _bound(family, (address[0], port, *address[2:]), host)
        except OSError as error:
            problem = error
            if error.errno in _ABSENT:  # "localhost" without IPv6
                continue
            break
        sockets.append(one)
        port = one.getsockname()[1]
    else:
        if sockets:
            return sockets
    for one in sockets:
        one.close()
    reason = problem.strerror if problem else "it has no address"
    raise OSError(
        f"Nothing can listen on {bracketed(host)}:{port} ({reason}). Choose "
        f"another `{option}`, e.g. `{option} 0` for any free one, or end what "
        "uses it."
    )


def check_free(host: str, port: int, option: str) -> None:
    """Raises unless a port can be listened on; see `bind`."""
    for one in bind(host, port, option):
        one.close()


def bracketed(host: str) -> str:
    """Returns a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def allow_open_files(wanted: int) -> int:
    """Lets as many files be open as wanted, if the system allows it.

    Returns:
        How many may be open.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft in (resource.RLIM_INFINITY, -1) or soft >= wanted:
        return wanted
    goal = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
    except (OSError, ValueError):  # macOS has a limit of its own besides.
        return soft
    return goal


def _addresses(host: str) -> list[tuple[int, tuple[object, ...]]]:
    try:
        found = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise OSError(
            "`--host` must be an address of this machine, or a name of one. "
            f"Received: {host!r} ({error.strerror}). Leave it out to listen "
            "on 127.0.0.1."
        ) from error
    return list(dict.fromkeys((one[0], one[4]) for one in found))


def _bound(
    family: int, address: tuple[object, ...], host: str
) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # Elsewhere it would take ports from others.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            is_alone = int(host != _WILDCARD)
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, is_alone)
        one.setblocking(False)
        one.bind(address)
    except OSError:
        one.close()
        raise
    return one
