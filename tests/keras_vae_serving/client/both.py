"""Both clients under one face, so that each test is written once."""

import asyncio

from keras_vae_serving import AsyncClient, Client

KINDS = ("blocking", "async")
TIMEOUT_S = 20


class Awaited:
    """An `AsyncClient` whose methods are awaited for the caller."""

    def __init__(self, *args, **options):
        self._loop = asyncio.new_event_loop()
        try:
            self._client = AsyncClient(*args, **options)
        except BaseException:
            self._loop.close()
            raise

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def call(*args, **options):
            work = asyncio.wait_for(method(*args, **options), TIMEOUT_S)
            return self._loop.run_until_complete(work)

        return call

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


def connect(kind, *args, **options):
    """Returns a client of a kind, to be closed by `with`."""
    kinds = {"blocking": Client, "async": Awaited}
    return kinds[kind](*args, **options)
