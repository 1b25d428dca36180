import numpy as np
import pytest

from keras_vae.cli.run_directory import RunDirectory


def test_npz_holds_images_and_latents(call, trained, tmp_path):
    out = tmp_path / "new" / "images.npz"
    options = ["--num-samples=5", "--seed=7", "--temperature=0.5"]
    called = call("generate", trained, f"--out={out}", *options, "--json")
    assert called.code == 0
    assert called.json == {
        "run": str(trained),
        "out": str(out),
        "num_samples": 5,
        "shape": [5, 4, 4, 1],
        "seed": 7,
        "temperature": 0.5,
    }
    vae = RunDirectory.open(trained).load_model()
    images, latents = vae.generate(5, 7, 0.5, return_latents=True)
    with np.load(out) as arrays:
        np.testing.assert_array_equal(arrays["latents"], latents)
        np.testing.assert_allclose(arrays["images"], images, atol=1e-6)
        assert (arrays["seed"], arrays["temperature"]) == (7, 0.5)


def test_the_seed_gives_the_same_images(call, trained, tmp_path):
    def images(name, *options):
        out = tmp_path / f"{name}.npy"
        assert call("generate", trained, f"--out={out}", *options).code == 0
        return np.load(out)

    five = images("a", "--num-samples=5", "--seed=7")
    many = images("b", "--num-samples=16", "--seed=7")
    np.testing.assert_allclose(many[:5], five, atol=1e-6)
    assert not np.allclose(images("c", "--num-samples=5", "--seed=8"), five)


def test_png(call, trained, tmp_path):
    out = tmp_path / "images.png"
    called = call("generate", trained, f"--out={out}", "--num-samples=3")
    assert called.out == f"Wrote 3 images, seed 0: {out}\n"
    assert out.read_bytes()[1:4] == b"PNG"


def test_a_file_is_not_overwritten(call, trained, tmp_path):
    out = tmp_path / "images.npy"
    out.write_text("mine")
    called = call("generate", trained, f"--out={out}")
    assert called.code == 2
    assert "Choose another name" in called.err
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (f"--seed={2**63}", "`seed`"),
        ("--temperature=nan", "emperature"),
        ("--temperature=-1", "--temperature"),
    ],
)
def test_bad_numbers(call, trained, tmp_path, option, message):
    called = call("generate", trained, f"--out={tmp_path / 'a.npy'}", option)
    assert called.code == 2
    assert called.err.count("\n") == 1
    assert message in called.err
    assert list(tmp_path.iterdir()) == []
