"""Spectral norm: a weight is divided by its largest singular value."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import register_parametrization

from ganzoo.layers.walk import layers_of

CONVOLUTIONS: tuple[type[nn.Module], ...] = (nn.Conv2d, nn.ConvTranspose2d)


class SpectralNorm(nn.Module):
    """W → W / σ(W) (Miyato et al. 2018, Algorithm 1): `iterations` power iterations a forward; `u` is kept from one to the next.

    W is read as the matrix (first axis, all others), for transposed convolutions, too, as *iyengar*'s code does
    (`model/spectral.py`); torch's own parametrisation takes their second axis by default, starts with fifteen iterations, and
    leaves its products to autocast. Here they stay float32. In eval mode σ is the same but `u` is not moved.
    """

    def __init__(self, weight: Tensor, iterations: int = 1):
        super().__init__()
        self.iterations = iterations
        self.register_buffer("u", normalize(torch.randn_like(weight.detach().flatten(1)[:, 0]), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            with torch.no_grad():
                v = normalize(matrix.mT @ self.u, dim=0)
                for _ in range(self.iterations - 1):
                    v = normalize(matrix.mT @ normalize(matrix @ v, dim=0), dim=0)
            stretched = matrix @ v  # serves the last iteration, without gradient, and σ, with it
            with torch.no_grad():
                u = normalize(stretched, dim=0)
                if self.training:
                    self.u.copy_(u)
            return weight / (u @ stretched)


def normalise_spectrally(net: nn.Module, kinds: tuple[type[nn.Module], ...] = CONVOLUTIONS, iterations: int = 1) -> None:
    """Put every layer of `net` that is of one of these kinds under spectral norm.

    A layer with an attribute `spectral = False` is passed over, and so is all below it. After the first weights are drawn: later their
    law would not reach them.
    """
    for layer in list(layers_of(net, unless="spectral")):
        if isinstance(layer, kinds):
            # unsafe: without torch's trial run, which would be one more power iteration
            register_parametrization(layer, "weight", SpectralNorm(layer.weight, iterations), unsafe=True)
