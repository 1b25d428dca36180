"""Batches of indices on PyTorch."""

from collections.abc import Iterator
from typing import Any

import torch

from keras_vae.trainers.index_batches import IndexBatches


class TorchBatches(IndexBatches):
    """`IndexBatches` as tensors, in the order of a `DataLoader`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._epochs = self.whole.get_torch_dataloader()

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        # At once, as Keras does: a loader draws a seed where it begins.
        return self.sliced(iter(self._epochs))

    def get_torch_dataloader(self) -> Any:
        """Returns itself: Keras takes any iterable of batches."""
        return self
