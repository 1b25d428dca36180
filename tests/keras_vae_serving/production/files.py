"""The files of `serving/` that run the models in production."""

import pathlib

import yaml

SERVING = pathlib.Path(__file__).parents[3] / "serving"
IMAGE = "tensorflow/serving:2.21.0"
MODEL = "digits"


def read(path):
    return (SERVING / path).read_text(encoding="utf-8")


def load(path):
    """The one document of a YAML file."""
    (document,) = load_all(path)
    return document


def load_all(path):
    return [one for one in yaml.load_all(read(path), Strict) if one]


class Strict(yaml.SafeLoader):
    """Refuses a key that is given twice, where YAML's loader would not."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a key twice, {node.start_mark}")
        return super().construct_mapping(node, deep)


def flags(arguments):
    """A command line's flags: name to value."""
    pairs = (one.removeprefix("--").partition("=") for one in arguments)
    return {name: value for name, _, value in pairs}
