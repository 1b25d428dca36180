"""What the datasets made from scikit-learn's own data share.

Import this module inside functions only: importing it loads TFDS.
"""

import abc
from typing import Any

import tensorflow_datasets as tfds


class GeneratedBuilder(tfds.core.GeneratorBasedBuilder):
    """A dataset of labelled images that is generated, not downloaded.

    A subclass names its features in `_features`, and yields the examples of
    a split in `_generate_examples(split)`.

    Attributes:
        SPLIT_SIZES: Number of examples of each split.
        DESCRIPTION: String, what the dataset holds.
        CITATION: String, a BibTeX entry.
        HOMEPAGE: String, an address.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    SPLIT_SIZES: dict[str, int]
    DESCRIPTION: str
    CITATION: str
    HOMEPAGE: str

    @abc.abstractmethod
    def _features(self) -> dict[str, Any]:
        """Returns the features: `image`, `label`, and what else there is."""

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.DESCRIPTION,
            features=tfds.features.FeaturesDict(self._features()),
            supervised_keys=("image", "label"),
            homepage=self.HOMEPAGE,
            citation=self.CITATION,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        del dl_manager  # Nothing is downloaded.
        return {
            name: self._generate_examples(name) for name in self.SPLIT_SIZES
        }
