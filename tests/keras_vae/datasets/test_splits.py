import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_vae.datasets import splits

pytestmark = pytest.mark.once

SIZES = {"train": 1437, "test": 360}


def resolve_with_tfds(split, sizes):
    tfds = pytest.importorskip(
        "tensorflow_datasets",
        reason="Split strings are compared with those of TensorFlow Datasets.",
    )
    infos = {
        name: tfds.core.SplitInfo(
            name=name,
            shard_lengths=[size],
            num_bytes=0,
            filename_template=None,
        )
        for name, size in sizes.items()
    }
    absolute = tfds.core.splits.AbstractSplit.from_spec(split).to_absolute(
        infos
    )
    return [
        (
            str(part.splitname),
            part.from_ or 0,
            sizes[str(part.splitname)] if part.to is None else part.to,
        )
        for part in absolute
    ]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train", [("train", 0, 1437)]),
        ("train[:1000]", [("train", 0, 1000)]),
        ("train[1_000:]", [("train", 1000, 1437)]),
        ("train[-37:]", [("train", 1400, 1437)]),
        ("train[:-37]", [("train", 0, 1400)]),
        ("train[100:-100]", [("train", 100, 1337)]),
        ("train[:90%]", [("train", 0, 1293)]),
        ("train[90%:]", [("train", 1293, 1437)]),
        ("train[-10%:]", [("train", 1293, 1437)]),
        ("train[12.5%:50%]", [("train", 180, 718)]),
        ("test[:100%]", [("test", 0, 360)]),
        ("test + train[:5]", [("test", 0, 360), ("train", 0, 5)]),
        ("all", [("train", 0, 1437), ("test", 0, 360)]),
    ],
)
def test_split_strings_mean_what_they_mean_in_tfds(split, expected):
    assert splits.resolve(split, SIZES) == expected
    assert resolve_with_tfds(split, SIZES) == expected


@given(
    size=st.integers(1, 2000),
    bounds=st.tuples(st.integers(-100, 100), st.integers(-100, 100)),
)
def test_percents_round_as_in_tfds(size, bounds):
    split = f"train[{bounds[0]}%:{bounds[1]}%]"
    [expected] = resolve_with_tfds(split, {"train": size})
    if expected[1] < expected[2]:
        assert splits.resolve(split, {"train": size}) == [expected]
    else:
        with pytest.raises(ValueError, match="at least one example"):
            splits.resolve(split, {"train": size})


def test_the_parts_of_a_hold_out_cover_the_split():
    for size in range(10, 500):
        [first] = splits.resolve("train[:90%]", {"train": size})
        [second] = splits.resolve("train[90%:]", {"train": size})
        assert (first.start, first.stop, second.stop) == (0, second.start, size)


@pytest.mark.parametrize(
    ("split", "match"),
    [
        ("validation", r"splits that exist: \['train', 'test'\]"),
        ("tset[:10]", r"Received: split='tset\[:10\]'"),
        ("", "must be a split's name or a slice of it"),
        ("train[]", "must be a split's name or a slice of it"),
        ("train[:]", "must be a split's name or a slice of it"),
        ("train[5]", "must be a split's name or a slice of it"),
        ("train[a:b]", "must be a split's name or a slice of it"),
        ("train[1.5:]", "must be a split's name or a slice of it"),
        ("train[:1shard]", "must be a split's name or a slice of it"),
        ("train[:10%", "must be a split's name or a slice of it"),
        ("train[10:50%]", "both ends of a slice in percents"),
        ("train[:2000]", "stay within the split's 1437 examples"),
        ("train[:101%]", "stay within the split's 1437 examples"),
        ("train[5:5]", r"which is \[5:5\] of the 1437 examples"),
        ("train[0%:0%]", "select at least one example"),
    ],
)
def test_bad_split_strings_are_refused(split, match):
    with pytest.raises(ValueError, match=match):
        splits.resolve(split, SIZES)


def test_a_split_must_be_a_string():
    with pytest.raises(TypeError, match="`split` must be a string"):
        splits.resolve(None, SIZES)
