"""What the training of a VAE is on every backend."""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_vae.trainers import data as data_checks
from keras_vae.trainers import grouping, precision, resident, saving
from keras_vae.trainers.nonfinite import make_guard, with_guard
from keras_vae.trainers.step import StepModel
from keras_vae.types import Tensor
from keras_vae.validation import positive_int


class BaseTrainer(StepModel):
    """The backend-neutral half of a VAE's training: Keras's verbs.

    The fast path, unless `compile(fast_path=False)` was called, gives the
    plain path's weights to within rounding. Adam without options (clipping,
    EMA, decay) is one update that holds the choice of a finite step, where XLA
    or PyTorch on a CPU runs it. NumPy arrays of up to 1 GiB stay on the
    device. Of dense networks, up to 32 steps on JAX, and 256 on TensorFlow
    without a GPU, run in one compiled loop, unless a callback looks at each or
    `steps_per_execution` was given, from noise that is drawn before it;
    TensorFlow's is compiled by XLA after a hundred steps. On PyTorch, after
    ten steps of a shape, the step is traced and run as a graph of tensor
    operations; as on the other backends, Python code in layers then runs no
    more. A step that cannot be traced (a seeded Dropout, a categorical draw)
    runs layer by layer.
    """

    fast_path = True  # Until `compile` says otherwise.
    # Of a group that `fit` makes itself. A call costs JAX about as much as a
    # step of a small network, and PyTorch, where Keras has threads tell
    # callbacks of it, a tenth of one.
    most_steps = 32

    def compile(
        self,
        optimizer: Any = "adam",
        *,
        fast_path: bool = True,
        check_every: int | None = None,
        nonfinite_patience: int = 20,
        **kwargs: Any,
    ) -> None:
        """Configures training; the loss is the VAE's `objective`.

        Args:
            optimizer: As in Keras. Defaults to `"adam"`.
            fast_path: Boolean, whether `fit` may run the same computation
                in a faster way, as the class describes. Defaults to `True`.
            check_every: Integer, training steps between two looks at the
                count of non-finite steps, or `None` to look at the end of
                each epoch alone. Defaults to `None`.
            nonfinite_patience: Integer, consecutive non-finite steps after
                which `fit` stops with a `FloatingPointError`. Defaults to
                `20`.
            **kwargs: Other arguments of `keras.Model.compile`: `metrics`
                (which compare x with its reconstruction), `jit_compile`,
                `run_eagerly`, `steps_per_execution`, `auto_scale_loss`.

        Raises:
            ValueError: if a `loss` is passed, or a number is below 1.
        """
        if kwargs.get("loss") is not None:
            raise ValueError(
                "`loss` must be left out: a VAE's loss is its objective. "
                f"Received: loss={kwargs['loss']!r}. Pass e.g. "
                "`VAE(..., objective=objectives.ELBO(kl_weight=1.0))`."
            )
        kwargs.pop("loss", None)
        fix = "Pass e.g. `compile(check_every=100)`."
        if check_every is not None:
            check_every = positive_int("check_every", check_every, fix)
        self.check_every = check_every
        self._jit_compile_argument = kwargs.get("jit_compile", "auto")
        self.nonfinite_patience = positive_int(
            "nonfinite_patience", nonfinite_patience, fix
        )
        self.fast_path = bool(fast_path)
        if kwargs.get("auto_scale_loss", True):
            optimizer = precision.with_loss_scaling(optimizer, self)
        super().compile(optimizer=optimizer, **kwargs)
        if self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def takes_fast_path(self) -> bool:
        """Whether steps may run in a faster way than layer by layer."""
        return self.fast_path and not self.run_eagerly

    @property
    def keeps_arrays(self) -> bool:
        """Whether `fit` may keep arrays on the device."""
        return self.takes_fast_path and bool(self.compiled)

    @property
    def groups_steps(self) -> bool:
        """Whether several steps in one call are faster on this backend."""
        return False

    def loops_over(self, layer: keras.Layer) -> bool:
        """Whether steps with a convolution are as fast in a compiled loop.

        Args:
            layer: A `keras.layers.Conv2D` or `Conv2DTranspose`, built.
        """
        return False

    def repeated(
        self, function: Callable[..., Tensor]
    ) -> Callable[..., Tensor]:
        """Returns a function of tensors as it runs fastest again and again.

        Args:
            function: Function of tensors that may read the model's variables,
                and changes none.
        """
        return function

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns what `compile_from_config` needs."""
        config = super().get_compile_config()
        if config:
            # Keras stores what "auto" came to on this backend; on another it
            # must be decided anew (`torch.compile` takes a minute).
            config["jit_compile"] = self._jit_compile_argument
            saving.name_publicly(config["optimizer"])
            config["fast_path"] = self.fast_path
            config["check_every"] = self.check_every
            config["nonfinite_patience"] = self.nonfinite_patience
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as the saved one was."""
        config = keras.saving.deserialize_keras_object(config)
        config.pop("loss_weights", None)
        self.compile(**config)

    def check_data(self, x: Any, y: Any = None) -> Any:
        """Checks data against the model; see `trainers.data.check_data`."""
        checks = data_checks.Checks(
            self.likelihood, self.event_shape, self.check_condition
        )
        return data_checks.check_data(x, y, checks)

    def check_condition(self, condition: Any, num_examples: int) -> None:
        """Raises unless `y` suits the model; by default it is ignored.

        Args:
            condition: Array or `None`, what came as `y`.
            num_examples: Integer, the examples of x beside it.
        """

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains as any Keras model does.

        The data are checked against the likelihood's support first: arrays
        whole, streams by their first batch. Non-finite steps are skipped.

        Args:
            x: Array `(num_examples, *event_shape)`, or a stream of batches
                `x`, `(x, y)` or `(x, y, sample_weight)`.
            y: A `ConditionalVAE`'s condition; a VAE ignores it.
            batch_size: As in Keras.
            epochs: As in Keras.
            verbose: As in Keras.
            callbacks: As in Keras.
            validation_split: As in Keras.
            validation_data: Array, tuple or stream.
            shuffle: As in Keras.
            class_weight: As in Keras.
            sample_weight: Array `(num_examples,)` or `None`.
            **kwargs: Other arguments of `keras.Model.fit`.

        Returns:
            `History` with `loss`, `elbo`, `log_likelihood`, `kl` and the
            objective's extra terms, nats per example, and those with `val_`.

        Raises:
            ValueError: if a shape or a value does not suit the model.
            FloatingPointError: after a run of non-finite steps.
        """
        with self.resident:
            weights = sample_weight, class_weight
            x, y, val = self._prepared(x, y, weights, validation_data)
            data = {"x": x, "y": y, "sample_weight": sample_weight}
            data |= {"batch_size": batch_size, "shuffle": shuffle}
            data |= {"class_weight": class_weight}
            split = 0.0 if val is not None else validation_split
            with self._grouped(callbacks, batch_size, split, kwargs):
                return super().fit(
                    **self._batched(data, split),
                    epochs=epochs,
                    verbose=verbose,
                    callbacks=self._with_guard(callbacks),
                    validation_split=split,
                    validation_data=val,
                    **kwargs,
                )

    def _prepared(
        self, x: Any, y: Any, weights: Any, validation_data: Any
    ) -> tuple[Any, Any, Any]:
        """Checks the data of `fit`; returns what Keras is given for them."""
        if validation_data is not None:
            validation_data = self._check_validation(validation_data)
        checked = self.check_data(x, y)
        y = data_checks.targets_for(x, y, *weights)
        x, validation_data = self._kept(checked, validation_data)
        return x, y, validation_data

    def _kept(self, x: Any, validation_data: Any) -> tuple[Any, Any]:
        """Keeps arrays on the device; returns what stands for them.

        Validation data that is split off x is a part of x's indices.
        """
        if data_checks.is_array(x):
            self._build_metrics(x)
        if not self.keeps_arrays or not resident.fits(x):
            return x, validation_data
        if isinstance(validation_data, tuple):
            other, y, weight = data_checks.unpack(validation_data)
            if not resident.fits(other):
                return x, validation_data
            self.resident.validation = self.on_device(other)
            validation_data = resident.indices_of(other), y, weight
        elif validation_data is not None:
            return x, validation_data
        self.resident.training = self.on_device(x)
        if self.resident.validation is None:
            self.resident.validation = self.resident.training
        return resident.indices_of(x), validation_data

    def on_device(self, x: np.ndarray) -> Any:
        """Returns an array as a tensor that batches are gathered from."""
        return resident.on_device(x)

    def _build_metrics(self, x: Any) -> None:
        """Builds the metrics of `compile` from the first example.

        Keras would take a batch for it, and with it a shuffle of the data.
        """
        if self.compiled and self._compile_metrics is not None:
            x = keras.ops.convert_to_tensor(x[:1])
            self._symbolic_build(data_batch=(x,))

    def index_batches(self) -> Any:
        """Returns the `IndexBatches` of this backend; `None` for Keras's own.

        Raises:
            ImportError: if Keras no longer has what it is made of.
        """
        return None

    def _batched(self, data: dict[str, Any], split: float) -> dict[str, Any]:
        """Returns what Keras's `fit` takes in the place of indices.

        Args:
            data: Arguments of `fit`, whose `x` may be indices.
            split: Float, the share of them that Keras splits off.
        """
        if self.resident.training is None or split:
            return data
        if data["shuffle"] == "batch":  # Within batches: no epoch's order.
            return data
        try:
            make = self.index_batches()
        except ImportError:
            return data
        if make is None:
            return data
        size = data.pop("batch_size") or grouping.DEFAULT_BATCH_SIZE
        return {"x": make(**data, batch_size=size), "batch_size": size}

    def _grouped(
        self,
        callbacks: Any,
        batch_size: int | None,
        split: float,
        options: dict[str, Any],
    ) -> contextlib.AbstractContextManager[None]:
        """Groups the steps of `fit` where the backend runs groups faster."""
        if self.resident.training is None or not self.groups_steps:
            return contextlib.nullcontext()
        if options.get("steps_per_epoch") or self.check_every:
            return contextlib.nullcontext()  # Somebody counts the steps.
        # As Keras splits; it refuses a split that leaves nothing.
        size = math.floor(len(self.resident.training) * (1.0 - split))
        return grouping.grouped(self, callbacks, max(size, 1), batch_size)

    def _check_validation(self, validation_data: Any) -> Any:
        if isinstance(validation_data, (tuple, list)):
            x, y, weight = data_checks.unpack(tuple(validation_data))
            x = self.check_data(x, y)
            return x, data_checks.targets_for(x, y, weight), weight
        x = self.check_data(validation_data)
        return (x, None, None) if data_checks.is_array(x) else x

    def _with_guard(self, callbacks: Any) -> Any:
        if not self.compiled:
            return callbacks  # Keras tells the user to call `compile`.
        guard = make_guard(self.nonfinite_patience, self.check_every)
        return with_guard(callbacks, guard, self)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Evaluates as any Keras model does, after checking the data."""
        if not kwargs.get("_use_cached_eval_dataset"):
            x = self.check_data(x, y)
        return super().evaluate(
            x=x,
            y=data_checks.targets_for(x, y, sample_weight),
            batch_size=batch_size,
            verbose=verbose,
            sample_weight=sample_weight,
            **kwargs,
        )

    def train_on_batch(
        self, x: Any, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Trains on one batch as any Keras model does, after checking it."""
        x = self.check_data(x, y)
        return super().train_on_batch(x, y, *args, **kwargs)

    def test_on_batch(
        self, x: Any, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Tests on one batch as any Keras model does, after checking it."""
        x = self.check_data(x, y)
        return super().test_on_batch(x, y, *args, **kwargs)
