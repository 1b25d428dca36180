import functools

import keras
import numpy as np
import pytest

import keras_vae
import keras_vae_export
from keras_vae import networks, objectives, priors
from tests.keras_vae_export.runtimes import in_javascript, in_python
from tests.keras_vae_export.runtimes.cases import (
    DECODE,
    LATENT_DIM,
    MODELS,
    SEEDED,
    SEEDS,
    TEMPERATURES,
    seed_of_row,
)

IMAGES = (8, 8, 1)
# By runtime and signature, the largest difference of a pixel that was seen.
FIGURES: dict[tuple[str, str], float] = {}


def make_vae(name):
    rng = np.random.default_rng(5)  # its images have the most contrast
    options = {}
    if name == "gaussian_mixture":
        options["prior"] = priors.GaussianMixture(3)
        options["objective"] = objectives.ELBO(kl="monte_carlo")
    vae = keras_vae.VAE(
        encoder=networks.mlp_encoder(IMAGES, (4,)),
        decoder=networks.conv_decoder(
            LATENT_DIM, IMAGES, (4, 3), activation="tanh"
        ),
        name=name,
        **options,
    )
    for weight in vae.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    return vae


@pytest.fixture(scope="session")
def vaes():
    """The live models, by name."""
    return {name: make_vae(name) for name in MODELS}


@pytest.fixture(scope="session")
def models(vaes, tmp_path_factory):
    """The folder of the exported models, which all runtimes read."""
    folder = tmp_path_factory.mktemp("models")
    for vae in vaes.values():
        keras_vae_export.export(vae, folder, formats=("onnx",))
    return folder


@pytest.fixture(scope="session")
def expected(vaes):
    """`expected(case)` is what the live model answers, arrays by name."""

    @functools.cache
    def rows(model):
        pairs = [
            vaes[model].generate(1, seed, temperature, return_latents=True)
            for seed, temperature in zip(SEEDS, TEMPERATURES, strict=True)
        ]
        return {
            name: np.concatenate(arrays)
            for name, arrays in zip("xz", zip(*pairs, strict=True), strict=True)
        }

    def answer(case):
        vae = vaes[case.model]
        if case.signature == "decode":
            x = vae.decode(case.inputs()["z"]).mean()
            return {"x": keras.ops.convert_to_numpy(x)}
        if case.signature == "generate":
            x, z = vae.generate(
                case.size, case.seed, case.temperature, return_latents=True
            )
            return {"x": x, "z": z}
        chosen = seed_of_row(case.size)
        return {name: all_[chosen] for name, all_ in rows(case.model).items()}

    return functools.cache(answer)


@pytest.fixture(scope="session")
def load(models):
    """Loads a file in a runtime, once for all batch sizes."""
    return functools.cache(
        lambda runtime, file: in_python.load(runtime, models / file)
    )


@pytest.fixture(scope="session")
def node(models):
    """The answers of Node to all cases."""
    return in_javascript.answer("node", [*DECODE, *SEEDED], models)


@pytest.fixture(scope="session")
def chromium(models):
    """The answers of Chromium to all cases."""
    return in_javascript.answer("chromium", [*DECODE, *SEEDED], models)


@pytest.fixture
def note():
    """Notes the largest difference of x for the table at the end."""

    def call(runtime, case, found, live):
        key = (runtime, "decode" if case.signature == "decode" else "generate")
        largest = float(np.abs(found - live).max(initial=0.0))
        FIGURES[key] = max(largest, FIGURES.get(key, 0.0))

    return call


def pytest_terminal_summary(terminalreporter):
    """Prints the table that README.md shows."""
    if FIGURES:
        terminalreporter.section("largest difference of a pixel from Keras")
        for (runtime, kind), figure in sorted(FIGURES.items()):
            terminalreporter.line(f"{runtime:24} {kind:10} {figure:.1e}")


@pytest.fixture
def ask(load, request):
    """`ask(runtime, case)` is what a runtime answers, arrays by name."""

    def call(runtime, case):
        if runtime in in_javascript.RUNTIMES:
            return request.getfixturevalue(runtime)[case]
        return load(runtime, case.file)(**case.inputs())

    return call
