"""The networks of a DCGAN: convolutions that double the side from 4×4, or halve it to there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ganzoo.convolutions import FromPoint, ToPoint
from ganzoo.errors import SpecError
from ganzoo.layers.activations import activation
from ganzoo.layers.resampling import strided, transposed

Convolutions = Callable[..., list[nn.Module]]  # (channels in, channels out, *, bias) → what doubles or halves the side
DCGAN_SIDES = (32, 64, 128, 256)  # and every power of two after them


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
