import pytest

from tests.keras_vae_serving.client.both import KINDS, connect
from tests.keras_vae_serving.client.served import PROTOCOLS, serve
from tests.keras_vae_serving.client.tf_serving import RestServing, RpcServing
from tests.keras_vae_serving.directories import (
    LINEAR,
    LinearModel,
    write_version,
)

CONDITIONAL = LinearModel(condition_dim=4)


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A server of `digits` and of `classes`, which takes conditions."""
    models = tmp_path_factory.mktemp("models")
    write_version(models / "digits")
    write_version(models / "classes", model=CONDITIONAL)
    with serve(models) as running:
        yield running


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def places(served):
    """Servers of both models: the real one, and TensorFlow Serving's words."""
    models = {"digits": LINEAR, "classes": CONDITIONAL}
    with RestServing(models) as rest, RpcServing(models) as rpc:
        yield {
            **served.addresses,
            "tensorflow-rest": rest.url,
            "tensorflow-grpc": rpc.address,
        }


@pytest.fixture(params=[*PROTOCOLS, "tensorflow-rest", "tensorflow-grpc"])
def place(request, places):
    return places[request.param]


@pytest.fixture
def client(place, kind):
    """A client of `digits`: of each kind, at each place."""
    with connect(kind, place, "digits") as connected:
        yield connected


@pytest.fixture
def conditional(place, kind):
    """A client of `classes`: of each kind, at each place."""
    with connect(kind, place, "classes") as connected:
        yield connected
