"""Recurrent layers without a loop, for a runtime that cannot run theirs."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


@contextlib.contextmanager
def unrolled(vae: Any) -> Iterator[None]:
    """Makes recurrent layers repeat their step in the graph, in a block.

    What a layer computes stays the same; its graph grows with the length of
    the sequence.

    Args:
        vae: A VAE, traced anew in the block.
    """
    loops = [
        layer
        for layer in vae._flatten_layers()
        if isinstance(layer, keras.layers.RNN) and not layer.unroll
    ]
    for layer in loops:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in loops:
            layer.unroll = False
