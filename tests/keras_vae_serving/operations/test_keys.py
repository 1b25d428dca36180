import pytest

from keras_vae_serving.operations.keys import Keys, read_keys
from keras_vae_serving.status import Code, ServingError

pytestmark = pytest.mark.once

FIRST, SECOND = "first-key-of-sixteen", "second-key-of-sixteen"


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_without_keys_everybody_is_let_in():
    keys = Keys()
    assert not keys.required
    keys.check({})


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {FIRST}"},
        {"authorization": f"bearer {SECOND} "},
        {"x-api-key": SECOND},
    ],
)
def test_a_key_is_let_in(headers):
    Keys([FIRST, SECOND]).check(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": f"Basic {FIRST}"},
        {"authorization": "Bearer "},
        {"x-api-key": FIRST[:-1]},
        {"x-api-key": FIRST + "x"},
        {"x-api-key": "\xff\udcff"},
    ],
)
def test_others_are_not(headers):
    with pytest.raises(ServingError, match="valid API key") as caught:
        Keys([FIRST]).check(headers)
    assert caught.value.code == Code.UNAUTHENTICATED
    assert caught.value.http_status == 401
    assert FIRST not in caught.value.message


def test_each_key_has_its_own_rate():
    clock = Clock()
    keys = Keys([FIRST, SECOND], requests_per_second=2, clock=clock)
    for _ in range(2):
        keys.check({"x-api-key": FIRST})
    with pytest.raises(ServingError, match="again in 1 s") as caught:
        keys.check({"x-api-key": FIRST})
    assert caught.value.http_status == 429
    keys.check({"x-api-key": SECOND})
    clock.now += 0.5
    keys.check({"x-api-key": FIRST})
    with pytest.raises(ServingError):
        keys.check({"x-api-key": FIRST})
    # What was not used is not saved up beyond a second.
    clock.now += 1000
    for _ in range(2):
        keys.check({"x-api-key": FIRST})
    with pytest.raises(ServingError):
        keys.check({"x-api-key": FIRST})


def test_a_slow_rate_says_how_long_to_wait():
    clock = Clock()
    keys = Keys([FIRST], requests_per_second=0.1, clock=clock)
    keys.check({"x-api-key": FIRST})
    with pytest.raises(ServingError, match="again in 10 s"):
        keys.check({"x-api-key": FIRST})


@pytest.mark.parametrize(
    "key",
    [
        "short",
        "with spaces in the key",
        "ключключключключ",
        FIRST + "\n",
        "\t" + FIRST,
        FIRST + "\x00",
        FIRST + "\x7f",
    ],
)
def test_bad_keys(key):
    message = f"at least 16 printable ASCII .* one of {len(key)} characters"
    with pytest.raises(ValueError, match=message) as caught:
        Keys([key])
    assert key not in str(caught.value)


def test_a_file_of_keys():
    text = f"# team a\n{FIRST}  # until May\n\n  {SECOND}\n"
    assert read_keys(text) == [FIRST, SECOND]


def test_a_key_may_hold_what_begins_a_comment():
    text = f"{FIRST}#1\n#{SECOND}\n  # {SECOND}\n{SECOND}\t# last\n"
    assert read_keys(text) == [f"{FIRST}#1", SECOND]
