"""How noisy the gradients of a VAE's encoder are, by estimator.

At the initial weights of an MLP on the digits, it draws the gradient of the
negative ELBO of one batch again and again, by reparameterisation and by the
score function, with and without a baseline:

    python examples/gradient_variance.py

It prints the variance of each, summed over the encoder's weights, and how
many times that of reparameterisation it is, and plots both to
`examples/figures/gradient_variance.png`.
"""

import argparse
import pathlib

import keras
import numpy as np

from keras_vae import VAE, datasets, networks, objectives, visualization
from keras_vae.visualization.figure import COLORS, new_figure

FIGURES = pathlib.Path(__file__).parent / "figures"
ESTIMATORS = {
    "score function": lambda k: objectives.ScoreFunction(
        num_samples=k, baseline="none"
    ),
    "score function, leave-one-out baseline": lambda k: (
        objectives.ScoreFunction(num_samples=k)
    ),
    "reparameterised": lambda k: objectives.ELBO(num_samples=k),
}
BATCH = 100


class Recorder(keras.optimizers.Optimizer):
    """Keeps the gradients, and leaves the weights as they are."""

    def __init__(self):
        super().__init__(learning_rate=0.0)

    def build(self, variables):
        """Makes a place for each gradient."""
        if not self.built:
            super().build(variables)
            self.gradients = self.add_optimizer_variables(variables, "gradient")

    def update_step(self, gradient, variable, learning_rate):
        """Keeps one gradient."""
        index = self._get_variable_index(variable)
        self.assign(self.gradients[index], gradient)


def make_vae(objective):
    """The digits MLP, with the same weights whatever the objective."""
    keras.utils.set_random_seed(0)
    vae = VAE(
        networks.mlp_encoder((8, 8, 1), hidden_dims=(400,)),
        networks.mlp_decoder(latent_dim=16, hidden_dims=(400,)),
        objective=objective,
        seed=0,
    )
    vae.compile(optimizer=Recorder())
    return vae


def variance(objective, x, num_draws):
    """Variance of the encoder's gradient, summed over its weights."""
    vae = make_vae(objective)
    encoder = {id(w) for w in (*vae.encoder.weights, *vae.posterior.weights)}
    draws = []
    for _ in range(num_draws):
        vae.train_on_batch(x)
        gradients = zip(
            vae.trainable_variables, vae.optimizer.gradients, strict=True
        )
        parts = [
            keras.ops.convert_to_numpy(gradient).ravel()
            for weight, gradient in gradients
            if id(weight) in encoder
        ]
        draws.append(np.concatenate(parts))
    return float(np.var(draws, axis=0, ddof=1).sum())


def plot(numbers, results):
    """Draws a line for each estimator over the number of samples."""
    figure = new_figure(900, 560)
    axes = figure.add_subplot()
    for color, (name, values) in zip(COLORS, results.items(), strict=False):
        known = [k for k in numbers if k in values]
        axes.loglog(
            known, [values[k] for k in known], "o-", color=color, label=name
        )
        for k in known:
            ratio = values[k] / results["reparameterised"][k]
            axes.annotate(
                _rounded(ratio) if ratio > 1.0 else "",
                (k, values[k]),
                (0, 8),
                textcoords="offset points",
                ha="center",
                fontsize="small",
                color=color,
            )
    axes.set_xticks(numbers, [str(k) for k in numbers])
    axes.minorticks_off()
    axes.set_xlabel("latents drawn per image")
    axes.set_ylabel("variance of the encoder's gradient")
    axes.set_title(f"Digits MLP at its initial weights, batch of {BATCH}")
    axes.grid(alpha=0.3)
    axes.margins(y=0.1)
    axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.6))
    figure.tight_layout()
    return figure


def _rounded(ratio):
    return f"{float(f'{ratio:.2g}'):,.0f}x"


def main():
    """Measures, prints and plots."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=100)
    num_draws = parser.parse_args().draws
    x = datasets.load("digits", f"train[:{BATCH}]", binarize="static")
    numbers = (1, 2, 4, 8, 16)
    results = {name: {} for name in ESTIMATORS}
    for name, make in ESTIMATORS.items():
        for k in numbers:
            if k == 1 and "baseline" in name:
                continue  # One sample has no others.
            results[name][k] = variance(make(k), x, num_draws)
    reparameterised = results["reparameterised"]
    print(f"{num_draws} draws; variance over that of reparameterisation:")
    for name, values in results.items():
        ratios = [
            f"k={k}: {value:.2g} ({_rounded(value / reparameterised[k])})"
            for k, value in values.items()
        ]
        print(f"{name}: {', '.join(ratios)}")
    FIGURES.mkdir(exist_ok=True)
    figure = plot(numbers, results)
    visualization.save(figure, FIGURES / "gradient_variance.png")


if __name__ == "__main__":
    main()
