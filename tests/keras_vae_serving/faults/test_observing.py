"""What a server tells of itself stays small, whatever it is asked."""

import random
import string

import grpc
import numpy as np
import pytest

from tests.keras_vae_serving.faults.served import (
    PREDICT,
    body_of,
    call,
    requests,
)

pytestmark = [pytest.mark.once, pytest.mark.slow]

Z = np.array([[1, 2, 3]], "float32")


def test_labels_are_few_after_a_thousand_names(serve, models):
    server = serve(models)
    server.decode(Z)
    with server.channel() as channel:
        call(channel, Z)
        before = server.metrics()
        for name in names(500):
            ask_rest(server, name)
            ask_grpc(channel, name)
    after = server.metrics()
    text = server.ask_all("/metrics")[2]
    assert b"named" not in text
    # Codes and methods that had not been seen before, of a fixed set: each
    # request that is counted has a histogram too.
    assert len(after) - len(before) < 200
    assert len(text) < 100_000
    total = sum(
        value
        for (name, _), value in after.items()
        if name == "keras_vae_serving_requests_total"
    )
    assert total > 600  # Methods that are not there are not counted.
    assert server.memory_mib() < 200


def names(count):
    chooser = random.Random(0)
    letters = string.ascii_letters + string.digits + "._-"
    for number in range(count):
        more = "".join(chooser.choices(letters, k=chooser.randint(1, 60)))
        yield f"named-{number}-{more}"


def ask_rest(server, name):
    chooser = random.Random(name)
    path = chooser.choice(
        [
            f"/v1/models/{name}:predict",
            f"/v1/models/{name}",
            f"/v1/models/{name}/metadata",
            f"/v1/models/digits/versions/{len(name)}:predict",
            f"/v1/models/digits/labels/{name}:predict",
            f"/v1/models/digits:{name}",
            f"/{name}",
        ]
    )
    method = chooser.choice(["GET", "POST", "PUT", "DELETE", "PATCH"])
    status, _ = server.ask(path, body_of(Z), method=method)
    assert status in (200, 400, 404, 405)


def ask_grpc(channel, name):
    chooser = random.Random(name)
    request = chooser.choice(
        [
            requests.predict("decode", model=name, z=Z),
            requests.predict(name, model="digits", z=Z),
            requests.predict("decode", model="digits", label=name, z=Z),
            requests.predict("decode", model="digits", **{name: Z}),
        ]
    )
    path = chooser.choice([PREDICT, f"/{name}/Predict", f"{PREDICT}{name}"])
    with pytest.raises(grpc.RpcError):
        channel.unary_unary(path)(request.SerializeToString(), timeout=20)
