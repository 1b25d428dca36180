"""Messages that are wrong in every way: each gets an answer or a clear no."""

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_vae_serving.checks import InputLimits, check_inputs
from keras_vae_serving.rpc import messages, packed, tensors
from keras_vae_serving.status import invalid
from tests.keras_vae_serving.echo import Echo, EchoServer
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import (
    CHECK,
    METADATA,
    PREDICT,
    RELOAD,
    STATUS,
    Loopback,
)

pytestmark = pytest.mark.once

ALLOWED = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    # A message, or what it stands for, above the limit.
    "RESOURCE_EXHAUSTED",
}
SIGNATURES = sorted(Echo().signatures)
TIMEOUT_S = 10
MAX_VALUES = 10_000


class Checked(EchoServer):
    """Checks shapes and limits first, as the server of real models does."""

    async def predict(self, servable, signature, inputs, deadline=None):
        check_inputs(servable.signatures[signature], inputs, InputLimits())
        if "k" in inputs and inputs["k"] > MAX_VALUES:
            raise invalid("That is too much.")
        return await super().predict(servable, signature, inputs)


@pytest.fixture(scope="module")
def loopback():
    with Loopback(Checked(), max_message_bytes=2**20) as started:
        yield started


@pytest.fixture(scope="module", autouse=True)
def still_right(loopback):
    """After all of it, the server answers as before."""
    yield
    response = loopback.call(PREDICT, requests.predict(x=[1, 2]))
    assert response.outputs["y"].float_val[:] == [2.5, 3]


def often(max_examples):
    return settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


def outcome(loopback, path, data):
    try:
        loopback.send(path, data, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        assert error.details()
        return error.code().name
    return "OK"


numbers = st.integers(-(2**63), 2**63 - 1)
sizes = st.integers(-2, 5) | st.sampled_from(
    [2**20, 2**31, 2**32, 2**62, -(2**63)]
)
names = st.sampled_from(["x", "a", "n", "", "q"]) | st.text(max_size=9)
any_dtype = st.integers(-1, 34) | st.sampled_from([99, 101])
floats = st.lists(st.floats(width=32), max_size=6)
integers = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=6)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@st.composite
def odd_tensors(draw, info):
    """A tensor as a signature wants it, but for one thing or two."""
    shape = [3 if size is None else size for size in info.shape or (2,)]
    if draw(st.booleans()):
        shape = draw(shapes)
    dtype = info.dtype.numpy or "float32"
    values = st.binary(max_size=5) if info.dtype.name == "DT_STRING" else None
    array = draw(hnp.arrays(dtype, shape, elements=values))
    tensor = tensors.to_proto(array, info.dtype)
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=2)):
        change(draw, tensor)
    return tensor


def change_dtype(draw, tensor):
    tensor.dtype = draw(any_dtype)


def change_shape(draw, tensor):
    if tensor.tensor_shape.dim and draw(st.booleans()):
        tensor.tensor_shape.dim[-1].size = draw(sizes)
    else:
        tensor.tensor_shape.dim.add(size=draw(sizes))


def leave_shape_out(draw, tensor):
    tensor.ClearField("tensor_shape")
    tensor.tensor_shape.unknown_rank = draw(st.booleans())


def add_values(draw, tensor):
    tensor.float_val.extend(draw(floats))
    tensor.scomplex_val.extend(draw(floats))
    tensor.dcomplex_val.extend(draw(floats))
    tensor.int_val.extend(draw(integers))
    tensor.half_val.extend(draw(integers))
    tensor.string_val.extend(draw(st.lists(st.binary(), max_size=3)))
    tensor.int64_val.extend(draw(st.lists(numbers, max_size=3)))


def leave_values_out(draw, tensor):
    for field, _ in tensor.ListFields():
        if field.name.endswith("_val"):
            tensor.ClearField(field.name)


def add_content(draw, tensor):
    tensor.tensor_content = draw(st.binary(max_size=40))


CHANGES = [
    change_dtype,
    change_shape,
    leave_shape_out,
    add_values,
    leave_values_out,
    add_content,
]


@st.composite
def odd_inputs(draw):
    """A request of the right names, with odd tensors."""
    signature = draw(st.sampled_from(SIGNATURES))
    request = requests.predict(signature)
    for name, info in Echo().signatures[signature].inputs.items():
        request.inputs[name].CopyFrom(draw(odd_tensors(info)))
    return request


@st.composite
def specified(draw, request):
    """Fills a request's model_spec with something, or leaves it out."""
    if draw(st.integers(0, 9)) == 0:
        return request
    spec = request.model_spec
    spec.name = draw(st.sampled_from(["echo"] * 8 + ["", "nope", "é" * 400]))
    choice = draw(st.sampled_from(["", "", "", "version", "label"]))
    if choice == "version":
        spec.version.value = draw(numbers | st.sampled_from([1, 2]))
    elif choice == "label":
        spec.version_label = draw(names | st.just("stable"))
    return request


@st.composite
def odd_names(draw):
    """A request with names that may mean nothing, and a good tensor."""
    request = draw(specified(messages.PredictRequest()))
    if request.HasField("model_spec"):
        request.model_spec.signature_name = draw(
            st.sampled_from(["", *SIGNATURES]) | names
        )
    for name in draw(st.lists(names, max_size=3)):
        request.inputs[name].CopyFrom(requests.tensor([1], "float32"))
    request.output_filter.extend(
        draw(st.lists(names | st.just("y"), max_size=2))
    )
    return request


VALID = {
    PREDICT: [
        requests.predict(x=[1, 2, 3]),
        requests.predict("echo_s", x=requests.tensor([b"a", b"b"], object)),
        requests.predict("echo_c64", x=requests.tensor([1j], "complex64")),
    ],
    METADATA: [requests.metadata("signature_def")],
    STATUS: [requests.status("echo", version=2)],
    RELOAD: [
        requests.reload(
            {
                "name": "echo",
                "base_path": "/models/echo",
                "model_platform": "tensorflow",
                "version_labels": {"stable": 1},
                "model_version_policy": {"specific": {"versions": [1, 2]}},
            }
        )
    ],
    CHECK: [messages.HealthCheckRequest(service="ModelService")],
}
paths = st.sampled_from(sorted(VALID))


@st.composite
def mutated(draw):
    """A valid request with some bytes changed, gone, doubled or added."""
    path = draw(paths)
    valid = draw(st.sampled_from(VALID[path]))
    data = bytearray(valid.SerializeToString())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 5)))
        data[at:end] = draw(
            st.binary(max_size=4) | st.just(bytes(data[at:end] * 2))
        )
    return path, bytes(data)


@st.composite
def with_unknown_fields(draw):
    """A valid request, and fields of which the messages know nothing."""
    path = draw(paths)
    data = draw(st.sampled_from(VALID[path])).SerializeToString()
    for _ in range(draw(st.integers(1, 3))):
        key = packed.varint(draw(st.integers(20, 2**29 - 1)) << 3 | 2)
        value = draw(st.binary(max_size=20))
        data += key + packed.varint(len(value)) + value
    return path, data


@often(500)
@given(request=odd_inputs())
def test_odd_inputs(loopback, request):
    data = request.SerializeToString()
    assert outcome(loopback, PREDICT, data) in ALLOWED


@often(150)
@given(request=odd_names())
def test_odd_names(loopback, request):
    data = request.SerializeToString()
    assert outcome(loopback, PREDICT, data) in ALLOWED


@often(200)
@given(mutated())
def test_mutated_requests(loopback, given_):
    assert outcome(loopback, *given_) in ALLOWED


@often(200)
@given(paths, st.binary(max_size=200))
def test_random_bytes(loopback, path, data):
    assert outcome(loopback, path, data) in ALLOWED


@often(60)
@given(with_unknown_fields())
def test_unknown_fields_are_ignored(loopback, given_):
    assert outcome(loopback, *given_) == "OK"


@often(60)
@given(specified(messages.GetModelStatusRequest()))
def test_status(loopback, request):
    data = request.SerializeToString()
    assert outcome(loopback, STATUS, data) in ALLOWED


@pytest.mark.parametrize("path", sorted(VALID))
def test_deeply_nested_groups(loopback, path):
    start, end = packed.varint(30 << 3 | 3), packed.varint(30 << 3 | 4)
    data = start * 10_000 + end * 10_000
    assert outcome(loopback, path, data) == "INVALID_ARGUMENT"
