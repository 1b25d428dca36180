"""Numbers in JSON as RapidJSON reads them."""

import math
import re

from keras_vae_serving.rest.syntax_error import JsonSyntaxError

_DIGITS = re.compile(r"[0-9]+")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_EXPONENT = re.compile(r"[eE][+-]?")
_DOUBLE_MARKS = re.compile(r"[.eEIN]")
# Plain numbers, each with its comma: neither too long nor too big.
NUMBER_RUN = re.compile(
    r"(?:(?:-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
    r"|-?NaN|-?Inf(?:inity)?)[ \n\r\t]*,[ \n\r\t]*){2,1000}"
)
_MAX_UINT64 = 2**64 - 1
_MIN_INT64 = -(2**63)
# RapidJSON gives up on integers once this much has another digit behind it.
_MAX_PREFIX = 1.7976931348623157e307
_MAX_EXPONENT = 308
_SIGNIFICANT_DIGITS = 17


def numbers(run: str) -> list[int | float]:
    """Returns the numbers of a match of `NUMBER_RUN`."""
    texts = run.split(",")
    texts.pop()
    return [
        float(text) if _DOUBLE_MARKS.search(text) else int(text)
        for text in texts
    ]


def read_number(text: str, start: int) -> tuple[int | float, int]:
    """Reads one number.

    Args:
        text: The whole text.
        start: Where the number begins.

    Returns:
        The number, and where it ends. An integer that fits in 64 bits stays
        one.

    Raises:
        JsonSyntaxError: if there is none.
    """
    integer = _INTEGER.match(text, start)
    if integer is None:
        return _read_name(text, start)
    _check_size(integer.group(), start)
    fraction_end = _end_of_fraction(text, integer.end())
    end = _end_of_exponent(text, fraction_end)
    if end == integer.end() and len(integer.group()) <= 20:
        whole = int(integer.group())
        if _MIN_INT64 <= whole <= _MAX_UINT64:
            return whole, end
    value = float(text[start:end])
    exponent = text[fraction_end + 1 : end].lstrip("+")
    # RapidJSON refuses 0e400 too; here it is 0, as in the fast path.
    if value and exponent and not exponent.startswith("-"):
        fraction = text[integer.end() + 1 : fraction_end]
        _check_exponent(integer.group(), fraction, exponent, start)
    return value, end


def _end_of_fraction(text: str, at: int) -> int:
    if not text.startswith(".", at):
        return at
    digits = _DIGITS.match(text, at + 1)
    if digits is None:
        raise JsonSyntaxError("Miss fraction part in number.", at + 1)
    return digits.end()


def _end_of_exponent(text: str, at: int) -> int:
    mark = _EXPONENT.match(text, at)
    if mark is None:
        return at
    digits = _DIGITS.match(text, mark.end())
    if digits is None:
        raise JsonSyntaxError("Miss exponent in number.", mark.end())
    return digits.end()


def _check_size(integer: str, start: int) -> None:
    """Raises for an integer that no double can hold."""
    digits = integer.lstrip("-")
    if len(digits) > _MAX_EXPONENT and (
        len(digits) > _MAX_EXPONENT + 1 or float(digits[:-1]) >= _MAX_PREFIX
    ):
        raise JsonSyntaxError("Number too big to be stored in double.", start)


def _check_exponent(
    integer: str, fraction: str, exponent: str, start: int
) -> None:
    """Raises for an exponent that RapidJSON takes for too big.

    It looks at the exponent less the digits of the fraction that count, not
    at the number: 123456789e305 is taken, as Infinity.
    """
    counted = len(fraction)
    if integer.lstrip("-") == "0":
        zeros = counted - len(fraction.lstrip("0"))
        counted = min(counted, zeros + _SIGNIFICANT_DIGITS)
    else:
        counted = min(counted, _SIGNIFICANT_DIGITS)
    digits = exponent.lstrip("0")
    if len(digits) > 9 or int(digits or 0) > _MAX_EXPONENT + counted:
        raise JsonSyntaxError("Number too big to be stored in double.", start)


def _read_name(text: str, start: int) -> tuple[float, int]:
    """Reads NaN, Inf or Infinity, with or without a minus."""
    at = start + text.startswith("-", start)
    at, is_nan = _take(text, at, "NaN")
    if is_nan:
        return math.nan, at
    # What was taken of "NaN" stays taken, as in RapidJSON.
    at, is_infinite = _take(text, at, "Inf")
    if is_infinite and text.startswith("i", at):
        at, is_infinite = _take(text, at, "inity")
    if not is_infinite:
        raise JsonSyntaxError("Invalid value.", at)
    return (-math.inf if text.startswith("-", start) else math.inf), at


def _take(text: str, at: int, word: str) -> tuple[int, bool]:
    """Moves over a word as far as it is there."""
    for char in word:
        if not text.startswith(char, at):
            return at, False
        at += 1
    return at, True
