"""Parts by name: `"bernoulli"` for `likelihoods.Bernoulli()`."""

import difflib
import inspect
from typing import Any, TypeVar

import keras

_Class = TypeVar("_Class", bound=type)


class Registry:
    """The parts of one kind, by name.

    Args:
        kind: What the parts are, in the singular: `"prior"`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.classes: dict[str, type] = {}

    def register(self, name: str) -> Any:
        """Registers a class here, and with Keras for saving.

        Keras knows it by its kind too, so that a likelihood and a prior may
        bear the same name: `"keras_vae.prior>Bernoulli"`.
        """
        package = f"keras_vae.{self.kind}"
        with_keras = keras.saving.register_keras_serializable(package)

        def decorate(cls: _Class) -> _Class:
            self.classes[name] = with_keras(cls)
            return cls

        return decorate

    def get(self, identifier: Any, base: type, **defaults: Any) -> Any:
        """Returns a part: `identifier` itself, or one made from its name.

        Args:
            identifier: A part, or the registered name of one.
            base: The class that parts of this kind extend.
            **defaults: Arguments for a part made from its name; those that
                its constructor does not take are left out.

        Raises:
            TypeError: if `identifier` is neither.
            ValueError: if no part has that name.
        """
        if isinstance(identifier, base):
            return identifier
        if not isinstance(identifier, str):
            raise TypeError(
                f"`{self.kind}` must be a {base.__name__} or one of "
                f"{sorted(self.classes)}. Received: {self.kind}="
                f"{identifier!r} of type {type(identifier).__name__}. "
                f'Pass e.g. `{self.kind}="{min(self.classes)}"`.'
            )
        if identifier not in self.classes:
            raise ValueError(self._unknown(identifier))
        cls = self.classes[identifier]
        accepted = inspect.signature(cls).parameters
        return cls(**{k: v for k, v in defaults.items() if k in accepted})

    def _unknown(self, name: str) -> str:
        known = sorted(self.classes)
        near = difflib.get_close_matches(name, known, n=1) or known[:1]
        return (
            f"`{self.kind}` must be one of {known} or an object. Received: "
            f"{self.kind}={name!r}. Pass e.g. `{self.kind}={near[0]!r}`."
        )
