"""From the options of `keras-vae train` to a VAE."""

import inspect
import math
from typing import Any

import keras

from keras_vae import likelihoods, networks, objectives, posteriors, priors
from keras_vae.cli.train_arguments import TrainArguments
from keras_vae.models import VAE
from keras_vae.types import Shape
from keras_vae.validation import one_of, require

_HIDDEN_DIMS = {"mlp": (400,), "conv": ()}
_FILTERS = (32, 64)


def check(arguments: TrainArguments) -> None:
    """Raises for options that no data could make right.

    It comes before the data are loaded, which may take long.

    Raises:
        ValueError: naming the option and what it may be.
    """
    for option, name, registry in (
        ("--posterior", arguments.posterior, posteriors.registry),
        ("--prior", arguments.prior, priors.registry),
    ):
        _check_part(option, name, registry.classes)
    build_likelihood(arguments)
    build_objective(arguments)
    _hidden_dims(arguments)
    _filters(arguments)
    rate = arguments.learning_rate
    require(
        math.isfinite(rate) and rate > 0,
        "`--learning-rate` must be a positive number. Received: "
        f"--learning-rate {rate}. Pass e.g. `--learning-rate 0.001`.",
    )
    try:
        keras.activations.get(arguments.activation)
    except ValueError:
        raise ValueError(
            "`--activation` must be an activation of Keras. Received: "
            f"--activation {arguments.activation}. "
            "Pass e.g. `--activation relu`."
        ) from None


def build_vae(arguments: TrainArguments, event_shape: Shape) -> VAE:
    """Builds and compiles a VAE for x of shape `event_shape`."""
    dtype = None
    if arguments.mixed_precision is not None:
        dtype = f"mixed_{arguments.mixed_precision}"
    encoder, decoder = _networks(arguments, event_shape, dtype)
    vae = VAE(
        encoder,
        decoder,
        posterior=arguments.posterior,
        prior=arguments.prior,
        likelihood=build_likelihood(arguments),
        objective=build_objective(arguments),
        seed=arguments.seed,
        dtype=dtype,
    )
    vae.compile(
        optimizer=keras.optimizers.Adam(arguments.learning_rate),
        steps_per_execution=arguments.steps_per_execution,
    )
    return vae


def build_likelihood(arguments: TrainArguments) -> likelihoods.Likelihood:
    """Builds the likelihood with the options that are its own.

    Raises:
        ValueError: if there is none of that name, or it has no such option.
    """
    name = arguments.likelihood
    classes = likelihoods.registry.classes
    _check_part("--likelihood", name, classes)
    given: dict[str, Any] = {}
    if arguments.allow_grey:
        given["allow_grey"] = True
    if arguments.likelihood_scale is not None:
        given["scale"] = _number_or_word(arguments.likelihood_scale)
    options = {"allow_grey": "--allow-grey", "scale": "--likelihood-scale"}
    accepted = inspect.signature(classes[name]).parameters
    for argument in given:
        require(
            argument in accepted,
            f"`{options[argument]}` must be left out with this likelihood. "
            f"Received: {options[argument]} with --likelihood {name}. "
            f"Leave out `{options[argument]}`.",
        )
    if "scale" in accepted and accepted["scale"].default == 1.0:
        # Far too wide for intensities.
        given.setdefault("scale", "shared")
    return classes[name](**given)


def build_objective(arguments: TrainArguments) -> objectives.Objective:
    """Builds the objective, with KL warm-up where it is asked for."""
    weight: Any = arguments.kl_weight
    if arguments.kl_warmup_steps > 0:
        weight = objectives.schedules.Linear(
            arguments.kl_warmup_steps, start=0.0, end=weight
        )
    return objectives.ELBO(
        weight, num_samples=arguments.num_samples, kl=arguments.kl
    )


def _networks(
    arguments: TrainArguments, event_shape: Shape, dtype: str | None
) -> tuple[keras.Model, keras.Model]:
    dims = _hidden_dims(arguments)
    mirrored = dims[::-1]
    common: dict[str, Any] = {
        "activation": arguments.activation,
        "dtype": dtype,
        "seed": arguments.seed,
    }
    if arguments.network == "mlp":
        return (
            networks.mlp_encoder(event_shape, dims, **common),
            networks.mlp_decoder(arguments.latent_dim, mirrored, **common),
        )
    filters = _filters(arguments)
    return (
        networks.conv_encoder(event_shape, filters, hidden_dims=dims, **common),
        networks.conv_decoder(
            arguments.latent_dim,
            event_shape,
            filters[::-1],
            hidden_dims=mirrored,
            **common,
        ),
    )


def _hidden_dims(arguments: TrainArguments) -> Shape:
    if arguments.hidden_dims is None:
        return _HIDDEN_DIMS[arguments.network]
    return _integers("--hidden-dims", arguments.hidden_dims, "400,200")


def _filters(arguments: TrainArguments) -> Shape:
    if arguments.filters is None:
        return _FILTERS
    require(
        arguments.network == "conv",
        "`--filters` must be left out with this network. Received: --filters "
        f"{arguments.filters} with --network {arguments.network}. "
        "Pass `--network conv` too.",
    )
    filters = _integers("--filters", arguments.filters, "32,64")
    require(
        bool(filters),
        "`--filters` must name at least one number of channels. Received: "
        f"--filters {arguments.filters!r}. Pass e.g. `--filters 32,64`.",
    )
    return filters


def _integers(option: str, text: str, example: str) -> Shape:
    """Reads "400,200"; "" is none."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    require(
        all(part.isdecimal() and int(part) > 0 for part in parts),
        f"`{option}` must be positive integers with commas between them. "
        f"Received: {option} {text!r}. Pass e.g. `{option} {example}`.",
    )
    return tuple(int(part) for part in parts)


def _check_part(option: str, name: str, classes: dict[str, type]) -> None:
    known = sorted(classes)
    one_of(option, name, known, f"Pass e.g. `{option} {known[0]}`.")
    needed = [
        parameter.name
        for parameter in inspect.signature(classes[name]).parameters.values()
        if parameter.default is inspect.Parameter.empty
        and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        and parameter.name != "latent_dim"
    ]
    require(
        not needed,
        f"`{option}` must be a part that its name alone makes. Received: "
        f"{option} {name}, which needs {', '.join(needed)}. Pass e.g. "
        f"`{option} {known[0]}`, or train it from Python.",
    )


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
