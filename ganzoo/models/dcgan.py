"""`dcgan`: the convolutional pair of Radford, Metz & Chintala, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks" (2015), arXiv 1511.06434, §3, for square images of side 32 to 256, as *iyengar* generalises it.

z (N, latent) → 4×4 → … → (N, width_g, side/2, side/2) → (N, C, side, side), channels halved wherever the side doubles;
image → (N, width_d, side/2, side/2) → … → 4×4 → logit (N,), channels doubled wherever the side halves.
4×4 kernels without bias; batch norm in all layers but G's last and D's first and last.
At the defaults and 64×64 colour images: G 3,576,704 and D 2,765,568 parameters (checked by a test).

Default widths are those of *iyengar*'s code (github.com/rikenmehta03/gan_mine, 3693ba3, `model/dcgan.py`): G has 2^⌊log₂(side)/2⌋·side
channels at 4×4, D has `side` channels in its first layer. So G ends in 32, 64, 64, 128 and begins with 128, 512, 1024, 4096 channels;
D grows from 32, 64, 128, 256 to 128, 512, 2048, 8192 (715 million parameters at side 256: set width_d).
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import register_parametrization

from ganzoo.errors import SpecError
from ganzoo.layers import Init, initialise
from ganzoo.models.mlp import Rate
from ganzoo.models.registry import Options, Shape, register

Width = Annotated[int, Field(gt=0)] | None


class SpectralNorm(nn.Module):
    """W → W / σ(W) (Miyato et al. 2018, Algorithm 1): one power iteration a forward; `u` is kept from one to the next.

    W is read as the matrix (first axis, all others), for transposed convolutions, too, as *iyengar*'s code does
    (`model/spectral.py`); torch's own parametrisation takes their second axis by default, starts with fifteen iterations, and
    leaves its products to autocast. Here they stay float32. In eval mode σ is the same but `u` is not moved.
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        self.register_buffer("u", normalize(torch.randn_like(weight.detach().flatten(1)[:, 0]), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            with torch.no_grad():
                v = normalize(matrix.mT @ self.u, dim=0)
                u = normalize(matrix @ v, dim=0)
                if self.training:
                    self.u.copy_(u)
            return weight / (u @ (matrix @ v))


def normalise_spectrally(net: nn.Module) -> None:
    """Put every convolution of `net` under spectral norm. After the first weights are drawn: later their law would not reach them."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            # unsafe: without torch's trial run, which would be one more power iteration
            register_parametrization(layer, "weight", SpectralNorm(layer.weight), unsafe=True)


def initialise_batch_norm(net: nn.Module) -> None:
    """Scales ~ N(1, 0.02²), shifts 0 (*iyengar*'s code, `weights_init`)."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)


class Generator(nn.Module):
    """z (N, latent) → image (N, C, side, side) in [-1, 1]."""

    def __init__(self, latent: int, image: Shape, width: int):
        super().__init__()
        channels, side, _ = image
        widths = _doubled(width, side)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, widths[0], 4, bias=False)]  # (N, widths[0], 4, 4)
        for a, b in zip(widths, [*widths[1:], channels], strict=True):
            layers += [nn.BatchNorm2d(a), nn.ReLU(inplace=True), nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=False)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z[:, :, None, None])


class Discriminator(nn.Module):
    """Image (N, C, side, side) → logit (N,)."""

    def __init__(self, image: Shape, width: int, options: DCGAN.Options):
        super().__init__()
        channels, side, _ = image
        widths = _doubled(width, side)
        layers = [nn.Conv2d(channels, width, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(options.slope, inplace=True)]
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(b)]
            if options.dropout_where != "none":
                kind = nn.Dropout if options.dropout_where == "inner" else nn.Dropout2d
                layers.append(kind(options.dropout_d))  # before or after LeakyReLU is the same: it commutes with factors >= 0
            layers.append(nn.LeakyReLU(options.slope, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, bias=False))  # 4×4 → (N, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).flatten(1).squeeze(1)


def _doubled(width: int, side: int) -> list[int]:
    """Channels at side/2, side/4, …, 4."""
    return [width << i for i in range(side.bit_length() - 3)]


def _authors_width_g(side: int) -> int:
    """Channels of G at side/2 where it has 2^⌊log₂(side)/2⌋·side of them at 4×4."""
    log = side.bit_length() - 1
    return (side << log // 2) >> (log - 3)


@register("dcgan")
class DCGAN:
    """Strided convolutions both ways."""

    SIDES = (32, 64, 128, 256)

    class Options(Options):
        width_g: Width = Field(None, description="G's channels before the last layer; none given: 32, 64, 64, 128 by side (iyengar's code)")
        width_d: Width = Field(None, description="channels of D's first layer; none given: the images' side (iyengar's code)")
        spectral_norm: Literal["none", "d", "g", "both"] = Field("none", description="whose convolutions are under it, all of them")
        dropout_where: Literal["none", "inner", "every"] = Field(
            "none",
            description="in D, between batch norm and LeakyReLU. inner (iyengar's text): single units, after all convolutions but the "
            "first and last; every (iyengar's code): whole channels, in every block, and its blocks are those same convolutions",
        )
        dropout_d: Rate = Field(0.5, description="rate of that dropout, where there is any")
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope")
        init: Init = Field("normal-0.02", description="law of the first weights; normal-0.02: of batch norm's scales, too, around 1")

    @staticmethod
    def build(options: DCGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """SpecError for images that are not square or of a side not in SIDES."""
        _, height, width = image
        if height != width or height not in DCGAN.SIDES:
            raise SpecError(
                f"model 'dcgan' makes square images of side {', '.join(map(str, DCGAN.SIDES))}, not {height}x{width}. "
                "Set data.resize to one of these sides (28x28 digits: data.resize: 32)."
            )
        g = Generator(latent, image, options.width_g or _authors_width_g(height))
        d = Discriminator(image, options.width_d or height, options)
        for net, name in ((g, "g"), (d, "d")):
            initialise(net, options.init)
            if options.init == "normal-0.02":
                initialise_batch_norm(net)
            if options.spectral_norm in (name, "both"):
                normalise_spectrally(net)
        return g, d
