import types

import numpy as np
import pytest
from keras import ops

from keras_vae.random import threefry
from keras_vae_export import ExportError, reference


def test_it_is_what_the_model_decodes(make_kind, tmp_path):
    vae = make_kind("conv_odd_normal")
    made = reference.make_reference(vae)
    z = made.inputs["decode"]["z"]
    np.testing.assert_array_equal(z, threefry.normals(16, 3, seed=0))
    received = made.outputs["decode"]["x"]
    x = ops.convert_to_numpy(vae.decode(z).mean())
    np.testing.assert_allclose(received, x, atol=1e-6)
    assert received.dtype == "float32"
    assert made.exact is True
    made.save(tmp_path / "r.npz")
    loaded = reference.Reference.load(tmp_path / "r.npz")
    assert loaded.exact is True
    for ours, theirs in ((loaded.inputs, made.inputs), loaded[1:2] + made[1:2]):
        assert ours.keys() == theirs.keys()
        for signature, arrays in theirs.items():
            assert ours[signature].keys() == arrays.keys()
            for name, array in arrays.items():
                np.testing.assert_array_equal(ours[signature][name], array)


def test_it_is_what_the_model_generates(make_kind):
    vae = make_kind("conv_bernoulli")
    made = reference.make_reference(vae)
    inputs, outputs = made.inputs["generate"], made.outputs["generate"]
    assert (inputs["num_samples"], inputs["temperature"]) == (16, 1.0)
    x, z = vae.generate(16, int(inputs["seed"]), return_latents=True)
    np.testing.assert_array_equal(outputs["z"], z)
    np.testing.assert_allclose(outputs["x"], x, atol=1e-6)
    rows = made.inputs["generate_rows"]
    assert {0, 7, -1, 2**63 - 1, -(2**63)} <= set(rows["seed"].tolist())
    for n in (1, 2, 3):
        expected = vae.generate(
            1, int(rows["seed"][n]), rows["temperature"][n], True
        )[1]
        received = made.outputs["generate_rows"]["z"][n]
        np.testing.assert_array_equal(received, expected[0])


def test_it_is_what_the_model_encodes_and_scores(make_kind):
    vae = make_kind("conv_odd_normal")
    made = reference.make_reference(vae)
    x = made.inputs["encode"]["x"]
    q, encoded = vae.encode(x), made.outputs["encode"]
    for name in ("loc", "scale"):
        expected = ops.convert_to_numpy(getattr(q, name))
        np.testing.assert_allclose(encoded[name], expected, 1e-5)
    np.testing.assert_allclose(
        made.outputs["reconstruct"]["reconstruction"],
        ops.convert_to_numpy(vae.reconstruct(x)),
        atol=1e-5,
    )
    seeds = made.inputs["score"]["seed"]
    for n in (0, 1):
        # Sample 0 of the seed's stream, for each example by itself.
        expected = vae.compute_elbo(x[n : n + 1], seed=int(seeds[n])).elbo
        received = made.outputs["score"]["elbo"][n : n + 1]
        np.testing.assert_allclose(
            received, ops.convert_to_numpy(expected), 1e-5
        )


def test_the_first_examples(make_kind):
    made = reference.make_reference(make_kind())
    inputs, outputs = made.first("generate", 3)
    assert inputs["num_samples"] == 3 and inputs["num_samples"].dtype == "int32"
    assert len(outputs["x"]) == len(outputs["z"]) == 3
    inputs, outputs = made.first("score", 0)
    assert len(inputs["x"]) == len(inputs["seed"]) == len(outputs["elbo"]) == 0


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_not_exact(dtype, make_kind):
    made = reference.make_reference(make_kind(dtype=dtype))
    assert not made.exact
    assert made.outputs["decode"]["x"].dtype == "float32"


def test_weights_that_are_not_finite(make_kind):
    vae = make_kind()
    kernel = vae.decoder.trainable_weights[0]
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(
        ExportError, match="'tiny' gives values of `x` .* finite, in `decode`"
    ):
        reference.make_reference(vae)


@pytest.mark.parametrize(
    ("device", "exact"),
    [
        ("cpu", True),
        ("TFRT_CPU_0", True),
        ("/job:localhost/replica:0/task:0/device:CPU:0", True),
        ("cuda:0", False),
        ("/job:localhost/replica:0/task:0/device:GPU:0", False),
        ("mps:0", False),
    ],
)
def test_devices(device, exact):
    tensor = types.SimpleNamespace(device=device)
    assert reference._is_on_cpu(tensor) is exact
