"""What each call asks a server, step by step."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_vae_serving.client import condition, failures
from keras_vae_serving.client.description import Description
from keras_vae_serving.client.retries import Retries
from keras_vae_serving.client.steps import Describe, Predict, Steps, Wait
from keras_vae_serving.servable import Arrays, Outputs
from keras_vae_serving.status import Code, ServingError

_POLL_S = 0.1
_STATUS, _METADATA = "", "/metadata"
# They do not go away by waiting.
_REFUSALS = (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED)


class Question(NamedTuple):
    """What a signature is asked.

    Attributes:
        signature: Its name.
        inputs: Every input by name, but the condition.
        num_rows: How many rows are asked for.
        condition: From `condition.checked`, if one was given.
        single: The name of its output, where there is but one.
        unpack: Makes the result of the outputs by name.
    """

    signature: str
    inputs: Arrays
    num_rows: int
    condition: np.ndarray | None
    single: str
    unpack: Callable[[Outputs], Any]


def ask(question: Question, retries: Retries) -> Steps:
    """Asks a signature.

    A batch without rows is answered by the model's metadata: JSON cannot
    write its shape, and some graphs fail on it.
    """
    signature, inputs = question.signature, dict(question.inputs)
    if question.num_rows == 0:
        description = yield from _describe(signature, retries)
        outputs = description.no_rows()
    else:
        if question.condition is not None:
            inputs["condition"] = yield from _vectors(
                question.condition, question, retries
            )
        request = Predict(signature, inputs, question.single)
        outputs = yield from retries.send(request)
    try:
        return question.unpack(outputs)
    except (LookupError, TypeError) as error:
        raise failures.malformed(f"outputs without {error}") from error


def status(retries: Retries) -> Steps:
    """Asks how the model's versions are doing."""
    return retries.send(Describe(_STATUS))


def metadata(retries: Retries) -> Steps:
    """Asks for the model's signatures."""
    return retries.send(Describe(_METADATA))


def until_ready(label: str | None, timeout_s: float) -> Steps:
    """Asks until a version of the model can be asked.

    Args:
        label: The version's label, if the client was given one. A server
            gives the status of every version then, so that it is asked for
            the signatures.
        timeout_s: How long to try.
    """
    end = time.monotonic() + timeout_s
    what = _STATUS if label is None else _METADATA
    while True:
        # The last try is made even if the time is over.
        left_s = max(end - time.monotonic(), _POLL_S)
        try:
            answer = yield Describe(what, left_s)
            if label is not None or _is_available(answer):
                return
            reason = "no version is AVAILABLE"
        except ServingError as error:
            if error.code in _REFUSALS:
                raise
            reason = error.message
        if time.monotonic() + _POLL_S > end:
            raise ServingError(
                Code.DEADLINE_EXCEEDED,
                f"The model was not ready within {timeout_s:g} s: {reason}",
            )
        yield Wait(_POLL_S)


def _describe(signature: str, retries: Retries) -> Steps:
    return Description((yield from metadata(retries)), signature)


def _vectors(rows: np.ndarray, question: Question, retries: Retries) -> Steps:
    condition_dim: int | None = rows.shape[-1]
    if condition.may_be_labels(rows):
        description = yield from _describe(question.signature, retries)
        condition_dim = description.condition_dim
    return condition.as_vectors(rows, condition_dim, question.num_rows)


def _is_available(answer: Any) -> bool:
    try:
        versions = answer["model_version_status"]
        return any(one["state"] == "AVAILABLE" for one in versions)
    except (LookupError, TypeError) as error:
        raise failures.malformed(f"a status without {error}") from error
