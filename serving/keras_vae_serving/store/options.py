"""How versions are looked for and loaded, as TensorFlow Serving names it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class StoreOptions:
    """The settings of a store.

    Attributes:
        file_system_poll_wait_seconds: How long to wait before looking for
            versions again; 0 looks once, and once after each reload.
        max_num_load_retries: How often a version that could not be loaded
            is tried again. When its files change it is tried at once, as
            often again.
        load_retry_interval_micros: How long to wait before that.
        num_load_threads: How many versions are loaded at once.
        allow_version_labels_for_unavailable_models: Whether a label that is
            not in use may stand for a version that is not loaded.

    Raises:
        ValueError: if one is negative, or no thread is left.
    """

    file_system_poll_wait_seconds: float = 1.0
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    num_load_threads: int = 2
    allow_version_labels_for_unavailable_models: bool = False

    def __post_init__(self) -> None:
        smallest = {
            "file_system_poll_wait_seconds": 0,
            "max_num_load_retries": 0,
            "load_retry_interval_micros": 0,
            "num_load_threads": 1,
        }
        for name, least in smallest.items():
            value = getattr(self, name)
            # Also true of NaN.
            if not value >= least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: "
                    f"{name}={value}. Pass e.g. `{name}={least + 1}`."
                )
