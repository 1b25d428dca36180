"""Names for the types that signatures speak of."""

from typing import Any, TypeAlias

# A tensor of whichever backend Keras runs on, a NumPy array or a KerasTensor.
Tensor: TypeAlias = Any
# Sizes of axes; `None` is a batch axis of any size.
Shape: TypeAlias = tuple[Any, ...]
