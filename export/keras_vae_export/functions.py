"""What the signatures compute: from noise that is given, and from seeds.

A signature that draws takes its noise from the seeded stream and then is a
plain function, its core, of that noise and its other inputs. The cores are
the model's own mathematics, on any backend; the stream stands once for each
runtime.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_vae import random
from keras_vae.types import Tensor
from keras_vae_export.noise import Noise

Function = Callable[..., dict[str, Tensor]]


class Form(NamedTuple):
    """How a signature comes from its core."""

    core: Function  # of tensors by name
    noise: Noise | None  # what the core takes from the stream, if anything
    by_rows: bool  # every row has a seed of its own


def forms_of(vae: Any) -> dict[str, Form]:
    """Returns the form of each signature but `generate_png`, by name.

    Args:
        vae: A VAE, its prior frozen where the forms are to be written.
    """
    prior = prior_noise(vae.prior)
    return {
        "decode": Form(lambda **inputs: _decode(vae, **inputs), None, True),
        "generate": Form(lambda **i: _from_noise(vae, **i), prior, False),
        "generate_rows": Form(lambda **i: _from_noise(vae, **i), prior, True),
        "encode": Form(lambda **i: _encode(vae, **i), None, True),
        "reconstruct": Form(lambda **i: _reconstruct(vae, **i), None, True),
        "score": Form(lambda **i: _score(vae, **i), posterior_noise(vae), True),
    }


def prior_noise(prior: Any) -> Noise:
    """Returns what one latent of the prior takes from the stream."""
    return Noise(
        int(prior.num_normals), prior.thresholds(), int(prior.num_uniforms)
    )


def posterior_noise(vae: Any) -> Noise:
    """Returns what one latent of the posterior takes from the stream."""
    x = ops.zeros((1, *vae.event_shape), dtype="float32")
    condition = None
    if vae.condition_dim is not None:
        condition = ops.zeros((1, vae.condition_dim), dtype="float32")
    q = vae.posterior.distribution(vae.posterior_parameters(x, condition))
    no_choices = np.zeros((0, 1), "uint64")
    return Noise(int(q.num_normals), no_choices, int(q.num_uniforms))


# --- The cores ----------------------------------------------------------------


def _decode(vae: Any, z: Tensor, condition: Tensor = None) -> dict[str, Tensor]:
    inputs = z if condition is None else {"z": z, "condition": condition}
    return {"x": vae.generator(inputs, training=False)}


def _from_noise(
    vae: Any,
    normals: Tensor,
    choices: Tensor = None,
    uniforms: Tensor = None,
    condition: Tensor = None,
) -> dict[str, Tensor]:
    own = {} if uniforms is None else {"uniforms": uniforms}
    z = vae.prior.from_choices(normals, choices, **own)
    return {**_decode(vae, z, condition), "z": z}


def _encode(vae: Any, x: Tensor, condition: Tensor = None) -> dict[str, Tensor]:
    parameters = vae.posterior_parameters(x, condition)
    loc = vae.posterior.distribution(parameters).mean()
    return {**parameters, "loc": loc}


def _reconstruct(
    vae: Any, x: Tensor, condition: Tensor = None
) -> dict[str, Tensor]:
    z = _encode(vae, x, condition)["loc"]
    return {"reconstruction": _decode(vae, z, condition)["x"]}


def _score(
    vae: Any,
    x: Tensor,
    normals: Tensor,
    uniforms: Tensor = None,
    condition: Tensor = None,
) -> dict[str, Tensor]:
    noise = [None if n is None else n[None] for n in (normals, uniforms)]
    return {"elbo": vae.elbo_from_noise(x, *noise, condition=condition).elbo}


# --- With the stream in NumPy -------------------------------------------------


def numpy_noise(
    form: Form, inputs: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Draws a signature's noise from the reference stream.

    Args:
        form: The signature's form.
        inputs: The signature's inputs by name.

    Returns:
        The noise by name, and the inputs that the core takes beside it.
    """
    rest = dict(inputs)
    if form.noise is None:
        return {}, rest
    seed = rest.pop("seed")
    if form.by_rows:
        temperature = rest.pop("temperature", 1.0)
        return _noise_for_seeds(form.noise, seed, temperature), rest
    count, temperature = int(rest.pop("num_samples")), rest.pop("temperature")
    normals = random.normals(
        count, form.noise.num_normals, int(seed), float(temperature)
    )
    bits = random.uniform_bits(count, form.noise.num_uniforms, int(seed))
    return _read(form.noise, normals, bits), rest


def _noise_for_seeds(
    noise: Noise, seeds: np.ndarray, temperatures: Any
) -> dict[str, np.ndarray]:
    normals = random.normals_for_seeds(seeds, noise.num_normals, temperatures)
    bits = random.uniform_bits_for_seeds(seeds, noise.num_uniforms)
    return _read(noise, normals, bits)


def _read(
    noise: Noise, normals: np.ndarray, bits: np.ndarray
) -> dict[str, np.ndarray]:
    named = {"normals": normals}
    count = noise.num_choices
    if count:
        named["choices"] = random.choose_each(bits[:, :count], noise.thresholds)
    if noise.num_floats:
        named["uniforms"] = random.uniform_floats(bits[:, count:])
    return named
