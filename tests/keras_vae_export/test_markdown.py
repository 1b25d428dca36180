import math

import pytest
from markdown_it import MarkdownIt

from keras_vae_export import markdown

pytestmark = pytest.mark.once

HOSTILE = [
    ("`", "`"),
    ("a`b``c", "a`b``c"),
    ("`` x", "`` x"),
    ("# Title\n\n## Other", "# Title ## Other"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("</code>", "</code>"),
    ("[a](https://example.org)", "[a](https://example.org)"),
    ("*a* _b_ ~c~ | d", "*a* _b_ ~c~ | d"),
    ("\\", "\\"),
    ("left\u202eright", "left right"),
    ("\ud800half of a pair", "half of a pair"),
    ("a\x00b\tc\u2028d", "a b c d"),
    ("x" * 1000, "x" * 300 + "..."),
]


@pytest.mark.parametrize(("text", "expected"), HOSTILE)
def test_code_is_shown_as_it_is(text, expected):
    line = f"- Name: {markdown.code(text)}, and *more*"
    tokens = MarkdownIt("commonmark").parse(line)
    (inline,) = [token for token in tokens if token.type == "inline"]
    (found,) = [one for one in inline.children if one.type == "code_inline"]
    assert found.content == expected
    emphasised = [one.type for one in inline.children].count("em_open")
    assert emphasised == 1
    assert markdown.code(text).encode("utf-8")


def test_code_of_nothing():
    assert markdown.code("\n") == "(empty)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "not recorded"),
        (1234, "1234"),
        (0.001, "0.001"),
        (True, "`True`"),
        ("a", "`a`"),
        ([8, 8], "`[8, 8]`"),
        (markdown.Markdown("*a*"), "*a*"),
    ],
)
def test_shown(value, expected):
    assert markdown.shown(value) == expected


NO_NUMBERS = ["1", None, True, [], {}, math.nan, math.inf, 10**400]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_figures_that_are_none(value):
    assert markdown.decimals(value) is None
    assert markdown.scientific(value) is None


def test_figures():
    assert markdown.count(1437) == "1,437"
    assert markdown.count(14.5) is None
    assert markdown.decimals(-20.25059) == "-20.251"
    assert markdown.decimals(0.45649, 4) == "0.4565"
    assert markdown.decimals(1e300) == "1.000e+300"
    assert markdown.scientific(1.341e-7) == "1.3e-07"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T04:15:05+00:00", "2026-11-22"),
        ("yesterday", None),
        (20261122, None),
    ],
)
def test_day(value, expected):
    assert markdown.day(value) == expected


def test_pairs():
    versions = {"keras": "3.15.1", "a`b": None}
    assert markdown.pairs(versions) == "`keras 3.15.1`, `` a`b None ``"
    assert markdown.pairs({}) is None
    assert markdown.pairs(["keras"]) is None
