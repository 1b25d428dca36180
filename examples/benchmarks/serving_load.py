"""Clients that ask a server for images, and note how long each answer took.

`serving.py` uses them. They share one event loop; each has a connection of its
own, which stays open, and sends its next request when it is answered. Requests
are written, and answers read, while no clock runs: it is the server that is
measured, and the clients take little of the machine.
"""

import asyncio
import json
import time
from typing import NamedTuple

import grpc
import numpy as np

from keras_vae_serving.rpc import messages, tensors

PREDICT = "/tensorflow.serving.PredictionService/Predict"
TIMEOUT_S = 120.0  # of all requests together


class Place(NamedTuple):
    """Where a server is, and what its model is called."""

    model: str
    rest: int  # The ports.
    grpc: int


class Block(NamedTuple):
    """What came of a number of requests."""

    seconds: float
    latencies: list[float]
    answers: list[bytes]


class RestClient(asyncio.Protocol):
    """One connection of HTTP/1.1, and no more of HTTP than is needed."""

    @classmethod
    async def connect(cls, place):
        """Returns a new client."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(cls, "127.0.0.1", place.rest)
        return client

    @staticmethod
    def request(place, z):
        """Writes a request to decode one latent."""
        question = {"signature_name": "decode", "instances": [z.tolist()]}
        body = json.dumps(question)
        return (
            f"POST /v1/models/{place.model}:predict HTTP/1.1\r\n"
            f"host: 127.0.0.1:{place.rest}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n{body}"
        ).encode()

    @staticmethod
    def image(answer):
        """Reads an answer."""
        return np.asarray(json.loads(answer)["predictions"], "float32")[0]

    def connection_made(self, transport):
        """Begins with nothing asked."""
        self.transport, self.data, self.answer = transport, b"", None

    def connection_lost(self, error):
        """Tells who waits for an answer that none will come."""
        if self.answer is not None and not self.answer.done():
            gone = ConnectionError("The server closed a connection.")
            self.answer.set_exception(error or gone)

    def data_received(self, data):
        """Gathers an answer."""
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end or len(body) < content_length(head):
            return
        answer, self.answer, self.data = self.answer, None, b""
        if head.startswith(b"HTTP/1.1 200"):
            answer.set_result(body)
        else:
            answer.set_exception(RuntimeError((head + body).decode()))

    def ask(self, request):
        """Sends a request; returns a future of the answer's body."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    async def close(self):
        """Ends the connection."""
        self.transport.close()


class GrpcClient:
    """One channel of gRPC, which shares its connection with no other."""

    def __init__(self, place):
        options = [("grpc.use_local_subchannel_pool", 1)]
        address = f"127.0.0.1:{place.grpc}"
        self.channel = grpc.aio.insecure_channel(address, options)
        self.ask = self.channel.unary_unary(PREDICT)  # bytes to bytes

    @classmethod
    async def connect(cls, place):
        """Returns a new client."""
        client = cls(place)
        await client.channel.channel_ready()
        return client

    @staticmethod
    def request(place, z):
        """Writes a request to decode one latent."""
        request = messages.PredictRequest()
        request.model_spec.name = place.model
        request.model_spec.signature_name = "decode"
        request.inputs["z"].CopyFrom(tensors.to_proto(z[None]))
        return request.SerializeToString()

    @staticmethod
    def image(answer):
        """Reads an answer."""
        response = messages.PredictResponse.FromString(answer)
        return tensors.to_array(response.outputs["x"])[0]

    async def close(self):
        """Ends the connection."""
        await self.channel.close()


KINDS = {"rest": RestClient, "grpc": GrpcClient}


def content_length(head):
    """Returns how long the body is that follows a head."""
    _, _, value = head.lower().partition(b"\r\ncontent-length:")
    return int(value.partition(b"\r")[0])


async def ask_all(place, protocol, num_clients, latents, warm_up=0):
    """Decodes latents, one a request, with clients of one protocol.

    Args:
        place: Where the server is.
        protocol: `"rest"` or `"grpc"`.
        num_clients: How many there are at once.
        latents: Array `(N, latent_dim)`.
        warm_up: How many requests each client sends before the clock runs.

    Returns:
        A `Block`, its answers in the latents' order.

    Raises:
        RuntimeError: if an answer is an error; or gRPC's own error.
        TimeoutError: if one never comes.
    """
    kind = KINDS[protocol]
    requests = [kind.request(place, z) for z in latents]
    async with asyncio.timeout(TIMEOUT_S):
        clients = [await kind.connect(place) for _ in range(num_clients)]
        try:
            await send(clients, requests[:1] * (warm_up * num_clients))
            return await send(clients, requests)
        finally:
            for client in clients:
                await client.close()


async def send(clients, requests):
    """Sends requests; each client takes the next when it is answered."""
    answers, latencies = [b""] * len(requests), [0.0] * len(requests)
    waiting = iter(enumerate(requests))

    async def work(client):
        for number, request in waiting:
            began = time.perf_counter()
            answers[number] = await client.ask(request)
            latencies[number] = time.perf_counter() - began

    began = time.perf_counter()
    await asyncio.gather(*map(work, clients))
    return Block(time.perf_counter() - began, latencies, answers)


def check(protocol, answers, expected):
    """Raises unless every answer is the image of its own latent.

    Raises:
        AssertionError: if an answer is lost, wrong or another request's.
    """
    images = np.stack([KINDS[protocol].image(answer) for answer in answers])
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)
