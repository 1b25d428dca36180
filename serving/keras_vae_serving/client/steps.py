"""What a call does, step by step, whoever carries the steps out.

A call is a generator: it yields what shall be sent, or how long shall be
waited, and is given the answer. So `Client`, which blocks, and `AsyncClient`
do the same, and differ only in how they carry out one step.
"""

from collections.abc import Generator
from typing import Any, NamedTuple

from keras_vae_serving.servable import Arrays


class Wait(NamedTuple):
    """Wait for some time."""

    seconds: float


class Describe(NamedTuple):
    """Ask about the model; the answer is REST's JSON, read.

    Attributes:
        what: `""` for the status of its versions, `"/metadata"` for its
            signatures.
        timeout_s: How long it may take; `None` for what the client was made
            with.
    """

    what: str
    timeout_s: float | None = None


class Predict(NamedTuple):
    """Ask for what a signature computes; the answer is its outputs by name.

    Attributes:
        signature: Its name.
        inputs: Every input by name.
        single: The name of its output, where there is but one: REST leaves
            it out then.
    """

    signature: str
    inputs: Arrays
    single: str


Request = Describe | Predict
Steps = Generator[Wait | Request, Any, Any]
