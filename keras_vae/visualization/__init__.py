"""Pictures of VAEs: arrays in, matplotlib figures out.

Every function returns a `matplotlib.figure.Figure` that belongs to no window
and no pyplot state; `save` writes it. matplotlib itself is imported by the
first figure: `pip install "keras-vae[viz]"`.
"""

from keras_vae.visualization.curves import loss_curves
from keras_vae.visualization.figure import save
from keras_vae.visualization.grids import reconstructions, sample_grid
from keras_vae.visualization.latents import latent_map
from keras_vae.visualization.planes import latent_plane

__all__ = [
    "latent_map",
    "latent_plane",
    "loss_curves",
    "reconstructions",
    "sample_grid",
    "save",
]
