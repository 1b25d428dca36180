import math

import pytest

from keras_vae_serving.rest.echo import echo
from keras_vae_serving.rest.json_text import Members

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-3, "-3"),
        ("a", '"a"'),
        ('"\\/\n\x01\x1f', r'"\"\\/\n\u0001\u001F"'),
        ([], "[]"),
        ({}, "{}"),
        ([1, [2, []]], "[1, [2, []]]"),
        ({"a": {"b": [1.0]}}, '{\n    "a": {\n        "b": [1.0]\n    }\n}'),
        ([{"b64": ""}, 1], '[{\n        "b64": ""\n    }, 1]'),
        (Members([("a", 1), ("a", 2)]), '{\n    "a": 1,\n    "a": 2\n}'),
        ([math.nan, math.inf, -math.inf], "[NaN, Infinity, -Infinity]"),
    ],
)
def test_values_are_printed_as_rapidjson_does(value, text):
    assert echo(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (1 / 3, "0.333333343"),
        (123456.7, "123456.703"),
        (1e6, "1e+06"),
        (1e39, "1e+39"),
        (1e300 / 3, "3.3333333333333335e+299"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_lone_number_has_the_digits_of_a_float(value, text):
    assert echo(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1 / 3, "0.3333333333333333"),
        (1e20, "100000000000000000000.0"),
        (1e21, "1e21"),
        (-1.5e300, "-1.5e300"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (123.456, "123.456"),
        (5e-324, "5e-324"),
    ],
)
def test_a_number_within_a_list_has_as_many_digits_as_it_needs(value, text):
    assert echo([value]) == f"[{text}]"


@pytest.mark.parametrize(
    "value",
    [
        list(range(1000)),
        "a" * 1000,
        {"a" * 1000: 1},
        {str(i): i for i in range(99)},
    ],
)
def test_long_values_are_cut(value):
    assert len(echo(value)) == 256


def test_bytes_are_counted_and_characters_stay_whole():
    text = ("é" * 1000).encode().decode("latin-1")
    assert echo(text) == '"' + "é" * 127


def test_bytes_that_are_no_characters_stay():
    found = echo("\xff" * 1000)
    assert found == '"' + "\udcff" * 255


def test_deep_values_are_printed():
    value = []
    for _ in range(100_000):
        value = [value]
    assert echo(value) == "[" * 256
