"""A client's requests over REST, on connections that are kept open."""

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import httpcore

from keras_vae_serving.client import failures
from keras_vae_serving.client.network import (
    AsyncQuickBackend,
    QuickBackend,
    within,
)
from keras_vae_serving.client.options import Options
from keras_vae_serving.client.rest_messages import (
    content_of,
    outputs_of,
    request_body,
)
from keras_vae_serving.client.steps import Predict, Request

_CONNECTIONS = 100


class _Messages:
    """What both transports send, and how they read the answers."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._headers = [
            (b"host", options.target.address.encode()),
            (b"user-agent", b"keras-vae"),
            *((k.encode(), v.encode()) for k, v in options.headers.items()),
        ]

    def write(self, request: Request) -> dict[str, Any]:
        """Returns what httpcore shall send."""
        url = self._options.target.url
        # While another request holds the last connection, nothing is sent.
        extensions = {"timeout": {"pool": self._options.seconds_for(request)}}
        message = {"headers": self._headers, "extensions": extensions}
        if not isinstance(request, Predict):
            return {**message, "method": "GET", "url": url + request.what}
        body = request_body(request.signature, request.inputs)
        message["headers"] = [
            *self._headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        return {
            **message,
            "method": "POST",
            "url": f"{url}:predict",
            "content": body,
        }

    def read(self, request: Request, answer: httpcore.Response) -> Any:
        """Returns what a request was answered with."""
        if isinstance(request, Predict):
            return outputs_of(answer.status, answer.content, request.single)
        return content_of(answer.status, answer.content)

    def pool_options(self) -> dict[str, Any]:
        """Returns what both pools of connections are made with."""
        context = None
        if self._options.target.is_encrypted:
            pem = self._options.authorities
            context = ssl.create_default_context(cadata=pem)
        return {"ssl_context": context, "max_connections": _CONNECTIONS}

    @contextlib.contextmanager
    def told(self, request: Request) -> Iterator[None]:
        """Limits the time of a request; tells what the network did to it."""
        timeout_s = self._options.seconds_for(request)
        try:
            with within(timeout_s):
                yield
        except httpcore.TimeoutException as error:
            raise failures.late(timeout_s) from error
        except httpcore.ConnectError as error:
            raise failures.unreachable(_reason(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise failures.lost(_reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


class RestTransport:
    """Speaks REST and blocks until it is answered."""

    def __init__(self, options: Options) -> None:
        self._messages = _Messages(options)
        self._pool = httpcore.ConnectionPool(
            network_backend=QuickBackend(), **self._messages.pool_options()
        )

    def send(self, request: Request) -> Any:
        """Returns what a request is answered with."""
        message = self._messages.write(request)
        with self._messages.told(request):
            answer = self._pool.request(**message)
        return self._messages.read(request, answer)

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()


class AsyncRestTransport:
    """Speaks REST on an event loop."""

    def __init__(self, options: Options) -> None:
        self._messages = _Messages(options)
        self._pool = httpcore.AsyncConnectionPool(
            network_backend=AsyncQuickBackend(), **self._messages.pool_options()
        )

    async def send(self, request: Request) -> Any:
        """Returns what a request is answered with."""
        message = self._messages.write(request)
        with self._messages.told(request):
            answer = await self._pool.request(**message)
        return self._messages.read(request, answer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()
