"""The methods `:classify` and `:regress`, which no model of ours has.

Their bodies are read all the same, so that a client that asks for them hears
what the real server says of a model with none of these methods.
"""

from keras_vae_serving.metadata import METHOD
from keras_vae_serving.rest.echo import echo
from keras_vae_serving.rest.from_json import Request
from keras_vae_serving.servable import Servable
from keras_vae_serving.status import ServingError, invalid

_WANTED = {
    "classify": "classification signature method_name to be "
    "tensorflow/serving/classify",
    "regress": "regression signature method_name to be "
    "tensorflow/serving/regress",
}


def check_examples(request: Request) -> None:
    """Raises unless a request has a list of examples.

    Raises:
        ServingError: INVALID_ARGUMENT, if not.
    """
    document = request.document
    shown = echo(document)
    if "examples" not in document:
        # The real server says "classify" for both.
        raise invalid(
            f"JSON Value: {shown} When method is classify, key 'examples' is "
            "expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(
            f"JSON Value: {shown} Expecting 'examples' value to be an "
            "list/array"
        )
    if not examples:
        raise invalid(f"JSON Value: {shown} 'examples' value is an empty array")


def no_method(servable: Servable, signature: str, method: str) -> ServingError:
    """Returns the error of a method that a servable does not have.

    Args:
        servable: What was asked.
        signature: The name that the request gives.
        method: "classify" or "regress".
    """
    if signature not in servable.signatures:
        return invalid(f"No signature was found with the name: {signature}")
    return invalid(f"Expected {_WANTED[method]}. Was: {METHOD}")
