"""The row form of a request: `instances`, a list of rows."""

from collections.abc import Mapping

import numpy as np

from keras_vae_serving.rest.echo import echo
from keras_vae_serving.rest.json_text import Json, readable, wire
from keras_vae_serving.rest.plain_tensors import plain_array
from keras_vae_serving.rest.strings import is_base64
from keras_vae_serving.rest.tensors import Dense, make_array, read, stack
from keras_vae_serving.servable import TensorInfo
from keras_vae_serving.status import ServingError, invalid

Inputs = Mapping[str, TensorInfo]


def read_rows(rows: list, inputs: Inputs) -> dict[str, np.ndarray]:
    """Returns the inputs that rows hold, with a first axis of rows.

    Args:
        rows: At least one: all are objects that name every input, or, where
            there is one input, all are its values.
        inputs: Those of the signature.

    Raises:
        ServingError: about the first row that is wrong.
    """
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as "
            "multiple input tensors required as per tensorinfo_map"
        )
    if _is_named(rows[0]):
        return _read_plain_objects(rows, inputs) or _read_objects(rows, inputs)
    # Several inputs and values that are base64: the first name gets them.
    name = min(inputs)
    return {name: _read_values(rows, name, inputs[name])}


def _is_named(row: Json) -> bool:
    """Whether a row is an object of inputs, not a string in base64."""
    return isinstance(row, dict) and not is_base64(row)


def _read_values(rows: list, name: str, info: TensorInfo) -> np.ndarray:
    plain = plain_array(rows, info.dtype)
    if plain is not None:
        return plain
    read_rows: list[Dense] = []
    for index, row in enumerate(rows):
        if _is_named(row):
            raise invalid(
                f"Expecting value/list but got object at item {index} of "
                "input list"
            )
        place = f"{index} of 'instances' list"
        _add(row, info, read_rows, place)
    return make_array(name, stack(read_rows), info.dtype)


def _read_plain_objects(
    rows: list, inputs: Inputs
) -> dict[str, np.ndarray] | None:
    """Reads rows that have exactly the inputs, and nothing unusual."""
    keys = {wire(name) for name in inputs}
    if not all(type(row) is dict and row.keys() == keys for row in rows):
        return None
    found = {}
    for name, info in inputs.items():
        key = wire(name)
        plain = plain_array([row[key] for row in rows], info.dtype)
        if plain is None:
            return None
        found[name] = plain
    return found


def _read_objects(rows: list, inputs: Inputs) -> dict[str, np.ndarray]:
    read_rows: dict[str, list[Dense]] = {name: [] for name in inputs}
    for index, row in enumerate(rows):
        if not _is_named(row):
            raise invalid(
                f"Expecting object but got list at item {index} of input list"
            )
        for key, value in row.items():
            name = readable(key)
            place = f"{index} key: {name} of 'instances' list"
            if name not in inputs:
                raise invalid(
                    f"Failed to process element: {place}. Error: "
                    "INVALID_ARGUMENT: JSON object: does not have named "
                    f"input: {name}"
                )
            _add(value, inputs[name], read_rows[name], place)
        if len(row) != len(inputs):
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. "
                f"JSON object: {echo(row)} keys must be equal to: "
                f"{','.join(sorted(inputs))}"
            )
    return {
        name: make_array(name, stack(found), inputs[name].dtype)
        for name, found in read_rows.items()
    }


def _add(
    value: Json, info: TensorInfo, earlier: list[Dense], place: str
) -> None:
    """Reads a row's value, which must have the shape of the first row's."""
    try:
        row = read(value, info.dtype)
        if earlier:
            _check_alike(row, earlier[0])
    except ServingError as error:
        raise invalid(
            f"Failed to process element: {place}. Error: {error.code.name}: "
            f"{error.message}"
        ) from None
    earlier.append(row)


def _check_alike(row: Dense, first: Dense) -> None:
    if len(row.values) != len(first.values):
        raise invalid(
            f"Expecting tensor size: {len(first.values)} but got: "
            f"{len(row.values)}"
        )
    if row.shape != first.shape:
        raise invalid(
            f"Expecting shape {_shown(first.shape)} but got: "
            f"{_shown(row.shape)}"
        )


def _shown(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"
