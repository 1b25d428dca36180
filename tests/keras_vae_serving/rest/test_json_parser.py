import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vae_serving.rest import json_parser, json_reader
from keras_vae_serving.rest.json_parser import parse
from keras_vae_serving.rest.json_text import Members
from keras_vae_serving.rest.syntax_error import JsonSyntaxError

pytestmark = pytest.mark.once

TOO_BIG = "Number too big to be stored in double."
NO_COMMA = "Missing a comma or } after an object member."
NO_ELEMENT_COMMA = "Missing a comma or ] after an array element."
NO_QUOTE = "Missing a closing quotation mark in string."
BAD_ESCAPE = "Invalid escape character in string."
BAD_HEX = "Incorrect hex digit after \\u escape in string."
BAD_PAIR = "The surrogate pair in string is invalid."


@pytest.mark.parametrize(
    ("body", "words", "offset"),
    [
        (b" ", "The document is empty.", 1),
        (b"\xef\xbb\xbf", "The document is empty.", 3),
        (b"\0{}", "The document is empty.", 0),
        (b"]", "The document is empty.", 0),
        (b"{", "Missing a name for object member.", 1),
        (b"{1:2}", "Missing a name for object member.", 1),
        (b'{"a":1,}', "Missing a name for object member.", 7),
        (b'{"a" 1}', "Missing a colon after a name of object member.", 5),
        (b'{"a"', "Missing a colon after a name of object member.", 4),
        (b'{"a":}', "Invalid value.", 5),
        (b'{"a":', "Invalid value.", 5),
        (b'{"a":1 "b":2}', NO_COMMA, 7),
        (b'{"a":1]', NO_COMMA, 6),
        (b'{"a":[1]]', NO_COMMA, 8),
        (b'{"a":1\0}', NO_COMMA, 6),
        (b"[", "Invalid value.", 1),
        (b"[1,2,3,]", "Invalid value.", 7),
        (b"[,1]", "Invalid value.", 1),
        (b"[1 2]", NO_ELEMENT_COMMA, 3),
        (b"[1,2,3", NO_ELEMENT_COMMA, 6),
        (b"[1, 2 ,3,4 ,NaNo]", NO_ELEMENT_COMMA, 15),
        (b"[01]", NO_ELEMENT_COMMA, 2),
        (b"[1}", NO_ELEMENT_COMMA, 2),
        (b"[nul]", "Invalid value.", 4),
        (b"[tRue]", "Invalid value.", 2),
        (b"[fals", "Invalid value.", 5),
        (b"[Nan]", "Invalid value.", 3),
        (b"[-x]", "Invalid value.", 2),
        (b"[+1]", "Invalid value.", 1),
        (b"[.5]", "Invalid value.", 1),
        (b"[Infinite]", "Invalid value.", 8),
        (b"[1.]", "Miss fraction part in number.", 3),
        (b"[1.e5]", "Miss fraction part in number.", 3),
        (b"[1e]", "Miss exponent in number.", 3),
        (b"[1e+]", "Miss exponent in number.", 4),
        (b"[2, 1e309]", TOO_BIG, 4),
        (b"[-1e99999999999]", TOO_BIG, 1),
        (b"[1.5e310]", TOO_BIG, 1),
        (b"[" + b"9" * 400 + b"]", TOO_BIG, 1),
        (b"[" + b"1" + b"0" * 309 + b"]", TOO_BIG, 1),
        (b'"abc', NO_QUOTE, 4),
        (b'["a\0"]', NO_QUOTE, 3),
        (b'["a\n"]', BAD_ESCAPE, 3),
        (b'["\\q"]', BAD_ESCAPE, 2),
        (b'["\\', BAD_ESCAPE, 2),
        (b'["ab\\u12g4"]', BAD_HEX, 4),
        (b'["\\u12', BAD_HEX, 2),
        (b'["\\ud800"]', BAD_PAIR, 2),
        (b'["\\ud800\\n"]', BAD_PAIR, 2),
        (b'["\\ud800\\ud800"]', BAD_PAIR, 2),
        (b'["\\ud800\\u00"]', BAD_HEX, 2),
    ],
)
def test_errors_are_those_of_rapidjson(body, words, offset):
    with pytest.raises(JsonSyntaxError) as caught:
        parse(body)
    message = f"JSON Parse error: {words} at offset: {offset}"
    assert str(caught.value) == message


def test_an_empty_body():
    with pytest.raises(JsonSyntaxError) as caught:
        parse(b"")
    assert str(caught.value) == "JSON Parse error: The document is empty"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        # RapidJSON looks for each byte of the mark by itself.
        (b'\xbb{"a": 1}', {"a": 1}),
        (b'{"a": 1} {"b": 2}', {"a": 1}),
        (b'{"a": [1]}]]', {"a": [1]}),
        (b"[Infinity, -Infinity, Inf, -Inf]", [math.inf, -math.inf] * 2),
        # What there is of NaN is taken before Inf is looked for.
        (b"[NaInf]", [math.inf]),
        (b"[-0, -0.0]", [0, -0.0]),
        (b"[18446744073709551615]", [2**64 - 1]),
        (b"[18446744073709551616]", [2.0**64]),
        (b"[-9223372036854775808]", [-(2**63)]),
        (b"[-9223372036854775809]", [-(2.0**63)]),
        (b"[1" + b"0" * 308 + b"]", [1e308]),
        (b"[1e308, 0.1e309, 1e-400]", [1e308, 1e308, 0.0]),
        # The exponent is looked at, not the number.
        (b"[123456789e305]", [math.inf]),
        (b"[0e400]", [0.0]),
        (b'["\\"\\\\\\/\\b\\f\\n\\r\\t"]', ['"\\/\b\f\n\r\t']),
        (b'["\xff\xef"]', ["\xff\xef"]),
        (b'["\\u00e9"]', ["\xc3\xa9"]),
        (b'["\\ud83d\\ude00"]', ["\xf0\x9f\x98\x80"]),
        # A lone low half becomes three bytes.
        (b'["\\ude00"]', ["\xed\xb8\x80"]),
        (b"null", None),
        (b"1 2", 1),
        (b"[[], [[]], {}]", [[], [[]], {}]),
        (b"[0.001e310, 0.00010e312]", [1e307, 1e308]),
    ],
)
def test_what_is_read(body, value):
    assert repr(parse(body)) == repr(value)
    assert repr(json_reader.read(body.decode("latin-1"))) == repr(value)


def test_nan_is_read():
    assert all(map(math.isnan, parse(b"[NaN, -NaN]")))


@pytest.mark.parametrize(
    "body", [b'{"a": 1, "a": 2}', b'{"a": 1, "a": 2} ', b'{"a":1,"\\u0061":2}']
)
def test_the_first_of_two_members_counts(body):
    found = parse(body)
    assert isinstance(found, Members)
    assert found == {"a": 1}
    assert found.pairs == [("a", 1), ("a", 2)]


def test_members_that_are_there_twice_keep_their_order():
    found = parse(b'{"a": 1, "b": 2, "a": 3, "c": 4, "b": 5}')
    assert list(found.items()) == [("a", 1), ("b", 2), ("c", 4)]


def test_members_of_inner_objects_count_once_too():
    found = parse(b'{"a": [[1, 2], {"b": 3, "b": 4}], "c": "x:y"}')
    assert found["a"][1] == {"b": 3}


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_no_depth_is_too_deep(brackets):
    opening, closing = brackets
    middle = b"1" if closing == b"}" else b""
    depth = 500_000 if closing == b"]" else 50_000
    value = opening * depth + middle + closing * depth
    start = time.process_time()
    found = parse(b'{"x": ' + value + b', "y": 3}')
    assert list(found) == ["x", "y"]
    assert found["y"] == 3
    # Not a measurement: a slip that made it quadratic would take minutes.
    assert time.process_time() - start < 20


def test_plain_bodies_take_the_fast_path():
    for body in (
        b'{"instances": [[1.5, 2], [3, 4]]}',
        b'{"inputs": {"x": [[1.5]], "n": [1]}, "signature_name": "s"}',
        b'{"instances": [{"x": [1]}, {"x": [2]}]}',
        b'{"inputs": [{"b64": "AAAA"}]}',
    ):
        assert json_parser._parse_plain(body) == json.loads(body)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)


@st.composite
def texts(draw):
    """JSON in several layouts, some with a few bytes changed."""
    value = draw(VALUES)
    text = json.dumps(
        value,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 0, 2])),
        separators=draw(st.sampled_from([None, (",", ":"), (" , ", " : ")])),
    )
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    alphabet = st.sampled_from(b'{}[]:,"\\ \n\0\xef\xbb\xbf\xff0123eE.-+uNIant')
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(body)))
        width = draw(st.integers(0, 1))
        body[place : place + width] = bytes([draw(alphabet)])
    return bytes(body)


def read_exactly(body):
    try:
        return json_reader.read(body.decode("latin-1"))
    except JsonSyntaxError as error:
        return error


@settings(deadline=None, max_examples=600)
@given(texts())
def test_both_paths_agree(body):
    fast = json_parser._parse_plain(body)
    if fast is not None:
        assert repr(read_exactly(body)) == repr(fast)


@settings(deadline=None, max_examples=300)
@given(VALUES)
def test_the_standard_library_agrees(value):
    """What it writes is read as it reads it, but for numbers above 64 bits."""
    body = json.dumps(value, ensure_ascii=True).encode()
    found = read_exactly(body)
    if isinstance(found, JsonSyntaxError):
        assert "surrogate" in str(found)
        return
    assert repr(found) == repr(as_read(json.loads(body)))


def as_read(value):
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("latin-1")
    if isinstance(value, list):
        return [as_read(one) for one in value]
    if isinstance(value, dict):
        return {as_read(k): as_read(v) for k, v in value.items()}
    if type(value) is int and not -(2**63) <= value < 2**64:
        return float(value)
    return value


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 255)).map(bytes))
def test_random_bytes_are_read_or_refused(body):
    try:
        parse(body)
    except JsonSyntaxError as error:
        assert str(error).startswith("JSON Parse error: ")
