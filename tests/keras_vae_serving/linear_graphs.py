"""The ONNX graphs of `LinearModel`, one function a signature."""

import numpy as np
import onnx


class Graph:
    """Nodes and constants, in the order in which they are added."""

    def __init__(self, model):
        self.model = model
        self.nodes = []
        self.constants = {}

    def add(self, op, *inputs, name=None, **attributes):
        """Adds a node; returns its output's name."""
        output = name or f"value_{len(self.nodes)}"
        inputs = [
            one if isinstance(one, str) else self.const(one) for one in inputs
        ]
        self.nodes.append(
            onnx.helper.make_node(op, inputs, [output], **attributes)
        )
        return output

    def const(self, value):
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def decode(self, z, name):
        model = self.model
        if model.recurrent:
            z = self.add("Add", z, self.zeros_of_gru(z))
        x = self.add("MatMul", z, model.weights)
        x = self.add("Add", x, np.float32(model.bias))
        if model.condition_dim is not None:
            shift = self.add("MatMul", "condition", model.condition_weights)
            x = self.add("Add", x, shift)
        return self.add(
            "Reshape", x, np.array([-1, *model.event_shape]), name=name
        )

    def zeros_of_gru(self, z):
        size = self.model.latent_dim
        weights = np.zeros((1, 3 * size, size), "float32")
        steps = self.add("Unsqueeze", z, np.array([0]))
        inputs = [steps, self.const(weights), self.const(weights)]
        self.nodes.append(
            onnx.helper.make_node("GRU", inputs, ["", "last"], hidden_size=size)
        )
        return self.add("Squeeze", "last", np.array([0]))

    def encode(self, x, name):
        flat = self.add("Reshape", x, np.array([-1, self.model.num_values]))
        return self.add("MatMul", flat, self.model.weights.T.copy(), name=name)

    def noise(self, seeds):
        period = np.int64(101)
        steps = np.arange(3, 3 + self.model.latent_dim)
        column = self.add("Unsqueeze", seeds, np.array([1]))
        column = self.add("Mod", column, period)
        levels = self.add("Mod", self.add("Mul", column, steps), period)
        levels = self.add("Cast", levels, to=onnx.TensorProto.FLOAT)
        levels = self.add("Div", levels, np.float32(50))
        return self.add("Sub", levels, np.float32(1))


def decode(model):
    graph = Graph(model)
    graph.decode("z", "x")
    return graph


def generate(model):
    graph = Graph(model)
    count = graph.add("Cast", "num_samples", to=onnx.TensorProto.INT64)
    rows = graph.add("Range", np.int64(0), count, np.int64(1))
    first = graph.add("Mod", "seed", np.int64(101))
    noise = graph.noise(graph.add("Add", rows, first))
    graph.decode(graph.add("Mul", noise, "temperature", name="z"), "x")
    return graph


def generate_rows(model):
    graph = Graph(model)
    column = graph.add("Unsqueeze", "temperature", np.array([1]))
    noise = graph.noise("seed")
    graph.decode(graph.add("Mul", noise, column, name="z"), "x")
    return graph


def encode(model):
    graph = Graph(model)
    loc = graph.encode("x", "loc")
    zeros = graph.add("Mul", loc, np.float32(0))
    graph.add("Add", zeros, np.float32(0.25), name="scale")
    return graph


def reconstruct(model):
    graph = Graph(model)
    graph.decode(graph.encode("x", "loc"), "reconstruction")
    return graph


def score(model):
    graph = Graph(model)
    found = graph.decode(graph.encode("x", "loc"), "reconstruction")
    error = graph.add("Sub", "x", found)
    squares = graph.add("Mul", error, error)
    flat = graph.add("Reshape", squares, np.array([-1, model.num_values]))
    sums = graph.add("ReduceSum", flat, np.array([1]), keepdims=0)
    first = graph.add("Gather", graph.noise("seed"), np.int64(0), axis=1)
    small = graph.add("Div", first, np.float32(100))
    graph.add("Sub", small, sums, name="elbo")
    return graph


GRAPHS = {
    "decode": decode,
    "generate": generate,
    "generate_rows": generate_rows,
    "encode": encode,
    "reconstruct": reconstruct,
    "score": score,
}
