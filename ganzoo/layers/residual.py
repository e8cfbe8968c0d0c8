"""Residual blocks that double or halve the side, of BigGAN and its kin.

Where a convolution stands next to a change of side, the cheaper order or form is computed: nearest upsampling and averages commute with
1×1 convolutions, and with 3×3 ones they are one convolution of stride 2. Weights, and so their spectral norm, are those of the plain form.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from ganzoo.layers.conditional import ConditionalNorm
from ganzoo.layers.recomputed import Recomputable
from ganzoo.layers.resampling import ConvThenAverage, NearestThenConv


class UpBlock(Recomputable):
    """(N, a, s, s) → (N, b, 2s, 2s): norm, ReLU, nearest ×2, 3×3, norm, ReLU, 3×3; beside it nearest ×2, 1×1 (Brock et al. 2019, fig. 15).

    `norm(channels)` makes the two norms; a `ConditionalNorm` is told the condition, any other (`nn.Identity`: none) is not.
    """

    def __init__(self, channels_in: int, channels_out: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d, *, bias: bool = True):
        super().__init__()
        self.norm0, self.norm1 = norm(channels_in), norm(channels_out)
        self.conv0 = NearestThenConv(channels_in, channels_out, 3, padding=1, bias=bias)
        self.conv1 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=bias)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, bias=bias)

    def compute(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        y = self.conv0(_normed_relu(self.norm0, x, condition))
        y = self.conv1(_normed_relu(self.norm1, y, condition))
        return y + interpolate(self.shortcut(x), scale_factor=2)


class DownBlock(Recomputable):
    """(N, a, s, s) → (N, b, s/2, s/2): ReLU, 3×3, ReLU, 3×3, 2×2 mean; beside it 1×1, 2×2 mean (Brock et al. 2019, fig. 15).

    `first`: images go in, and there is no leading ReLU.
    `down` false: no means, and where a = b no convolution in the shortcut.
    `relu_shortcut`: the leading ReLU is in place in *iyengar*'s code (`model/blocks.py`), and so the shortcut, too, begins at ReLU(x).
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, first: bool = False, down: bool = True, relu_shortcut: bool = False, bias: bool = True
    ):  # fmt: skip
        super().__init__()
        self.first, self.down, self.relu_shortcut = first, down, relu_shortcut and not first
        self.conv0 = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=bias)
        self.conv1 = (ConvThenAverage if down else nn.Conv2d)(channels_out, channels_out, 3, padding=1, bias=bias)
        plain = not down and channels_in == channels_out
        self.shortcut = nn.Identity() if plain else nn.Conv2d(channels_in, channels_out, 1, bias=bias)

    def compute(self, x: Tensor) -> Tensor:
        y = x if self.first else relu(x)
        beside = y if self.relu_shortcut else x
        y = self.conv1(self.conv0(y).relu_())
        return y + self.shortcut(avg_pool2d(beside, 2) if self.down else beside)


def _normed_relu(norm: nn.Module, x: Tensor, condition: Tensor | None) -> Tensor:
    y = norm(x, condition) if isinstance(norm, ConditionalNorm) else norm(x)
    return relu(y) if y is x else y.relu_()  # x itself, where there is no norm, is also the shortcut's
