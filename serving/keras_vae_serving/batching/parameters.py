"""The settings of dynamic batching, as TensorFlow Serving names them."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any


def _num_processors() -> int:
    """Those that this process may use: in a container often not all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """How requests are batched.

    Attributes:
        max_batch_size: The most rows that run together.
        batch_timeout_micros: How long the first rows of a batch wait for
            more while a thread is free, in microseconds. At 0 nothing waits
            for company: rows gather only while all threads are busy.
        max_enqueued_batches: How many batches of a signature may wait for a
            thread; requests beyond them are refused at once.
        num_batch_threads: How many batches run at once.
        allowed_batch_sizes: Sizes that a batch is filled up to, increasing;
            the last one is `max_batch_size`. Empty for any size.
        enable_large_batch_splitting: Whether a request of more rows than
            `max_batch_size` is cut into several batches, or refused.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 100
    num_batch_threads: int = dataclasses.field(default_factory=_num_processors)
    allowed_batch_sizes: tuple[int, ...] = ()
    enable_large_batch_splitting: bool = True

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches"):
            _check_at_least(name, getattr(self, name), 1)
        _check_at_least("num_batch_threads", self.num_batch_threads, 1)
        _check_at_least("batch_timeout_micros", self.batch_timeout_micros, 0)
        self._check_sizes()

    def _check_sizes(self) -> None:
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        increasing = [*sizes] == sorted({*sizes}) and sizes[0] > 0
        if not increasing or sizes[-1] != self.max_batch_size:
            raise ValueError(
                "`allowed_batch_sizes` must increase and end with "
                f"max_batch_size={self.max_batch_size}. Received: "
                f"allowed_batch_sizes={[*sizes]}. Write e.g. "
                f"`allowed_batch_sizes: 1` and `allowed_batch_sizes: "
                f"{self.max_batch_size}`."
            )

    def padded(self, rows: int) -> int:
        """Returns the size that a batch of `rows` is filled up to."""
        sizes = (size for size in self.allowed_batch_sizes if size >= rows)
        return next(sizes, rows)


def from_fields(fields: Mapping[str, Any]) -> BatchingParameters:
    """Reads the fields of a batching parameters file.

    Args:
        fields: By name, the value; that of wrapped numbers, as in
            `max_batch_size { value: 32 }`, is a mapping.

    Raises:
        ValueError: if a field is unknown or a value not as described.
    """
    known = {field.name for field in dataclasses.fields(BatchingParameters)}
    # They change nothing here: rows have one length, threads no names.
    ignored = {
        "max_execution_batch_size",
        "pad_variable_length_inputs",
        "thread_pool_name",
    }
    unknown = sorted(fields.keys() - known - ignored)
    if unknown:
        raise ValueError(
            f"A batching parameters file must hold fields of {sorted(known)}. "
            f"Received: {unknown}. Leave them out."
        )
    values = {
        name: _unwrapped(value)
        for name, value in fields.items()
        if name in known
    }
    sizes = values.pop("allowed_batch_sizes", ())
    sizes = sizes if isinstance(sizes, (list, tuple)) else [sizes]
    # A file says all: what it leaves out is TensorFlow Serving's default.
    values.setdefault("enable_large_batch_splitting", False)
    return BatchingParameters(allowed_batch_sizes=tuple(sizes), **values)


def _unwrapped(value: Any) -> Any:
    return value["value"] if isinstance(value, Mapping) else value


def _check_at_least(name: str, value: Any, smallest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(
            f"`{name}` must be an integer. Received: {name}={value!r} of type "
            f"{type(value).__name__}. Pass e.g. `{name}={max(smallest, 1)}`."
        )
    if value < smallest:
        raise ValueError(
            f"`{name}` must be at least {smallest}. Received: {name}={value}. "
            f"Pass e.g. `{name}={max(smallest, 1)}`."
        )
