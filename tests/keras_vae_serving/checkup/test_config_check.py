import pathlib

import pytest

from keras_vae_serving.checkup import config_check, layout
from keras_vae_serving.checkup.report import Report

pytestmark = pytest.mark.once

CONFIG = """model_config_list { config {
  name: "digits" base_path: "BASE" model_platform: "tensorflow" REST } }"""


@pytest.fixture
def check(tmp_path):
    for name in ("digits/1", "digits/2"):
        (tmp_path / "models" / name).mkdir(parents=True)

    def check(rest="", base="/models/digits", text=CONFIG):
        """What is told of a file: problems, notes."""
        root = tmp_path / "models"
        path = tmp_path / "models.config"
        content = text.replace("BASE", base).replace("REST", rest)
        path.write_text(content, encoding="utf-8")
        report = Report(root, {}, layout.find(root))
        config_check.check(report, path)
        return report.problems, report.notes

    return check


LABELS = 'version_labels { key: "stable" value: %d }'
SPECIFIC = "model_version_policy { specific { versions: %d } }"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        LABELS % 2,
        "model_version_policy { all {} }" + LABELS % 1,
        SPECIFIC % 1 + LABELS % 1,
    ],
)
def test_a_good_file(check, rest):
    assert check(rest) == ([], [])


def test_the_directory_itself_may_be_named(check, tmp_path):
    assert check(base=str(tmp_path / "models" / "digits")) == ([], [])


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("nonsense: 1", "ModelConfig has no field `nonsense`"),
        ('model_platform: "other"', "once"),
        (SPECIFIC % 3, r"none of its versions would be served. There are 1, 2"),
        ('} config { name: "digits" base_path: "/m"', "multiple times"),
    ],
)
def test_problems(check, rest, problem):
    problems, _ = check(rest)
    assert len(problems) == 1
    assert pathlib.Path(problems[0].partition(",")[0].partition(":")[0]).name
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(problems[0])


def test_a_base_path_that_is_not_there(check):
    problems, notes = check(base="/models/letters")
    assert (
        "Received: '/models/letters', and nothing of that name" in problems[0]
    )
    assert "does not name digits, which would not be served" in notes[0]


def test_a_file_without_models(check):
    problems, _ = check(text="model_config_list {}")
    assert "it names no model" in problems[0]


def test_a_file_that_is_missing(tmp_path):
    report = Report(tmp_path, {})
    config_check.check(report, tmp_path / "none.config")
    assert "must be a file that can be read" in report.problems[0]


def test_what_is_not_there_yet_is_noted(check):
    rest = "model_version_policy { specific { versions: [1, 3] } }"
    problems, notes = check(rest + LABELS % 3)
    assert problems == []
    assert "version 3, which the version policy names, is not" in notes[0]
    assert "the label 'stable' stands for version 3" in notes[1]
    assert "--allow_version_labels_for_unavailable_models" in notes[1]


def test_a_label_of_a_version_that_the_policy_drops(check):
    _, notes = check(LABELS % 1)
    assert "stands for version 1, which would not be served" in notes[0]
