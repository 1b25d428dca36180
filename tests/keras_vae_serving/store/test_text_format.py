import math
import random
import re

import hypothesis
import pytest
from hypothesis import strategies as st

from keras_vae_serving.store.text_format import Field, Message, parse
from keras_vae_serving.store.text_tokens import TextFormatError
from tests.keras_vae_serving.store.text_messages import (
    LEAF,
    TREE,
    Writer,
    google_parse,
    without_empty_lists,
)

pytestmark = pytest.mark.once

SEEDS = st.integers(0, 2**32)
SETTINGS = hypothesis.settings(
    max_examples=500, deadline=None, derandomize=True
)
# What protocol buffers' library for Python does otherwise than the one for
# C++, which TensorFlow Serving uses: a minus sign apart from its number, a
# plus sign, "inff", some numbers of enumerations, and a backslash before a
# letter beyond ASCII.
OTHERWISE = re.compile(
    r"-[\s#]|(?<!e)\+|inff|Infinityf|color[^;]*\d|\\[^\x00-\x7f]"
)


@SETTINGS
@hypothesis.given(seed=SEEDS)
def test_every_style_is_read_as_the_library_reads_it(seed):
    writer = Writer(random.Random(seed))
    content = writer.values()
    text = writer.text(content)
    expected = without_empty_lists(content)
    assert without_empty_lists(parse(text, TREE)) == expected
    assert google_parse(text) == expected


@SETTINGS
@hypothesis.given(seed=SEEDS)
def test_damaged_texts_are_read_or_refused_as_by_the_library(seed):
    writer = Writer(random.Random(seed))
    text = writer.damaged(writer.text(writer.values()))
    hypothesis.assume(not OTHERWISE.search(text))
    try:
        found = without_empty_lists(parse(text, TREE))
    except TextFormatError:
        with pytest.raises(Exception, match="."):
            google_parse(text)
    else:
        assert found == google_parse(text)


@hypothesis.given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        parse(text, TREE)
    except TextFormatError as error:
        assert 1 <= error.line <= text.count("\n") + 1


def leaf(text):
    return parse(text, LEAF)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" \t\r\n\v\f # no field\n# nor here", {}),
        ("a_int64: 3", {"a_int64": 3}),
        ("a_int64 :3,a_bool:true;", {"a_int64": 3, "a_bool": True}),
        ("a_int64: - 5", {"a_int64": -5}),
        ("a_int64: -0x1F", {"a_int64": -31}),
        ("a_int64: 017", {"a_int64": 15}),
        ("a_int64: -9223372036854775808", {"a_int64": -(2**63)}),
        ("a_uint64: 18446744073709551615", {"a_uint64": 2**64 - 1}),
        ("a_double: 3", {"a_double": 3.0}),
        ("a_double: -.5e-3f", {"a_double": -0.0005}),
        ("a_double: 1.", {"a_double": 1.0}),
        ("a_double: 2f", {"a_double": 2.0}),
        ("a_double: -inf", {"a_double": -math.inf}),
        ("color: BLUE", {"color": 5}),
        ("color: 5", {"color": 5}),
        ("many: [1, 0x2] many: 3, many: []", {"many": [1, 2, 3]}),
        ("many: []", {"many": []}),
        ("a_string: 'it''s' # comment\n \" one\"", {"a_string": "its one"}),
        (r"a_string: '\a\b\f\n\r\t\v\?\'\"\\'", "\a\b\f\n\r\t\v?'\"\\"),
        (r"a_string: '\101\x42\1019\x4'", "ABA9\x04"),
        (r"a_string: '\u20ac\U0001F600'", "€😀"),
        (r"a_string: '\342\202\254'", "€"),
        ("a_string: '# no comment'", "# no comment"),
    ],
)
def test_values(text, expected):
    if isinstance(expected, str):
        expected = {"a_string": expected}
    assert leaf(text) == expected


def test_not_a_number():
    assert math.isnan(leaf("a_double: nan")["a_double"])


def test_messages_in_all_brackets():
    text = "leaf { a_int64: 1 } leaves: <> leaves [{ many: 2 }, < left: 3 >]"
    assert parse(text, TREE) == {
        "leaf": {"a_int64": 1},
        "leaves": [{}, {"many": [2]}, {"left": 3}],
    }


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("nme: 1", (1, 1), "Tree has no field `nme`. Did you mean `name`?"),
        ("zzz: 1", (1, 1), "Tree has no field `zzz`. It has leaf, leaves,"),
        ("\n  leaf { x", (2, 10), "Leaf has no field `x`"),
        ("name", (1, 5), "Expected `:`. Received: the end of the text."),
        ("name 'a'", (1, 6), "Expected `:`. Received: `'a'`."),
        ("name: a", (1, 7), "Expected a string in quotes. Received: `a`."),
        ("name: 'a", (1, 7), "A string must end on its line"),
        ("name: 'a\n'", (1, 7), "A string must end on its line"),
        (r"name: 'ab\q'", (1, 10), r"`\q` is no escape of strings."),
        (r"name: '\400'", (1, 8), r"`\400` is no escape of strings."),
        (r"name: '\x'", (1, 8), r"`\x` is no escape of strings."),
        (r"name: '\ud800'", (1, 8), r"`\ud800` is no escape of strings."),
        (r"name: '\xff'", (1, 7), "A string must be UTF-8."),
        ("name: 'a' name: 'b'", (1, 11), "Tree must have `name` once."),
        ("leaf {} leaf {}", (1, 9), "Tree must have `leaf` once."),
        ("leaf: 3", (1, 7), "Expected `{` and the fields of Leaf."),
        ("leaf { ", (1, 8), "Expected the name of a field of Leaf or `}`."),
        ("leaf {]", (1, 7), "Expected the name of a field of Leaf or `}`."),
        ("leaf < }", (1, 8), "Expected the name of a field of Leaf or `>`."),
        ("}", (1, 1), "Expected the name of a field of Tree. Received: `}`."),
        ("name: 'a',,", (1, 11), "Expected the name of a field of Tree."),
        ("[a.b] {}", (1, 1), "Expected the name of a field of Tree."),
        ("leaves [{}", (1, 11), "Expected `,` or `]`. Received: the end"),
        ("leaves [{},]", (1, 12), "Expected `{` and the fields of Leaf."),
        ("leaf [{}]", (1, 6), "Expected `{` and the fields of Leaf."),
        ("@", (1, 1), "'@' has no meaning outside of strings and comments."),
        ("+", (1, 1), "'+' has no meaning outside of strings and comments."),
    ],
)
def test_what_is_wrong_and_where(text, place, message):
    with pytest.raises(TextFormatError) as caught:
        parse(text, TREE)
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.column) == place
    assert str(caught.value).startswith(f"line {place[0]}, column {place[1]}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a_int64: 08", "Expected an integer. Received: `08`."),
        ("a_int64: 1.0", "Expected an integer. Received: `1.0`."),
        ("a_int64: 3x", "`3x` is no number."),
        ("a_int64: 0x", "`0x` is no number."),
        ("a_double: 01.5", "`01.5` is no number."),
        ("a_int64: 'a'", "Expected an integer. Received: `'a'`."),
        (f"a_int64: {'1' * 10_000}", "Expected an integer. Received: `111"),
        ("a_int32: 2147483648", "from -2147483648 to 2147483647. Received: 2"),
        ("a_uint32: -1", "Expected an integer from 0 to 4294967295."),
        ("a_double: 010", "Expected a number. Received: `010`."),
        ("a_double: 0x1", "Expected a number. Received: `0x1`."),
        ("a_double: x", "Expected a number. Received: `x`."),
        ("a_bool: 2", "Expected true or false. Received: `2`."),
        ("a_bool: TRUE", "Expected true or false. Received: `TRUE`."),
        ("a_bool: 't'", "Expected true or false. Received: `'t'`."),
        ("color: PINK", "Expected one of RED, GREEN, BLUE. Received: `PINK`."),
        ("color: 'RED'", "Expected an integer. Received: `'RED'`."),
        ("left: 1 right: 'a'", "must have one of `left` and `right`, not"),
    ],
)
def test_wrong_values(text, message):
    with pytest.raises(TextFormatError, match=re.escape(message)):
        leaf(text)


def test_many_messages_in_each_other():
    fields = {}
    nested = Message("Nested", fields)
    fields["inner"] = Field(nested)
    assert parse("inner{" * 100 + "}" * 100, nested)
    with pytest.raises(TextFormatError, match="More than 100 messages are"):
        parse("inner{" * 5000, nested)
