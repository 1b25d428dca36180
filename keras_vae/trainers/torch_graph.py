"""A step on PyTorch as a graph of tensor operations.

Running a Keras model layer by layer takes longer than the arithmetic of a
small one. The graph holds the operations alone, forward and backward, as
they were traced once; it is run by PyTorch's kernels, without compiling.
"""

from collections.abc import Callable

import torch
from torch.func import functionalize
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.graph import CodeGen

from keras_vae.trainers import torch_draws, torch_rewrites

Tensors = list[torch.Tensor]


class StepGraph:
    """A function of tensors and random draws, traced for their shapes.

    Args:
        function: Takes a list of tensors and returns one; it draws what was
            recorded, and reads and writes no other tensor that changes.
        inputs: List of tensors.
        recorded: What `torch_draws.recorded` gave of the same step.

    Raises:
        NotImplementedError: if a draw cannot be taken out, or the function
            changes a tensor in place.
        Exception: of other kinds, PyTorch's own, where a step cannot be
            traced: it asks for a tensor's value, say.
    """

    def __init__(
        self,
        function: Callable[[Tensors], Tensors],
        inputs: Tensors,
        recorded: torch_draws.Recorder,
    ) -> None:
        if not recorded.repeatable:
            raise NotImplementedError("a draw depends on what is computed")
        self.draws = recorded.draws

        def drawn(inputs: Tensors, values: Tensors) -> Tensors:
            with torch_draws.played(values):
                return function(inputs)

        arguments = (list(inputs), recorded.values)
        module = make_fx(drawn)(*arguments)
        if torch_rewrites.changes_tensors(module.graph):
            module = make_fx(functionalize(module))(*arguments)
        module.graph.set_codegen(CodeGen())  # Its arguments stand in a row.
        torch_rewrites.simplify(module)
        self._run = module.forward

    def __call__(self, inputs: Tensors) -> Tensors:
        """Runs the graph with new draws."""
        return self.replayed(inputs, [draw() for draw in self.draws])

    def replayed(self, inputs: Tensors, draws: Tensors) -> Tensors:
        """Runs the graph with draws that are given."""
        return self._run(*inputs, *draws)
