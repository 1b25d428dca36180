"""Connections: acknowledged at once, kept open, shared by threads."""

import asyncio
import socket
import threading

import pytest

from keras_vae_serving import AsyncClient, Client
from keras_vae_serving.client import network
from tests.keras_vae_serving.client.both import connect
from tests.keras_vae_serving.client.standin import StandIn

pytestmark = pytest.mark.once

OUTPUTS = '{"outputs": [[0.5]]}'
NUM_REQUESTS = 12


class Noted:
    """A socket that notes whether it acknowledges at once, before it reads."""

    def __init__(self, sock, values):
        self._socket = sock
        self._values = values

    def __getattr__(self, name):
        return getattr(self._socket, name)

    def recv(self, size):
        self._values.append(quickack(self._socket))
        return self._socket.recv(size)


def quickack(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)


@pytest.fixture
def noted(monkeypatch):
    """Whether the option was set, at each reading of any connection."""
    values = []
    connect_to, received = (
        socket.create_connection,
        network.AsyncConnection.data_received,
    )

    def create_connection(*args, **options):
        return Noted(connect_to(*args, **options), values)

    def data_received(self, data):
        values.append(quickack(self._transport.get_extra_info("socket")))
        received(self, data)

    monkeypatch.setattr(socket, "create_connection", create_connection)
    monkeypatch.setattr(network.AsyncConnection, "data_received", data_received)
    return values


def ask_often(kind):
    with StandIn(lambda _: (200, OUTPUTS)) as server:
        with connect(kind, server.url, "digits") as client:
            for _ in range(NUM_REQUESTS):
                client.decode([[1.0]])
        assert server.num_connections == 1
    return server


@pytest.mark.skipif(
    not hasattr(socket, "TCP_QUICKACK"), reason="Only Linux has TCP_QUICKACK."
)
def test_what_is_read_is_acknowledged_at_once(kind, noted):
    """Else a body that is sent after its head comes 40 ms later."""
    ask_often(kind)
    assert len(noted) >= NUM_REQUESTS
    assert set(noted) == {1}


@pytest.mark.parametrize("option", [None, -1])
def test_systems_without_the_option(kind, monkeypatch, option):
    monkeypatch.setattr(network, "_QUICKACK", option)
    server = ask_often(kind)
    assert len(server.asked) == NUM_REQUESTS


def test_a_connection_that_was_closed_while_idle_is_made_again(kind):
    count = iter(range(99))

    def answer(_):
        # Every other answer is the last one of its connection.
        return (200, OUTPUTS, *([len(OUTPUTS)] if next(count) % 2 else []))

    with StandIn(answer) as server:
        with connect(kind, server.url, "digits", retries=0) as client:
            for _ in range(6):
                assert client.decode([[1.0]]) == [[0.5]]
                # What the server closes arrives before the next request.
                threading.Event().wait(0.05)
        assert server.num_connections == 3


def test_threads_share_a_client():
    results = []
    with StandIn(lambda _: (200, OUTPUTS)) as server:
        with Client(server.url, "digits") as client:

            def ask():
                for _ in range(10):
                    results.append(client.decode([[1.0]]).item())

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
        assert 1 <= server.num_connections <= 8
    assert results == [0.5] * 80


def test_tasks_share_a_client(served, protocol):
    async def ask():
        address = served.addresses[protocol]
        async with AsyncClient(address, "digits") as client:
            seeds = range(150)
            calls = [client.generate_rows([seed]) for seed in seeds]
            rows = await asyncio.gather(*calls)
            every = await client.generate_rows(list(seeds))
            return all(
                (a[0] == b).all() for a, b in zip(rows, every, strict=True)
            )

    assert asyncio.run(asyncio.wait_for(ask(), 20))


def test_a_task_that_is_cancelled_leaves_the_client_in_order(served, protocol):
    async def ask():
        address = served.addresses[protocol]
        async with AsyncClient(address, "digits") as client:
            for _ in range(5):
                call = asyncio.create_task(client.generate(1000, 7))
                await asyncio.sleep(0.001)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            return await client.generate(2, 7)

    assert asyncio.run(asyncio.wait_for(ask(), 20)).shape == (2, 4, 4, 1)


def test_an_async_client_can_be_made_before_its_loop(served, protocol):
    client = AsyncClient(served.addresses[protocol], "digits")

    async def ask():
        async with client:
            return await client.generate(2, 7)

    assert asyncio.run(asyncio.wait_for(ask(), 20)).shape == (2, 4, 4, 1)
