"""The clients: one that blocks, one for event loops."""

import asyncio
import os
import time
from types import TracebackType
from typing import Any, Self

from keras_vae_serving.client import target
from keras_vae_serving.client.calls import Calls
from keras_vae_serving.client.options import Options, make_options
from keras_vae_serving.client.retries import Retries
from keras_vae_serving.client.steps import Request, Steps, Wait
from keras_vae_serving.status import ServingError


class _Connected(Calls):
    """What both clients are made with; they tell what it means."""

    _is_async = False

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout_s: float = 30.0,
        retries: int = 3,
        api_key: str | None = None,
        tls_ca: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(Retries(retries), label)
        options = make_options(
            target.parse(address, model, version, label),
            timeout_s,
            api_key,
            tls_ca,
        )
        self._transport = _transport(options, self._is_async)


class Client(_Connected):
    """Asks a server for images, latents and scores: NumPy in, NumPy out.

    The same client speaks to `keras-vae serve` and to TensorFlow Serving.
    Threads may share it; it keeps its connections open until it is closed.
    gRPC is some ten times as fast as REST for arrays of millions of numbers.

    Args:
        address: A URL, `"http://host:8501"`, for REST; `"host:8500"` for
            gRPC. With TLS: `"https://host:8501"`, `"grpcs://host:8500"`.
        model: The model's name.
        version: Its version. Defaults to the newest.
        label: Its version's label, in place of `version`.
        timeout_s: How long one request may take, in seconds.
        retries: How often a request is sent again where the server answers
            503 (UNAVAILABLE) or no connection can be made, with growing
            waits. Nothing else is sent twice.
        api_key: The key that the server asks for.
        tls_ca: Path of a PEM file with the authorities to trust. Defaults
            to those of the system; for gRPC, to those that it brings.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is not as described.
        OSError: if `tls_ca` cannot be read.

    Example:
    >>> client = keras_vae_serving.Client("http://localhost:8501", "digits")
    >>> client.generate(num_samples=16, seed=7).shape
    (16, 8, 8, 1)
    """

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _carry_out(self, steps: Steps) -> Any:
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._carry_out_one(step)
                except ServingError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            return end.value

    def _carry_out_one(self, step: Wait | Request) -> Any:
        if isinstance(step, Wait):
            return time.sleep(step.seconds)
        return self._transport.send(step)


class AsyncClient(_Connected):
    """`Client` for event loops: every method is awaited.

    It belongs to the loop that it is first used on.

    Args:
        address: As for `Client`; so are the others.
        model: The model's name.
        version: Its version.
        label: Its version's label.
        timeout_s: How long one request may take.
        retries: How often a request is sent again.
        api_key: The key that the server asks for.
        tls_ca: Path of a PEM file with the authorities to trust.

    Raises:
        TypeError: as `Client`.

    Example:
    >>> async with keras_vae_serving.AsyncClient(url, "digits") as client:
    ...     images = await client.generate(num_samples=16, seed=7)
    """

    _is_async = True

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _carry_out(self, steps: Steps) -> Any:
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._carry_out_one(step)
                except ServingError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            return end.value

    async def _carry_out_one(self, step: Wait | Request) -> Any:
        if isinstance(step, Wait):
            return await asyncio.sleep(step.seconds)
        return await self._transport.send(step)


def _transport(options: Options, is_async: bool) -> Any:
    """Returns what speaks to the target.

    Each protocol is imported only where it is spoken.
    """
    if options.target.protocol == "rest":
        from keras_vae_serving.client import rest_transport as rest

        kind = rest.AsyncRestTransport if is_async else rest.RestTransport
        return kind(options)
    from keras_vae_serving.client import grpc_transport as rpc

    chosen = rpc.AsyncGrpcTransport if is_async else rpc.GrpcTransport
    return chosen(options)
