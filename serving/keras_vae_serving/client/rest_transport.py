"""A client's requests over REST, on connections that are kept open."""

import asyncio
import collections
import ssl
import time
from typing import Any

from keras_vae_serving.client import failures
from keras_vae_serving.client.http_reply import Reply
from keras_vae_serving.client.network import AsyncConnection, Connection, Place
from keras_vae_serving.client.options import Options
from keras_vae_serving.client.rest_messages import (
    content_of,
    outputs_of,
    request_body,
)
from keras_vae_serving.client.steps import Predict, Request
from keras_vae_serving.status import ServingError

_MAX_CONNECTIONS = 100  # of one event loop; threads have one each


class _Messages:
    """What both transports send, and how they read the answers."""

    def __init__(self, options: Options) -> None:
        target = options.target
        self._path = target.path
        headers = {
            "host": target.address,
            "user-agent": "keras-vae",
            **options.headers,
        }
        lines = (f"{name}: {value}\r\n" for name, value in headers.items())
        self._headers = "".join(lines)

    def write(self, request: Request) -> bytes:
        """Returns a request as HTTP has it."""
        if not isinstance(request, Predict):
            head = f"GET {self._path}{request.what} HTTP/1.1\r\n"
            return f"{head}{self._headers}\r\n".encode()
        body = request_body(request.signature, request.inputs)
        head = (
            f"POST {self._path}:predict HTTP/1.1\r\n{self._headers}"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def read(self, request: Request, reply: Reply) -> Any:
        """Returns what a request was answered with."""
        try:
            if isinstance(request, Predict):
                return outputs_of(reply.status, reply.body, request.single)
            return content_of(reply.status, reply.body)
        except ServingError as error:
            error.retry_after_s = reply.retry_after_s
            raise


def _place(options: Options) -> Place:
    host, _, port = options.target.address.rpartition(":")
    context = None
    if options.target.is_encrypted:
        context = ssl.create_default_context(cadata=options.authorities)
    return Place(host.strip("[]"), int(port), context)


class RestTransport:
    """Speaks REST and blocks until it is answered; threads may share it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._messages = _Messages(options)
        self._place = _place(options)
        self._idle: collections.deque[Connection] = collections.deque()

    def send(self, request: Request) -> Any:
        """Returns what a request is answered with."""
        message = self._messages.write(request)
        seconds = self._options.seconds_for(request)
        try:
            reply = self._exchange(message, time.monotonic() + seconds)
        except TimeoutError as error:
            raise failures.late(seconds) from error
        return self._messages.read(request, reply)

    def _exchange(self, message: bytes, end: float) -> Reply:
        connection = self._take() or Connection(self._place, end)
        try:
            reply = connection.exchange(message, end)
        except BaseException:
            connection.close()
            raise
        if reply.keeps_open:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def _take(self) -> Connection | None:
        """Takes the connection that was used last; `None` if none is open."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_idle():
                return connection
            connection.close()

    def close(self) -> None:
        """Closes the connections."""
        while self._idle:
            self._idle.pop().close()


class AsyncRestTransport:
    """Speaks REST on the event loop that it is first used on."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._messages = _Messages(options)
        self._place = _place(options)
        self._idle: list[AsyncConnection] = []
        self._slots = asyncio.Semaphore(_MAX_CONNECTIONS)

    async def send(self, request: Request) -> Any:
        """Returns what a request is answered with."""
        message = self._messages.write(request)
        seconds = self._options.seconds_for(request)
        try:
            async with asyncio.timeout(seconds), self._slots:
                reply = await self._exchange(message)
        except TimeoutError as error:
            raise failures.late(seconds) from error
        return self._messages.read(request, reply)

    async def _exchange(self, message: bytes) -> Reply:
        connection = self._take()
        if connection is None:
            connection = await AsyncConnection.connect(self._place)
        try:
            reply = await connection.exchange(message)
        except BaseException:
            connection.close()
            raise
        if reply.keeps_open:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def _take(self) -> AsyncConnection | None:
        """Takes the connection that was used last; `None` if none is open."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_idle():
                return connection
        return None

    async def close(self) -> None:
        """Closes the connections."""
        while self._idle:
            self._idle.pop().close()
