"""What a client can ask: the signatures of an exported VAE, and its state."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_vae_serving.client import arguments, condition, questions
from keras_vae_serving.client.options import check_seconds
from keras_vae_serving.client.questions import Question
from keras_vae_serving.client.retries import Retries
from keras_vae_serving.client.steps import Steps
from keras_vae_serving.servable import Arrays, Outputs


class Calls:
    """The signatures as methods: NumPy in, NumPy out.

    Images and latents are float32. A conditional model's `condition` is a
    label or a vector for each row, or one for all; for labels the model's
    metadata is asked for first. What cannot be meant is a `ValueError` or
    `TypeError` before anything is sent. The methods of `AsyncClient` are
    awaited.

    Args:
        retries: Says what is sent again.
        label: The version's label that is asked, if one is.
    """

    def __init__(self, retries: Retries, label: str | None) -> None:
        self._retries = retries
        self._label = label

    def _carry_out(self, steps: Steps) -> Any:
        """Carries out the steps of a call and returns what they return."""
        raise NotImplementedError

    # --- The signatures -------------------------------------------------------

    def generate(
        self,
        num_samples: int,
        seed: int | None = None,
        temperature: float = 1.0,
        return_latents: bool = False,
        condition: ArrayLike | None = None,
    ) -> Any:
        """Draws images from the prior, as `VAE.generate` does.

        TensorFlow Serving refuses this signature, whose inputs are scalars,
        where it runs with `--enable_batching`: call `generate_rows` there.

        Args:
            num_samples: How many.
            seed: 64-bit integer, or `None` for a fresh one. The same seed
                draws the same, here as there, and the first images do not
                depend on `num_samples`.
            temperature: Scales the prior's noise.
            return_latents: Whether the latents are returned, too.
            condition: What a conditional model takes.

        Returns:
            Images `(num_samples, ...)`, or images and latents.

        Raises:
            TypeError: if an argument is of the wrong type.
            ValueError: if an argument is not as described.
            ServingError: if the server refuses, or does not answer.
        """
        count = arguments.count(num_samples)
        inputs = {
            "num_samples": count,
            "seed": arguments.seed(seed),
            "temperature": arguments.temperature(temperature),
        }
        unpack = _x_and_z if return_latents else _x
        return self._ask("generate", inputs, int(count), condition, unpack)

    def generate_rows(
        self,
        seeds: ArrayLike,
        temperature: ArrayLike = 1.0,
        return_latents: bool = False,
        condition: ArrayLike | None = None,
    ) -> Any:
        """Draws one image for each seed: row n is `generate(1, seeds[n])`.

        Args:
            seeds: Integers `(N,)`.
            temperature: Scales the prior's noise; one number, or `(N,)`.
            return_latents: Whether the latents are returned, too.
            condition: What a conditional model takes.

        Returns:
            Images `(N, ...)`, or images and latents.

        Raises:
            TypeError: as `generate`; so are the others.
        """
        inputs = _rows(seeds, temperature)
        unpack = _x_and_z if return_latents else _x
        num_rows = len(inputs["seed"])
        return self._ask("generate_rows", inputs, num_rows, condition, unpack)

    def generate_png(
        self,
        seeds: ArrayLike,
        temperature: ArrayLike = 1.0,
        condition: ArrayLike | None = None,
    ) -> Any:
        """Draws one PNG file for each seed; see `generate_rows`.

        Returns:
            A list of `bytes`.
        """
        inputs = _rows(seeds, temperature)
        return self._ask(
            "generate_png",
            inputs,
            len(inputs["seed"]),
            condition,
            lambda outputs: list(outputs["image_bytes"]),
            single="image_bytes",
        )

    def decode(self, z: ArrayLike, condition: ArrayLike | None = None) -> Any:
        """Decodes latents.

        Args:
            z: Array `(N, latent_dim)`.
            condition: What a conditional model takes.

        Returns:
            The likelihood's mean, `(N, ...)`.
        """
        given = arguments.latents(z)
        return self._ask("decode", {"z": given}, len(given), condition, _x)

    def encode(self, x: ArrayLike, condition: ArrayLike | None = None) -> Any:
        """Encodes observations.

        Args:
            x: Array `(N, ...)`.
            condition: What a conditional model takes.

        Returns:
            Dictionary of `loc`, the posterior's representative point, of
            shape `(N, latent_dim)`, and of the posterior's parameters.
        """
        given = arguments.observations(x)
        inputs = {"x": given}
        return self._ask(
            "encode", inputs, len(given), condition, dict, single="loc"
        )

    def reconstruct(
        self, x: ArrayLike, condition: ArrayLike | None = None
    ) -> Any:
        """Encodes and decodes observations; see `encode`.

        Returns:
            The likelihood's mean, `(N, ...)`.
        """
        given = arguments.observations(x)
        name = "reconstruction"
        return self._ask(
            "reconstruct",
            {"x": given},
            len(given),
            condition,
            lambda outputs: outputs[name],
            single=name,
        )

    def score(
        self,
        x: ArrayLike,
        seed: ArrayLike = 0,
        condition: ArrayLike | None = None,
    ) -> Any:
        """Returns the ELBO of observations; its negative scores anomalies.

        Args:
            x: Array `(N, ...)`.
            seed: Of the posterior's noise; one integer, or `(N,)`.
            condition: What a conditional model takes.

        Returns:
            Array `(N,)`, in nats; higher is better.
        """
        given = arguments.observations(x)
        seeds = arguments.seeds_of_rows(seed, len(given))
        return self._ask(
            "score",
            {"x": given, "seed": seeds},
            len(given),
            condition,
            lambda outputs: outputs["elbo"],
            single="elbo",
        )

    # --- The model ------------------------------------------------------------

    def status(self) -> Any:
        """Returns the status of the model's versions, as REST answers it.

        Raises:
            ServingError: if the server refuses, or does not answer.
        """
        return self._carry_out(questions.status(self._retries))

    def metadata(self) -> Any:
        """Returns the model's signatures, as REST answers them.

        Raises:
            ServingError: if the server refuses, or does not answer.
        """
        return self._carry_out(questions.metadata(self._retries))

    def wait_until_ready(self, timeout_s: float = 30.0) -> Any:
        """Waits until the server is there and a version can be asked.

        Args:
            timeout_s: How long, in seconds.

        Raises:
            ValueError: if `timeout_s` is not above 0.
            ServingError: DEADLINE_EXCEEDED if that takes longer;
                UNAUTHENTICATED if the server asks for another key.
        """
        check_seconds("timeout_s", timeout_s)
        return self._carry_out(questions.until_ready(self._label, timeout_s))

    def _ask(
        self,
        signature: str,
        inputs: Arrays,
        num_rows: int,
        given: ArrayLike | None,
        unpack: Callable[[Outputs], Any],
        single: str = "x",
    ) -> Any:
        rows = None if given is None else condition.checked(given, num_rows)
        question = Question(signature, inputs, num_rows, rows, single, unpack)
        return self._carry_out(questions.ask(question, self._retries))


def _rows(seeds: ArrayLike, temperature: ArrayLike) -> dict[str, np.ndarray]:
    given = arguments.seeds(seeds)
    temperatures = arguments.temperatures(temperature, given.shape)
    return {"seed": given, "temperature": temperatures}


def _x(outputs: Outputs) -> np.ndarray:
    return outputs["x"]


def _x_and_z(outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    return outputs["x"], outputs["z"]
