import numpy as np
import pytest

from keras_vae_export import warmup
from keras_vae_export.reference import make_reference
from keras_vae_export.signatures import signatures_of

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def vae(make_kind):
    return make_kind("conv_bernoulli")


@pytest.fixture(scope="module")
def requests(vae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_model")
    signatures = signatures_of(vae).values()
    warmup.write(folder, "digits", signatures, make_reference(vae))
    return warmup.read(folder)


def test_every_signature_of_rows_has_a_request(requests, vae):
    assert {one.model for one in requests} == {"digits"}
    names = [one.signature for one in requests]
    assert sorted([*names, "generate"]) == sorted(
        [*signatures_of(vae), "serving_default"]
    )


def test_no_request_has_a_scalar(requests):
    # TensorFlow Serving with `--enable_batching` would not load the version.
    assert all(value.ndim for one in requests for value in one.inputs.values())


def test_a_request_is_one_row(requests, vae):
    signatures = signatures_of(vae)
    for one in requests:
        name = one.signature.replace("serving_default", "decode")
        specs = signatures[name].inputs
        assert set(one.inputs) == {spec.name for spec in specs}
        for spec in specs:
            value = one.inputs[spec.name]
            shape = [1 if size == "N" else size for size in spec.shape]
            assert (list(value.shape), value.dtype) == (shape, spec.dtype)


def test_two_writings_are_equal(vae, tmp_path):
    reference = make_reference(vae)
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        signatures = signatures_of(vae).values()
        warmup.write(tmp_path / name, "digits", signatures, reference)
        files.append((tmp_path / name / warmup.FILE).read_bytes())
    assert files[0] == files[1]


def test_the_bytes_of_a_message():
    # By the protocol buffers' encoding: tag = number * 8 + 2, length, bytes.
    request = warmup.WarmupRequest("m", "s", {"z": np.float32([1.0])})
    spec = b"\x0a\x01m" + b"\x1a\x01s"
    shape = b"\x12\x02" + b"\x08\x01"  # dim: size 1
    tensor = b"\x08\x01" + b"\x12\x04" + shape  # DT_FLOAT, its shape
    tensor += b"\x2a\x04" + np.float32(1).tobytes()  # float_val, packed
    entry = b"\x0a\x01z" + b"\x12" + bytes([len(tensor)]) + tensor
    predict = b"\x0a" + bytes([len(spec)]) + spec
    predict += b"\x12" + bytes([len(entry)]) + entry
    log = b"\x0a" + bytes([len(predict)]) + predict
    expected = b"\x32" + bytes([len(log)]) + log
    assert warmup._serialized(request) == expected


def test_a_saved_model_answers_its_own_requests(vae, tmp_path):
    import tensorflow as tf

    vae.export(tmp_path / "model")
    loaded = tf.saved_model.load(tmp_path / "model")
    requests = warmup.read(tmp_path / "model")
    names = {one.signature for one in requests}
    assert names == set(loaded.signatures) - {"generate"}
    assert {one.model for one in requests} == {vae.name}
    for one in requests:
        inputs = {k: tf.constant(v) for k, v in one.inputs.items()}
        outputs = loaded.signatures[one.signature](**inputs)
        assert all(value.shape[0] == 1 for value in outputs.values())
