"""What halves or doubles the side of a map."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad

from ganzoo.convolutions import DoublingConv, HalvingConv


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


class ConvThenAverage(nn.Conv2d):
    """3×3 "same" convolution, then 2×2 average pooling: (N, a, s, s) → (N, b, s/2, s/2).

    The two are one 4×4 convolution of stride 2, whose kernel is the 3×3 one spread: less than half the arithmetic, no (N, b, s, s).
    """

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, spread(self.weight) / 4, self.bias, stride=2, padding=1)
