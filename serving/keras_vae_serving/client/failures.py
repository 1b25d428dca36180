"""What the user is told where no server answered."""

from keras_vae_serving.status import Code, ServingError


def unreachable(reason: object) -> ServingError:
    """Returns the error of a connection that was not made.

    Nothing was sent, so it may be tried again.
    """
    return ServingError(
        Code.UNAVAILABLE, f"The server could not be reached: {reason}"
    )


def lost(reason: object) -> ServingError:
    """Returns the error of a connection that broke after it was made.

    Whether the request was carried out is not known, so it is not tried
    again: its code is another one.
    """
    return ServingError(
        Code.UNKNOWN,
        "The connection broke before the whole answer was there; the request "
        f"may have been carried out: {reason}",
    )


def late(timeout_s: float) -> ServingError:
    """Returns the error of an answer that took too long."""
    return ServingError(
        Code.DEADLINE_EXCEEDED,
        f"The server did not answer within {timeout_s:g} s",
    )


def malformed(reason: object) -> ServingError:
    """Returns the error of an answer that cannot be understood."""
    return ServingError(
        Code.INTERNAL, f"The server's answer is not as agreed: {reason}"
    )
