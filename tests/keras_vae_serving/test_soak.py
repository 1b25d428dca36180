"""Many clients at once over REST and gRPC: each gets the answer it asked for.

The benchmark `examples/benchmarks/serving.py --soak 100000` sends more.
"""

import asyncio
import collections
import os
import pathlib
import re
import subprocess
import sys
import urllib.request
from typing import NamedTuple

import numpy as np
import pytest

from keras_vae_serving.client import AsyncClient
from tests.keras_vae_serving.directories import LinearModel, write_version

NUM_REQUESTS = 5000
WARM_UP = 500  # before memory is first read
CLIENTS = 8  # of each protocol
TIMEOUT_S = 300
# An answer is 3 KiB or, as JSON, 8 KiB: if each left one behind, it were 16.
MAX_GROWTH_MIB = 10
MODEL = LinearModel(event_shape=(28, 28, 1), latent_dim=8)
# Requests wait for company, also where the clients are the slower side.
BATCHING = """
max_batch_size { value: 8 }
batch_timeout_micros { value: 5000 }
num_batch_threads { value: 2 }
allowed_batch_sizes: 3
allowed_batch_sizes: 8
"""

pytestmark = [pytest.mark.once, pytest.mark.slow]


class Soaked(NamedTuple):
    """What came of the requests.

    Attributes:
        z: The latents, one a request.
        images: By request, the images that were answered.
        growth_mib: Of the server's memory; `None` where it cannot be read.
        metrics: The server's, as text.
    """

    z: np.ndarray
    images: dict[int, np.ndarray]
    growth_mib: float | None
    metrics: str


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A process that serves the model; with its two addresses."""
    models = tmp_path_factory.mktemp("models")
    write_version(models / "linear", model=MODEL)
    batching = models.parent / "batching.config"
    batching.write_text(BATCHING)
    script = "from keras_vae_serving.command import main; main()"
    options = ["--rest-api-port=0", "--port=0", "--enable-batching"]
    options += ["--batching-parameters-file", str(batching)]
    process = subprocess.Popen(
        [sys.executable, "-c", script, "serve", str(models), *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.stderr.readline()
    try:
        places = re.search(r"REST (http://\S+), gRPC (\S+)", said)
        yield process, places.groups()
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def soaked(server):
    process, addresses = server
    z = distinct_latents(WARM_UP + NUM_REQUESTS)
    asyncio.run(ask(addresses, z[:WARM_UP]))
    before = resident_mib(process.pid)
    images = asyncio.run(ask(addresses, z[WARM_UP:]))
    after = resident_mib(process.pid)
    growth = None if before is None else after - before
    with urllib.request.urlopen(f"{addresses[0]}/metrics") as answer:
        return Soaked(z[WARM_UP:], images, growth, answer.read().decode())


def distinct_latents(count):
    return np.random.default_rng(0).normal(size=(count, 8)).astype("float32")


async def ask(addresses, z):
    """Decodes latents, one a request, over both protocols at once."""
    found = collections.defaultdict(list)
    numbers = iter(range(len(z)))

    async def work(client):
        for number in numbers:
            found[number].append(await client.decode(z[number][None]))

    async with asyncio.timeout(TIMEOUT_S):
        clients = [
            AsyncClient(address, "linear", retries=0)
            for address in addresses
            for _ in range(CLIENTS)
        ]
        await asyncio.gather(*map(work, clients))
        for client in clients:
            await client.close()
    return {number: np.concatenate(one) for number, one in found.items()}


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    return int(re.search(r"VmRSS:\s*(\d+)", status.read_text())[1]) / 1024


def metric(name, text):
    line = f'keras_vae_serving_{name}{{model="linear",signature="decode"}}'
    return float(re.search(re.escape(line) + r" (\S+)", text)[1])


def test_no_answer_is_lost_and_none_comes_twice(soaked):
    counts = {number: len(images) for number, images in soaked.images.items()}
    assert counts == dict.fromkeys(range(NUM_REQUESTS), 1)


def test_no_answer_is_another_requests(soaked):
    images = np.concatenate([soaked.images[n] for n in range(NUM_REQUESTS)])
    expected = MODEL.decode(soaked.z)["x"]
    # Images of two requests that were mixed up would differ.
    others = np.abs(expected - np.roll(expected, 1, axis=0)).max((1, 2, 3))
    assert others.min() > 1e-2
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)


def test_requests_ran_together(soaked):
    rows = metric("batch_rows_sum", soaked.metrics)
    assert rows == WARM_UP + NUM_REQUESTS
    assert rows > 2 * metric("batch_rows_count", soaked.metrics)
    assert metric("padding_rows_total", soaked.metrics) > 0


def test_memory_stays_flat(soaked):
    if soaked.growth_mib is None:
        pytest.skip("This system has no /proc to read a process's memory in.")
    assert soaked.growth_mib < MAX_GROWTH_MIB
