import os

import hypothesis
import pytest
from hypothesis import strategies as st

from keras_vae_serving.model_server import VersionPolicy
from keras_vae_serving.store import versions

pytestmark = pytest.mark.once

ALL = VersionPolicy(all=True)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("1", 1),
        ("007", 7),
        ("+7", 7),
        (" 7 ", 7),
        ("\t7\n", 7),
        ("0", 0),
        ("-1", -1),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_names_of_versions(name, number):
    assert versions.parse_version(name) == number


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "+",
        "+-7",
        "- 7",
        "7a",
        "7.0",
        "1e3",
        "0x7",
        "1_000",
        "７",
        "\u00a07",
        ".1.tmp-0123abcd",
        "9223372036854775808",
        "-9223372036854775809",
        "1" * 10_000,
    ],
)
def test_names_of_other_things(name):
    assert versions.parse_version(name) is None


def test_finds_directories(tmp_path):
    for name in ("1", "12", "3", "x", ".2.tmp-0"):
        (tmp_path / name).mkdir()
    (tmp_path / "5").write_text("a file is no version")
    os.symlink(tmp_path / "x", tmp_path / "6")
    os.symlink(tmp_path / "nothing", tmp_path / "8")
    found = versions.find(tmp_path)
    assert sorted(found) == [1, 3, 6, 12]
    assert found[12] == tmp_path / "12"


def test_of_two_names_of_one_version_the_last_counts(tmp_path):
    for name in ("007", "7", "+7"):
        (tmp_path / name).mkdir()
    assert versions.find(tmp_path) == {7: tmp_path / "7"}


def test_a_version_directory_is_its_own_version(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    assert versions.find(tmp_path) == {1: tmp_path}
    (tmp_path / "4").mkdir()
    assert versions.find(tmp_path) == {4: tmp_path / "4"}


def test_a_missing_base_path(tmp_path):
    with pytest.raises(OSError, match="nothing"):
        versions.find(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("policy", "failed", "expected"),
    [
        (VersionPolicy(), (), [9]),
        (VersionPolicy(latest=2), (), [9, 5]),
        (VersionPolicy(latest=10), (), [9, 5, 2, 1]),
        (VersionPolicy(latest=0), (), [9]),
        (VersionPolicy(), (9,), [9, 5]),
        (VersionPolicy(), (9, 5), [9, 5, 2]),
        (VersionPolicy(), (9, 5, 2, 1), [9, 5, 2, 1]),
        (VersionPolicy(latest=2), (5,), [9, 5, 2]),
        (ALL, (), [9, 5, 2, 1]),
        (ALL, (9,), [9, 5, 2, 1]),
        (VersionPolicy(specific=(1, 5)), (), [5, 1]),
        (VersionPolicy(specific=(1, 5)), (5,), [5, 1]),
        (VersionPolicy(specific=(4,)), (), []),
    ],
)
def test_which_versions_are_wanted(policy, failed, expected):
    assert versions.wanted(policy, {1, 2, 5, 9}, failed) == expected


@hypothesis.given(
    found=st.sets(st.integers(), max_size=8),
    failed=st.sets(st.integers(), max_size=8),
    latest=st.integers(1, 4),
)
def test_latest_gives_as_many_good_versions_as_there_are(found, failed, latest):
    chosen = versions.wanted(VersionPolicy(latest=latest), found, failed)
    good = [one for one in chosen if one not in failed]
    assert len(good) == min(latest, len(found - failed))
    left_out = found - set(chosen)
    assert not left_out or max(left_out) < min(chosen)


def test_fingerprints_tell_changes(version_copy):
    seen = [versions.fingerprint(version_copy)]
    assert versions.fingerprint(version_copy) == seen[0]
    path = version_copy / "onnx" / "decode.onnx"
    path.write_bytes(path.read_bytes() + b"x")
    seen.append(versions.fingerprint(version_copy))
    path.unlink()
    seen.append(versions.fingerprint(version_copy))
    (version_copy / "manifest.json").write_text("{}")
    seen.append(versions.fingerprint(version_copy))
    seen.append(versions.fingerprint(version_copy / "nothing"))
    assert len(set(seen)) == 5
