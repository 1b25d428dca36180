"""Where a request ends: what is said twice, and what comes after."""

import json

import numpy as np
import pytest

from tests.keras_vae_serving.faults.served import body_of, is_image
from tests.keras_vae_serving.faults.sockets import (
    answers,
    connected,
    error_of,
    exchange,
    post,
    read_all,
)

pytestmark = pytest.mark.once

Z = np.array([[1, 2, 3]], "float32")
BODY = body_of(Z).encode()
CHUNKED = b"Transfer-Encoding: chunked"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
# Answered 200 where it is taken for a request of its own.
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSE = b"Connection: close"


@pytest.fixture(scope="module")
def server(shared_server):
    return shared_server()


def lengths(*values):
    return post(
        BODY, *(b"Content-Length: " + one for one in values), length=False
    )


SIZE = str(len(BODY)).encode()
DOUBTFUL = {
    "both, the length first": post(
        b"0\r\n\r\n" + HIDDEN, b"Content-Length: 60", CHUNKED, length=False
    ),
    "both, the length last": post(
        b"0\r\n\r\n" + HIDDEN, CHUNKED, b"Content-Length: 60", length=False
    ),
    "two lengths": lengths(SIZE, b"3"),
    "one length twice": lengths(SIZE, SIZE),
    "a list of lengths": lengths(SIZE + b", " + SIZE),
    "a signed length": lengths(b"+" + SIZE),
    "a negative length": lengths(b"-1"),
    "a length in hexadecimal": lengths(b"0x10"),
    "a length with a blank in it": lengths(b"1 0"),
    "no length": lengths(b""),
    "a length beyond all numbers": lengths(b"9" * 30),
    "another coding": post(
        HIDDEN, b"Transfer-Encoding: xchunked", length=False
    ),
    "chunks inside another coding": post(
        HIDDEN, b"Transfer-Encoding: chunked, identity", length=False
    ),
    "two codings": post(
        HIDDEN, CHUNKED, b"Transfer-Encoding: identity", length=False
    ),
    "a coding behind a control character": post(
        HIDDEN, b"Transfer-Encoding:\x0bchunked", length=False
    ),
    "a blank before the colon": post(
        HIDDEN, b"Transfer-Encoding : chunked", length=False
    ),
    "a folded header": post(HIDDEN, b"X: a\r\n Transfer-Encoding: chunked"),
    "a bare line feed": post(HIDDEN, b"X: a\nTransfer-Encoding: chunked"),
    "a bare carriage return": post(HIDDEN, b"X: a\rContent-Length: 0"),
    "a zero byte": post(HIDDEN, b"X: a\x00b"),
    "a chunk's size that is none": post(b"zz\r\n", CHUNKED, length=False),
    "a chunk's size with a sign": post(b"-1\r\n", CHUNKED, length=False),
    "a chunk's size beyond all numbers": post(
        b"f" * 17 + b"\r\n", CHUNKED, length=False
    ),
    "a chunk that is too long": post(
        b"2\r\n{}{}\r\n0\r\n\r\n", CHUNKED, length=False
    ),
    "chunks with bare line feeds": post(
        IN_CHUNKS.replace(b"\r\n", b"\n"), CHUNKED, length=False
    ),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "no HTTP": b"\x16\x03\x01\x02\x00\r\n\r\n",
}


@pytest.mark.parametrize("doubt", DOUBTFUL)
def test_what_is_doubtful_is_refused(server, doubt):
    ((status, body),) = answers(exchange(server.rest_port, DOUBTFUL[doubt]))
    assert status == 400
    assert error_of(body) == "Invalid HTTP request received."


def test_refusals_are_counted(server):
    before = server.metric("refused_connections_total", code="400") or 0
    exchange(server.rest_port, b"no HTTP\r\n\r\n")
    after = server.metric("refused_connections_total", code="400")
    assert after == before + 1


@pytest.mark.parametrize("ending", [b"", HIDDEN])
@pytest.mark.parametrize(
    "headers",
    [
        (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
        (b"Connection: Upgrade", b"Upgrade: websocket"),
    ],
)
@pytest.mark.parametrize("pause_s", [0, 0.1])
def test_a_body_stays_one_where_another_protocol_is_offered(
    server, headers, ending, pause_s
):
    """Clients of Java offer HTTP/2 with each first request."""
    for length, body in (
        (None, BODY),
        (False, IN_CHUNKS),
    ):
        more = (CHUNKED,) if length is False else ()
        whole = post(body, *headers, *more, length=length)
        head = whole[: -len(body)]
        last = post(BODY, CLOSE)
        parts = [head, body + ending + last]
        if not pause_s:
            parts = [b"".join(parts)]
        found = answers(exchange(server.rest_port, *parts, pause_s=pause_s))
        assert [status for status, _ in found] == [200] * (3 if ending else 2)
        images = json.loads(found[0][1])["predictions"]
        assert is_image(images, Z)


def test_no_request_is_hidden_in_such_a_body(server):
    hidden = post(
        HIDDEN, b"Connection: Upgrade", b"Upgrade: h2c", length=len(HIDDEN)
    )
    head = hidden[: -len(HIDDEN)]
    last = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    found = exchange(server.rest_port, head, HIDDEN + last)
    (first, _), second = answers(found)
    assert first == 400
    assert second == (200, b'{"status":"ok"}')


def test_an_offer_without_a_body(server):
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
    found = exchange(
        server.rest_port, head + b"Upgrade: h2c\r\n\r\n", post(BODY, CLOSE)
    )
    assert [status for status, _ in answers(found)] == [200, 200]


def test_a_body_is_asked_for(server):
    head = post(b"", b"Expect: 100-continue", CLOSE, length=len(BODY))
    with connected(server.rest_port) as one:
        one.sendall(head)
        assert one.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.sendall(BODY)
        ((status, _),) = answers(read_all(one))
    assert status == 200


def test_requests_in_a_row_are_answered_in_order(server):
    rows = [np.array([[n, 0.5, -n]], "float32") for n in range(40)]
    sent = [post(body_of(z).encode()) for z in rows]
    # Some are slower than those behind them.
    sent[3] = post(body_of(np.repeat(rows[3], 3000, 0)).encode())
    sent[20] = HIDDEN
    found = answers(
        exchange(server.rest_port, b"".join(sent), post(BODY, CLOSE))
    )
    assert [status for status, _ in found] == [200] * 41
    assert found[20][1] == b'{"status":"ok"}'
    for number, (_, body) in enumerate(found[:40]):
        if number != 20:
            images = json.loads(body)["predictions"]
            assert is_image(images[:1], rows[number])
    assert is_image(json.loads(found[40][1])["predictions"], Z)


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x16\x03 no HTTP\r\n\r\n",
        post(b"zz\r\n", CHUNKED, length=False),
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n",
    ],
)
def test_what_is_wrong_is_told_after_what_came_before_it(server, wrong):
    slow = post(body_of(np.repeat(Z, 3000, 0)).encode())
    found = answers(exchange(server.rest_port, slow + HIDDEN + wrong))
    assert [status for status, _ in found[:2]] == [200, 200]
    assert found[1][1] == b'{"status":"ok"}'
    assert [status for status, _ in found[2:]] in ([400], [431])


def test_trailers_change_nothing(server):
    trailers = IN_CHUNKS.removesuffix(b"\r\n") + b"X-API-Key: a\r\n\r\n"
    whole = post(trailers, CHUNKED, length=False) + post(BODY, CLOSE)
    found = answers(exchange(server.rest_port, whole))
    assert [status for status, _ in found] == [200, 200]


@pytest.mark.parametrize(
    "path", ["/v1/models/%00", "/v1/models/%ff%0d%0aX:%20y", "//v1/models/a"]
)
def test_a_path_breaks_no_header(server, path):
    status, headers, _ = server.ask_all(path)
    assert status in (400, 404)
    assert "X" not in headers
