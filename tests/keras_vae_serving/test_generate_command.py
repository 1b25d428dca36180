"""`keras-vae generate --url` against the real server."""

import json
import os
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

import keras_vae_serving
from keras_vae_serving import command, image_grid
from tests.keras_vae_serving.client.rpc_standin import RpcStandIn
from tests.keras_vae_serving.client.served import PROTOCOLS, serve
from tests.keras_vae_serving.client.standin import StandIn
from tests.keras_vae_serving.directories import LinearModel, write_version

pytestmark = pytest.mark.once

KEY = "a-key-of-sixteen-characters"
DIGITS = LinearModel()
MODELS = {
    "digits": DIGITS,
    "colours": LinearModel(event_shape=(20, 18, 3)),
    "classes": LinearModel(condition_dim=3),
    "vectors": LinearModel(event_shape=(6,)),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    for name, model in MODELS.items():
        write_version(models / name, model=model)
    with serve(models, api_keys=(KEY,)) as running:
        yield running


@pytest.fixture
def generate(served, tmp_path, monkeypatch, capsys):
    """Calls the command in an empty folder; returns its exit code and text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_VAE_API_KEY", KEY)

    def call(*options, url=served.addresses["rest"], model="digits"):
        place = ["--url", url, "--model", model]
        code = command.main(["generate", *place, *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def expected(model, num_samples, seed, temperature=1.0, condition=None):
    inputs = (num_samples, seed, np.float32(temperature), condition)
    found = MODELS[model].generate(*inputs)
    return found["x"], found["z"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_npz_holds_what_keras_writes(generate, served, protocol):
    options = ["--num-samples=5", "--seed=7", "--temperature=0.5", "--json"]
    url = served.addresses[protocol]
    code, out, err = generate("--out=new/a.npz", *options, url=url)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "url": url,
        "model": "digits",
        "out": "new/a.npz",
        "num_samples": 5,
        "shape": [5, 4, 4, 1],
        "seed": 7,
        "temperature": 0.5,
    }
    x, z = expected("digits", 5, 7, 0.5)
    with np.load("new/a.npz") as arrays:
        assert set(arrays) == {"images", "latents", "seed", "temperature"}
        np.testing.assert_allclose(arrays["images"], x, atol=1e-5)
        np.testing.assert_allclose(arrays["latents"], z, atol=1e-6)
        assert (arrays["seed"], arrays["temperature"]) == (7, 0.5)


def test_npy_holds_the_images(generate):
    code, out, _ = generate("--out", "a.npy")
    assert (code, out) == (0, "Wrote 16 images, seed 0: a.npy\n")
    found = np.load("a.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected("digits", 16, 0)[0], atol=1e-5)


@pytest.mark.parametrize(("model", "count"), [("digits", 7), ("colours", 3)])
def test_png_is_the_picture_that_keras_draws(generate, model, count):
    from keras_vae import visualization
    from keras_vae.cli import pictures

    code, _, err = generate(
        "--out=a.png", f"--num-samples={count}", model=model
    )
    assert (code, err) == (0, "")
    found = np.asarray(Image.open("a.png").convert("RGB"))
    images = expected(model, count, 0)[0]
    visualization.save(pictures.sample_grid(images), "keras.png")
    drawn = np.asarray(Image.open("keras.png").convert("RGB"))
    np.testing.assert_array_equal(found, drawn)


@pytest.mark.parametrize(
    ("given", "labels"), [("2", [2, 2, 2]), ("0,1,2", [0, 1, 2])]
)
def test_conditions(generate, given, labels):
    options = ["--num-samples=3", f"--condition={given}"]
    assert generate("--out=a.npy", *options, model="classes")[0] == 0
    vectors = np.eye(3, dtype="float32")[labels]
    x = expected("classes", 3, 0, 1.0, vectors)[0]
    np.testing.assert_allclose(np.load("a.npy"), x, atol=1e-5)
    np.save("vectors.npy", vectors)
    options[1] = "--condition=vectors.npy"
    assert generate("--out=b.npy", *options, model="classes")[0] == 0
    np.testing.assert_array_equal(np.load("b.npy"), np.load("a.npy"))


def test_a_key_from_a_file(generate, monkeypatch):
    monkeypatch.delenv("KERAS_VAE_API_KEY")
    code, _, err = generate("--out=a.npy")
    assert code == 2
    assert "A valid API key is needed" in err
    pathlib.Path("key").write_text(f"# mine\n{KEY}\n")
    code, out, _ = generate("--out=a.npy", "--api-key-file=key")
    assert (code, out) == (0, "Wrote 16 images, seed 0: a.npy\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--out=a.jpg"],
            "`--out` must be one of .'.png', '.npy', '.npz'.. Rec",
        ),
        (["--out=here.npy"], "`--out` must be a file that does not exist yet"),
        ([], "the following arguments are required: --out"),
        (
            ["--out=a.npy", "--nope"],
            "unrecognized arguments: --nope. Call `keras",
        ),
        (["--out=a.npy", "--num-samples=0"], "must be at least 1, not 0"),
        (["--out=a.npy", "--num-samples=99999"], "num_samples must be between"),
        (["--out=a.npy", f"--seed={2**63}"], "`seed` must be an integer from"),
        (
            ["--out=a.npy", "--temperature=nan"],
            "`temperature` must be at least",
        ),
        (["--out=a.npy", "--temperature=-1"], "`temperature` must be at least"),
        (["--out=a.npy", "--condition=a"], "`--condition` must be a label"),
        (["--out=a.npy", "--condition=1"], "`condition` must be left out"),
        (["--out=a.npy", "--condition=no.npy"], "No such file or directory"),
        (["--out=a.npy", "--api-key-file=none"], "No such file or directory"),
        (
            ["--out=a.npy", "--api-key-file=empty"],
            "`--api-key-file` must hold a",
        ),
        (["--out=a.npy", "--tls-ca=empty"], "with an encrypted address"),
        (
            ["--out=a.npy", "--timeout-seconds=0"],
            "`timeout_s` must be a number",
        ),
        (["--out=a.npy", "--model-version=9"], r"Specific\(digits, 9\)"),
        (["--out=a.npy", "--model-label=x"], "servable version label: x"),
        (
            ["--out=a.npy", "--model=nope"],
            r"Servable not found .*Latest\(nope\)",
        ),
        (["--out=a.npy", "--model=classes"], "condition"),
        (
            ["--out=a.npy", "--url=nowhere"],
            "`--url` must be http://HOST:PORT for",
        ),
        (
            ["--out=a.png", "--model=vectors"],
            "must have shape .num_images, hei",
        ),
        (["--out=here.npy/a.npy"], "Not a directory|File exists"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(generate, options, message):
    pathlib.Path("here.npy").write_text("mine")
    pathlib.Path("empty").write_text("# no key\n")
    code, out, err = generate(*options)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    with pytest.raises(ValueError, match=message):
        raise ValueError(err)
    assert sorted(os.listdir()) == ["empty", "here.npy"]


def test_a_server_that_fails_is_exit_code_1(generate):
    with StandIn(lambda _: (500, '{"error": "Broken\\n pipe"}')) as server:
        found = generate("--out=a.npy", url=server.url)
    assert found == (1, "", "Error: Broken pipe\n")
    code, _, err = generate("--out=a.npy", url=server.url)  # it is gone
    assert code == 1
    assert err.startswith("Error: The server could not be reached: ")


def test_tensorflow_serving_with_batching(generate):
    words = "Batching Run() input tensors must have at least one dimension"
    with RpcStandIn(lambda _: (3, words)) as server:
        code, _, err = generate("--out=a.npy", url=server.address)
    assert code == 2
    assert f"{words}. TensorFlow Serving refuses `generate` while it" in err


def test_images_that_are_not_finite_are_not_drawn():
    with pytest.raises(ValueError, match="`images` must be finite to be drawn"):
        image_grid.draw(np.full((1, 2, 2), np.nan))
    with pytest.raises(ValueError, match=r"Received: shape \(0, 2, 2\)"):
        image_grid.draw(np.zeros((0, 2, 2)))


def test_help_and_an_answer_need_no_keras(served, tmp_path):
    """Nothing of Keras, of a backend or of this package's tower is loaded."""
    script = (
        "import sys\n"
        "from keras_vae_serving import command\n"
        "code = command.main(sys.argv[1:])\n"
        "heavy = {'keras', 'keras_vae', 'tensorflow', 'jax', 'torch',"
        " 'matplotlib', 'onnxruntime', 'starlette', 'uvicorn'}\n"
        "sys.exit(f'{code} {heavy & set(sys.modules)}'"
        " if code or heavy & set(sys.modules) else 0)\n"
    )
    serving = pathlib.Path(keras_vae_serving.__file__).parents[1]
    environment = {"PYTHONPATH": str(serving), "KERAS_VAE_API_KEY": KEY}
    place = ["--url", served.addresses["rest"], "--model", "digits"]
    done = subprocess.run(
        [sys.executable, "-c", script, "generate", *place, "--out", "a.npz"],
        env=os.environ | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert zipfile.is_zipfile(tmp_path / "a.npz")


def test_help(capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(["generate", "--url", "x", "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "--api-key-file FILE" in out
    assert max(map(len, out.splitlines())) <= 80
