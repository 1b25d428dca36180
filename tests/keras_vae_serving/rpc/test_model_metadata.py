import pytest

from keras_vae_serving import metadata
from keras_vae_serving.rpc import messages
from tests.keras_vae_serving.echo import Echo
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import METADATA

pytestmark = pytest.mark.once


def unpacked(response):
    found = messages.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    return found.signature_def


def test_it_says_what_rest_says(loopback):
    request = requests.metadata("signature_def", version=1)
    response = loopback.call(METADATA, request)
    assert response.model_spec.version.value == 1
    signatures = unpacked(response)
    described = metadata.signature_def_map(Echo().signatures)["signature_def"]
    assert set(signatures) == set(described)
    for name, signature in signatures.items():
        wanted = described[name]
        assert signature.method_name == wanted["method_name"]
        for side in ("inputs", "outputs"):
            tensors = getattr(signature, side)
            assert set(tensors) == set(wanted[side])
            for alias, info in tensors.items():
                assert shown(info) == wanted[side][alias]


def shown(info):
    names = messages.POOL.FindEnumTypeByName("tensorflow.DataType")
    dims = [
        {"size": str(d.size), "name": d.name} for d in info.tensor_shape.dim
    ]
    return {
        "name": info.name,
        "dtype": names.values_by_number[info.dtype].name,
        "tensor_shape": {
            "dim": dims,
            "unknown_rank": info.tensor_shape.unknown_rank,
        },
    }


def test_label_and_field_twice(loopback):
    request = requests.metadata(
        "signature_def", "signature_def", label="stable"
    )
    response = loopback.call(METADATA, request)
    assert response.model_spec.version.value == 1
    assert len(unpacked(response)) == len(Echo().signatures)


@pytest.mark.parametrize(
    "request_, error",
    [
        (
            requests.metadata("signature_def", label="none"),
            ("INVALID_ARGUMENT", "Unrecognized servable version label: none"),
        ),
        (
            requests.metadata("signature_def", version=9),
            (
                "NOT_FOUND",
                "Servable not found for request: Specific(echo, 9)",
            ),
        ),
        (
            requests.metadata("signature_def", model=""),
            ("INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ),
        (
            messages.GetModelMetadataRequest(),
            ("INVALID_ARGUMENT", "Missing ModelSpec"),
        ),
        # The fields are looked at before the model.
        (
            requests.metadata("signature_def", "x", model="nope"),
            ("INVALID_ARGUMENT", "Metadata field x is not supported"),
        ),
    ],
)
def test_refused(loopback, request_, error):
    assert loopback.error(METADATA, request_) == error
