"""Figures of a VAE on a split: ELBO, marginal likelihood, bits/dim."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_vae.cli.output import Output
from keras_vae.cli.progress import track
from keras_vae.likelihoods import Likelihood
from keras_vae.models import VAE
from keras_vae.random import blocks

_BATCH = 256
_NOISE_SEED_BITS = 63


def measure(
    vae: VAE,
    x: np.ndarray,
    output: Output,
    *,
    seed: int = 0,
    importance_samples: int | None = None,
) -> dict[str, Any]:
    """Returns the figures of `evaluate`, means over examples in nats.

    The noise comes from the seeded stream: the same model gives the same
    figures on every backend, up to rounding.

    Args:
        vae: The VAE.
        x: Array `(num_examples, *event_shape)`.
        output: Where progress is shown.
        seed: Integer, the seed of the noise.
        importance_samples: Integer, weights of log p(x) per example, or
            `None` to leave it out.
    """
    totals: dict[str, list[np.ndarray]] = {}
    num_batches = -(-len(x) // _BATCH)
    for index, batch in track(output, _batches(x), "Evaluating", num_batches):
        noise = noise_seed(seed, index)
        terms: dict[str, Any] = vae.compute_elbo(batch, seed=noise)._asdict()
        if importance_samples is not None:
            terms["marginal_log_likelihood"] = vae.marginal_log_likelihood(
                batch, importance_samples, seed=noise
            )
        for name, values in terms.items():
            array = np.asarray(keras.ops.convert_to_numpy(values), "float64")
            totals.setdefault(name, []).append(array)
    arrays = {name: np.concatenate(parts) for name, parts in totals.items()}
    num_dims = math.prod(vae.event_shape)
    elbo = arrays["elbo"]
    figures: dict[str, Any] = {
        name: float(values.mean()) for name, values in arrays.items()
    }
    figures["elbo_standard_error"] = float(elbo.std() / math.sqrt(len(elbo)))
    figures["bits_per_dim"] = bits_per_dim(figures["elbo"], num_dims)
    figures["num_dims"] = num_dims
    figures["num_examples"] = len(x)
    figures["num_samples"] = 1
    figures["seed"] = seed
    figures["kind"] = kind(vae.likelihood)
    if importance_samples is not None:
        figures["importance_samples"] = importance_samples
        figures["marginal_bits_per_dim"] = bits_per_dim(
            figures["marginal_log_likelihood"], num_dims
        )
    return figures


def bits_per_dim(nats: float, num_dims: int) -> float:
    """Returns -nats / (log 2 * num_dims)."""
    return -nats / (math.log(2) * num_dims)


def noise_seed(seed: int, index: int) -> int:
    """Returns a seed of 63 bits for batch `index`, its own for each seed."""
    high, low = (int(word) for word in blocks(seed, index))
    return (high << 32 | low) >> (64 - _NOISE_SEED_BITS)


def kind(likelihood: Likelihood) -> str:
    """Says what the log-likelihood of x is under a likelihood."""
    if getattr(likelihood, "allow_grey", False):
        return "cross-entropy on grey levels, not a likelihood"
    # Between two grey levels, where a mass has none.
    between = np.full((1, 1, 1, 1), 0.5, "float32")
    if not likelihood.outside_support(between).any():
        return "log-density of intensities in [0, 1]"
    return "log-likelihood"


def _batches(x: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for index, start in enumerate(range(0, len(x), _BATCH)):
        yield index, x[start : start + _BATCH]


def rows(figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Returns the figures as rows of a table for people."""
    is_likelihood = figures["kind"] == "log-likelihood"
    name = "log-likelihood" if is_likelihood else figures["kind"]
    table = [
        (
            "ELBO",
            f"{figures['elbo']:.3f} nats",
            f"{figures['bits_per_dim']:.4f} bits/dim",
        ),
        (name, f"{figures['log_likelihood']:.3f} nats"),
        ("KL", f"{figures['kl']:.3f} nats"),
    ]
    if "importance_samples" in figures:
        table.append(
            (
                f"log p(x), {figures['importance_samples']} importance samples",
                f"{figures['marginal_log_likelihood']:.3f} nats",
                f"{figures['marginal_bits_per_dim']:.4f} bits/dim",
            )
        )
    return table


def conditions(
    figures: Mapping[str, Any], dataset: str, split: str, binarization: str
) -> str:
    """Says on what the figures were measured, in one line."""
    return (
        f"on {figures['num_examples']} examples of {dataset}, split {split}, "
        f"{binarization}; {figures['num_dims']} dimensions; "
        f"one posterior sample an example, noise seed {figures['seed']}"
    )


def measured_on(
    config: Mapping[str, Any], split: str, limit: int | None
) -> dict[str, Any]:
    """Says on what a run is measured, for machines.

    Args:
        config: What `config.json` of the run holds.
        split: The split's name.
        limit: Integer, how many examples at most, or `None` for all.
    """
    return {
        "dataset": config["dataset"],
        "split": split,
        "limit": limit,
        "binarization": config["binarization"]["test"],
        "binarization_seed": config["binarization"]["static_seed"],
    }


def binarization_words(config: Mapping[str, Any]) -> str:
    """Says how a measured split is binarised, from a run's `config.json`."""
    chosen = config["binarization"]
    return {
        "none": "not binarised",
        "threshold": "binarised at one half",
        "static": f"binarised once with seed {chosen['static_seed']}",
    }[chosen["test"]]
