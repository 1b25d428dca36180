"""The latent plane of a VAE with two latents on MNIST.

Trains an MLP on dynamically binarised MNIST and draws what each point of the
plane decodes to, with the test set's posterior means beside it:

    python examples/latent_plane.py --epochs 20

It writes `latent_plane.png` to `examples/figures/`.
"""

import argparse
import pathlib

import keras
import numpy as np

from keras_vae import VAE, datasets, networks, visualization

FIGURES = pathlib.Path(__file__).parent / "figures"


def train(epochs, seed=0):
    """Returns a VAE trained on dynamically binarised MNIST."""
    keras.utils.set_random_seed(seed)
    hidden = {"hidden_dims": (400, 400), "activation": "relu", "seed": seed}
    vae = VAE(
        networks.mlp_encoder((28, 28, 1), **hidden),
        networks.mlp_decoder(latent_dim=2, **hidden),
        seed=seed,
    )
    vae.compile(optimizer="adam")
    x_train = datasets.load("mnist", "train", binarize="dynamic", seed=seed)
    vae.fit(x_train, epochs=epochs, verbose=2)
    return vae


def main():
    """Trains, reports the test ELBO and draws the plane."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=20)
    epochs = parser.parse_args().epochs
    vae = train(epochs)

    x_test, labels = datasets.load(
        "mnist", "test", binarize="static", with_labels=True
    )
    logs = vae.evaluate(x_test, batch_size=1000, return_dict=True, verbose=0)
    print(
        f"test ELBO {logs['elbo']:.2f} nats (log-likelihood "
        f"{logs['log_likelihood']:.2f}, KL {logs['kl']:.2f}) after {epochs} "
        "epochs; 10,000 test images, binarised once"
    )
    latents = [
        keras.ops.convert_to_numpy(vae.encode(batch).mean())
        for batch in np.array_split(x_test, 10)
    ]
    figure = visualization.latent_plane(
        lambda z: vae.generator.predict(z, verbose=0),
        latents=np.concatenate(latents),
        labels=labels,
    )
    FIGURES.mkdir(exist_ok=True)
    visualization.save(figure, FIGURES / "latent_plane.png")


if __name__ == "__main__":
    main()
