import pytest

from keras_vae_serving.checkup import layout

pytestmark = pytest.mark.once


@pytest.fixture
def make(tmp_path):
    """Makes empty directories, and version directories where a path ends
    with the name of a file that one of the servers looks for."""

    def make(*paths):
        for path in map(tmp_path.joinpath, paths):
            is_file = path.name in ("saved_model.pb", "manifest.json")
            folder = path.parent if is_file else path
            folder.mkdir(parents=True, exist_ok=True)
            if is_file:
                path.write_bytes(b"{}")
        return tmp_path

    return make


def tree(reports):
    return {one.name: [v.version for v in one.versions] for one in reports}


def told(reports, kind="problems"):
    return [text for one in reports for text in getattr(one, kind)]


@pytest.mark.parametrize("file", ["saved_model.pb", "manifest.json"])
def test_a_directory_of_each_kind(make, file):
    root = make(f"a/1/{file}", f"a/2/{file}", "b/30", ".hidden/1")
    found = layout.find(root)
    assert tree(found) == {"a": [2, 1], "b": [30]}
    assert tree(layout.find(root / "a")) == {"a": [2, 1]}
    assert tree(layout.find(root / "a" / "2")) == {"a": [2]}
    assert told(found) == told(found, "notes") == []


def test_a_relative_path_has_the_name_of_its_directory(make, monkeypatch):
    root = make("a/1/manifest.json")
    monkeypatch.chdir(root / "a")
    assert tree(layout.find(layout.pathlib.Path("."))) == {"a": [1]}


def test_a_version_whose_name_is_no_number(make):
    found = layout.find(make("latest/manifest.json") / "latest")
    assert tree(found) == {"latest": [None]}
    assert "name it e.g. latest/1" in found[0].versions[0].notes[0]


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("v3/saved_model.pb", "3"),
        ("4.tmp", "4"),
        ("best/manifest.json", "1"),
    ],
)
def test_a_name_that_both_servers_skip(make, path, new):
    found = layout.find(make("a/1/manifest.json", f"a/{path}"))
    assert tree(found) == {"a": [1]}
    (problem,) = told(found)
    assert problem.startswith(f"Both servers skip `{path.partition('/')[0]}`")
    assert problem.endswith(f"rename it, e.g. to `{new}`.")


def test_one_that_is_all_there_is(make):
    root = make("a/v1/manifest.json")
    skipped, empty = told(layout.find(root / "a"))
    assert "Both servers skip `v1`" in skipped
    assert "holds no version" in empty


def test_other_directories_are_noted(make):
    found = layout.find(make("a/1/manifest.json", "a/notes", "a/.cache1"))
    assert told(found) == []
    assert len(told(found, "notes")) == 2


def test_what_an_export_left_over(make):
    found = layout.find(make("a/1/manifest.json", "a/.2.tmp-0a1b2c3d"))
    assert tree(found) == {"a": [1]}
    assert told(found) == []
    (note,) = told(found, "notes")
    assert "left over from an export of version 2" in note


def test_two_names_of_one_version(make):
    found = layout.find(make("a/7/manifest.json", "a/007/manifest.json"))
    assert told(found) == [
        "`007` and `7` are both version 7. Rename or move one of them."
    ]


def test_a_model_without_versions(make):
    found = layout.find(make("a/1/manifest.json", "b"))
    assert tree(found) == {"a": [1], "b": []}
    (problem,) = told(found)
    assert "'b' holds no version" in problem.replace(f"{found[1].path}", "b")
    assert "keras-vae export RUN --name b --out" in problem


def test_an_empty_directory(make):
    assert layout.find(make()) == []
