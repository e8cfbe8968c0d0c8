"""Pieces that two or more model families use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, normalize, pad
from torch.nn.utils.parametrize import register_parametrization

from ganzoo.convolutions import DoublingConv, FromPoint, HalvingConv, ToPoint
from ganzoo.errors import SpecError

Init = Literal["glorot-uniform", "torch-default", "normal-0.02"]
Convolutions = Callable[..., list[nn.Module]]  # (channels in, channels out, *, bias) → what doubles or halves the side
DCGAN_SIDES = (32, 64, 128, 256)  # and every power of two after them


def initialise(net: nn.Module, init: Init) -> None:
    """Redraw the weights of dense and convolutional layers; biases become zero.

    glorot-uniform: U(-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16; Keras' default).
    normal-0.02: N(0, 0.02²) (Radford et al. 2015, §3).
    torch-default: left as torch drew them, biases too.
    """
    if init == "torch-default":
        return
    for layer in net.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            if init == "glorot-uniform":
                nn.init.xavier_uniform_(layer.weight)
            else:
                nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def initialise_dcgan(net: nn.Module, init: Init) -> None:
    """`initialise`, and under normal-0.02 batch norm's scales ~ N(1, 0.02²), shifts 0 (*iyengar*'s code, `weights_init`)."""
    initialise(net, init)
    if init == "normal-0.02":
        for layer in net.modules():
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
                nn.init.normal_(layer.weight, 1.0, 0.02)
                nn.init.zeros_(layer.bias)


def initialise_convolutions(net: nn.Module, init: Init) -> None:
    """As `initialise`, but normal-0.02 is `weights_init_normal` of *selfgan*'s author (github.com/HighCWu/SelfGAN, 0b3fbd4).

    Convolutions' weights ~ N(0, 0.02²), batch norm's scales ~ N(1, 0.02²), its shifts 0. Dense layers and all biases stay as torch drew
    them.
    """
    if init != "normal-0.02":
        initialise(net, init)
        return
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)


def activation(name: str, slope: float) -> nn.Module:
    """relu, leaky-relu, tanh, sigmoid or linear; in place where torch offers that."""
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "leaky-relu":
            return nn.LeakyReLU(slope, inplace=True)
        case "tanh":
            return nn.Tanh()
        case "sigmoid":
            return nn.Sigmoid()
        case "linear":
            return nn.Identity()
    raise ValueError(f"no activation '{name}'")


def dense_block(width_in: int, width_out: int, slope: float, *, batchnorm: bool = False, dropout: float = 0.0) -> list[nn.Module]:
    """Dense → (batch norm) → LeakyReLU → (dropout)."""
    block: list[nn.Module] = [nn.Linear(width_in, width_out)]
    if batchnorm:
        block.append(nn.BatchNorm1d(width_out))
    block.append(nn.LeakyReLU(slope, inplace=True))
    if dropout:
        block.append(nn.Dropout(dropout))
    return block


class DenseDiscriminator(nn.Module):
    """Image (N, C, H, W) → hidden dense blocks → logit (N,)."""

    def __init__(self, image: tuple[int, int, int], hidden: list[int], slope: float, dropout: float):
        super().__init__()
        channels, height, width = image
        widths = [channels * height * width, *hidden]
        blocks = [dense_block(a, b, slope, dropout=dropout) for a, b in zip(widths[:-1], widths[1:], strict=True)]
        self.layers = nn.Sequential(*(layer for block in blocks for layer in block), nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1)).squeeze(1)


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
            stretched = matrix @ v  # serves the iteration, without gradient, and σ, with it
            with torch.no_grad():
                u = normalize(stretched, dim=0)
                if self.training:
                    self.u.copy_(u)
            return weight / (u @ stretched)


def normalise_spectrally(net: nn.Module) -> None:
    """Put every convolution of `net` under spectral norm. After the first weights are drawn: later their law would not reach them."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            # unsafe: without torch's trial run, which would be one more power iteration
            register_parametrization(layer, "weight", SpectralNorm(layer.weight), unsafe=True)


def strided(channels_in: int, channels_out: int, *, bias: bool) -> list[nn.Module]:
    """(N, a, s, s) → (N, b, s/2, s/2)."""
    return [HalvingConv(channels_in, channels_out, bias=bias)]


def transposed(channels_in: int, channels_out: int, *, bias: bool) -> list[nn.Module]:
    """(N, a, s, s) → (N, b, 2s, 2s)."""
    return [DoublingConv(channels_in, channels_out, bias=bias)]


def spread(kernel: Tensor) -> Tensor:
    """(…, 3, 3) → (…, 4, 4): the sum of the kernel at the four places it has in there."""
    rows = pad(kernel, (0, 0, 0, 1)) + pad(kernel, (0, 0, 1, 0))
    return pad(rows, (0, 1)) + pad(rows, (1, 0))


class NearestThenConv(nn.Conv2d):
    """Every pixel four times, then a 3×3 "same" convolution: (N, a, s, s) → (N, b, 2s, 2s).

    The two are one 4×4 transposed convolution of stride 2, whose kernel is the 3×3 one spread: less than half the arithmetic, no
    (N, a, 2s, 2s).
    """

    def forward(self, x: Tensor) -> Tensor:
        return conv_transpose2d(x, spread(self.weight.flip(2, 3)).transpose(0, 1), self.bias, stride=2, padding=1)


class DCGANGenerator(nn.Module):
    """z (N, latent) → `dense` (N, latent or its width) → 4×4 → … → (N, width, side/2, side/2) → `refine` → (N, C, side, side).

    Channels halve wherever the side doubles. Batch norm (or none) and an activation after every layer but the last. `bias`: of all
    (transposed) convolutions; None: only where batch norm was taken away.
    """

    def __init__(
        self, latent: int, image: tuple[int, int, int], width: int, *, slope: float, act: str = "relu", batchnorm: bool = True,
        bias: bool | None = None, up: Convolutions = transposed, dense: Sequence[int] = (), refine: Sequence[nn.Module] = (),
        output: str = "tanh",
    ):  # fmt: skip
        super().__init__()
        channels, side, _ = image
        bias_inside = not batchnorm if bias is None else bias

        def norm_and_act(width: int, norm: type[nn.Module] = nn.BatchNorm2d) -> list[nn.Module]:
            return [*([norm(width)] if batchnorm else []), activation(act, slope)]

        hidden: list[nn.Module] = []
        for a, b in zip([latent, *dense], dense, strict=False):
            hidden += [nn.Linear(a, b, bias=not batchnorm), *norm_and_act(b, nn.BatchNorm1d)]
        self.dense = nn.Sequential(*hidden)
        widths = dcgan_widths(width, side)[::-1]
        layers: list[nn.Module] = [FromPoint([latent, *dense][-1], widths[0], bias=bias_inside)]  # (N, widths[0], 4, 4)
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [*norm_and_act(a), *up(a, b, bias=bias_inside)]
        layers += [*norm_and_act(width), *refine, *up(width, channels, bias=bool(bias)), activation(output, slope)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(self.dense(z)[:, :, None, None])


class DCGANDiscriminator(nn.Module):
    """Image (N, C, side, side) → (N, width, side/2, side/2) → … → 4×4 → `dense` → logit (N,).

    Channels double wherever the side halves. Batch norm (or none), dropout and an activation after every convolution but the first and
    the last; only an activation after the first and after the dense layers. `bias` as in G; the dense layers before the logit have one.
    """

    def __init__(
        self, image: tuple[int, int, int], width: int, *, slope: float, act: str = "leaky-relu", batchnorm: bool = True,
        bias: bool | None = None, down: Convolutions = strided, dense: Sequence[int] = (), dropout: Callable[[], nn.Module] | None = None,
    ):  # fmt: skip
        super().__init__()
        channels, side, _ = image
        bias_inside = not batchnorm if bias is None else bias
        widths = dcgan_widths(width, side)
        layers = [*down(channels, width, bias=bool(bias)), activation(act, slope)]
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [*down(a, b, bias=bias_inside), *([nn.BatchNorm2d(b)] if batchnorm else [])]
            layers += [*([dropout()] if dropout else []), activation(act, slope)]
        if dense:
            layers.append(nn.Flatten())
            for a, b in zip([widths[-1] * 16, *dense], dense, strict=False):
                layers += [nn.Linear(a, b), activation(act, slope)]
            layers.append(nn.Linear(dense[-1], 1, bias=bool(bias)))  # (N, 1)
        else:
            layers.append(ToPoint(widths[-1], 1, bias=bool(bias)))  # (N, 1, 1, 1)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).flatten(1).squeeze(1)


def dcgan_side(model: str, image: tuple[int, int, int]) -> int:
    """The side of the images; SpecError for images that are not square or whose side is no power of two from 32 up."""
    _, height, width = image
    if height != width or height < min(DCGAN_SIDES) or height & (height - 1):
        raise SpecError(
            f"model '{model}' makes square images of side {', '.join(map(str, DCGAN_SIDES))} and so on, not {height}x{width}. "
            "Set data.resize to one of these sides (28x28 digits: data.resize: 32)."
        )
    return height


def dcgan_widths(width: int, side: int) -> list[int]:
    """Channels at side/2, side/4, …, 4."""
    return [width << i for i in range(side.bit_length() - 3)]


def dcgan_width_g(side: int) -> int:
    """Channels of G at side/2 where it has 2^⌊log₂(side)/2⌋·side of them at 4×4 (*iyengar*'s code)."""
    log = side.bit_length() - 1
    return (side << log // 2) >> (log - 3)
