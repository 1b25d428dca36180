import gc
import weakref

import httptools
import pytest

from keras_vae_serving.client.http_reply import Reply

pytestmark = pytest.mark.once

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LENGTH = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = (
    HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n"
)
UNTIL_THE_END = HEAD + b"\r\nhello"
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
LAST = HEAD + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello"
ANNOUNCED = b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH
EMPTY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("text", "status", "body", "keeps_open"),
    [
        (LENGTH, 200, b"hello", True),
        (CHUNKED, 200, b"hello", True),
        (UNTIL_THE_END, 200, b"hello", False),
        (OLD, 200, b"hello", False),
        (LAST, 200, b"hello", False),
        (ANNOUNCED, 200, b"hello", True),
        (EMPTY, 503, b"", True),
        (b"HTTP/1.1 204 None\r\n\r\n", 204, b"", True),
    ],
)
def test_answers_in_parts(text, status, body, keeps_open, size):
    reply = Reply()
    for start in range(0, len(text), size):
        assert not reply.is_complete
        reply.feed(text[start : start + size])
    if not reply.is_complete:
        reply.feed(b"")
    assert reply.is_complete
    found = (reply.status, reply.body, reply.keeps_open)
    assert found == (status, body, keeps_open)


@pytest.mark.parametrize("text", [LENGTH, CHUNKED, EMPTY, ANNOUNCED])
def test_an_end_that_comes_too_early(text):
    for length in range(1, len(text) - 1):
        reply = Reply()
        reply.feed(text[:length])
        with pytest.raises(ConnectionError, match="the server closed it"):
            reply.feed(b"")
        assert not reply.is_complete


@pytest.mark.parametrize("text", [b"\x00\x00\x12\x04", b"SSH-2.0-x\r\n", b"{}"])
def test_what_is_no_http(text):
    with pytest.raises(httptools.HttpParserError):
        Reply().feed(text)


def test_what_follows_an_answer_is_no_part_of_it():
    reply = Reply()
    reply.feed(LENGTH + EMPTY)
    found = (reply.status, reply.body, reply.keeps_open)
    assert found == (200, b"hello", False)


def test_its_memory_is_freed_at_once():
    reply = Reply()
    reply.feed(LENGTH)
    gone = weakref.ref(reply)
    gc.disable()
    try:
        del reply
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"7", 7),
        (b"0", 0),
        (b"Wed, 21 Oct 2026 07:28:00 GMT", None),
        (b"-1", None),
        (b"9" * 5000, None),
    ],
)
def test_when_to_ask_again(value, seconds):
    reply = Reply()
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nretry-AFTER: "
    reply.feed(head + value + b"\r\n\r\n")
    assert (reply.status, reply.retry_after_s) == (503, seconds)
    assert Reply().retry_after_s is None
