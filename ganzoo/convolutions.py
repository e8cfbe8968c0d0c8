"""The convolutions that a DCGAN consists of, with 4×4 kernels, done faster on the CPU.

`HalvingConv` and `DoublingConv` (stride 2, padding 1), `FromPoint` and `ToPoint` (to and from 4×4 maps) are `nn.Conv2d` and
`nn.ConvTranspose2d` with the same parameters and results. torch's are slow in three places, which are done otherwise here:

- few channels at the doubled side, as in G's last layer and in the gradient that D's first one passes back: half the time;
- the kernels' gradient in bfloat16 on small maps, as of the widest layers: half the time;
- a whole 4×4 map at once, G's first and D's last layer: a matrix product.

Elsewhere torch's own serve: on other devices, for memory that is not channels last, for odd sides, and where gradients are
differentiated again.
benchmarks/bench_dcgan.py times the gain.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, linear, pad

FEW = 4  # channels
WINDOWS_BYTES = 1 << 24  # beyond, the copies cost what the product saves
# Kernel taps that meet even and odd rows (columns) of the doubled side:
# out[2m] = y[m-1]·w[3] + y[m]·w[1], out[2m+1] = y[m]·w[2] + y[m+1]·w[0].
_TAPS = torch.tensor([[3, 1], [2, 0]])


def _few(y: Tensor, weight: Tensor) -> Tensor:
    """y (N, b, h, w), weight (b, a, 4, 4) → (N, a, 2h, 2w), for few a.

    One 2×2 convolution finds all four interleaved images, each a little larger than needed and at its own offset in there.
    """
    n, _, height, width = y.shape
    channels = weight.shape[1]
    kernel = weight[:, :, _TAPS][..., _TAPS].permute(2, 4, 1, 0, 3, 5).reshape(4 * channels, -1, 2, 2)
    parts = conv2d(y, kernel.contiguous(memory_format=torch.channels_last), padding=1)
    parts = parts.permute(0, 2, 3, 1).unflatten(3, (2, 2, channels))
    out = y.new_empty(n, height, 2, width, 2, channels)
    for row in (0, 1):
        for column in (0, 1):
            out[:, :, row, :, column] = parts[:, row : row + height, column : column + width, row, column]
    return out.view(n, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)


def _by_windows(x: Tensor, y: Tensor) -> Tensor:
    """x (N, a, 2h, 2w), y (N, b, h, w) → gradient (b, a, 4, 4) of the kernel: one product with all 4×4 windows of x."""
    n, channels, height, width = x.shape
    padded = pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    of_n, of_row, of_column, of_channel = padded.stride()
    shape, stride = (n, height // 2, width // 2, 4, 4, channels), (of_n, 2 * of_row, 2 * of_column, of_row, of_column, of_channel)
    windows = padded.as_strided(shape, stride).reshape(-1, 16 * channels)
    found = y.permute(0, 2, 3, 1).flatten(0, 2).T @ windows
    return found.view(-1, 4, 4, channels).permute(0, 3, 1, 2)


def _gradients(grad: Tensor, x: Tensor, weight: Tensor, transposed: bool, wanted: Sequence[bool]) -> tuple[Tensor | None, Tensor | None]:
    """torch's own, for x and weight; they can be differentiated again."""
    return torch.ops.aten.convolution_backward(
        grad, x, weight, None, [2, 2], [1, 1], [1, 1], transposed, [0, 0], 1, [*wanted, False]
    )[:2]  # fmt: skip


class _Convolution(torch.autograd.Function):
    """A halving convolution of x, or with `transposed` a doubling one: x, weight, transposed → result without bias."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, transposed: bool) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.transposed = transposed
        if not transposed:
            return conv2d(x, weight, stride=2, padding=1)
        return _few(x, weight) if weight.shape[1] <= FEW else conv_transpose2d(x, weight, stride=2, padding=1)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (x, weight), (of_x, of_weight, _) = ctx.saved_tensors, ctx.needs_input_grad
        if torch.is_grad_enabled():  # create_graph=True
            return *_gradients(grad, x, weight, ctx.transposed, (of_x, of_weight)), None
        grad = grad.contiguous(memory_format=torch.channels_last)
        big, small = (grad, x) if ctx.transposed else (x, grad)
        found_x = found_weight = None
        if of_x and not ctx.transposed and weight.shape[1] <= FEW:
            found_x, of_x = _few(grad, weight), False
        if of_weight and x.dtype == torch.bfloat16 and weight.shape[1] > FEW and 4 * big.numel() * big.element_size() <= WINDOWS_BYTES:
            found_weight, of_weight = _by_windows(big, small), False
        if of_x or of_weight:
            rest = _gradients(grad, x, weight, ctx.transposed, (of_x, of_weight))
            found_x, found_weight = (a if b is None else b for a, b in zip((found_x, found_weight), rest, strict=True))
        return found_x, found_weight, None


def _channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _applied(x: Tensor, weight: Tensor, bias: Tensor | None, transposed: bool) -> Tensor:
    odd = not transposed and any(side % 2 for side in x.shape[2:])  # `_few` makes even sides
    if x.device.type != "cpu" or odd or not _channels_last(x):
        return (conv_transpose2d if transposed else conv2d)(x, weight, bias, stride=2, padding=1)
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        x, weight = x.to(dtype), weight.to(dtype)
    out = _Convolution.apply(x, weight, transposed)
    return out if bias is None else out + bias.to(out.dtype)[:, None, None]


class HalvingConv(nn.Conv2d):
    """(N, a, 2h, 2w) → (N, b, h, w)."""

    def __init__(self, channels_in: int, channels_out: int, *, bias: bool):
        super().__init__(channels_in, channels_out, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return _applied(x, self.weight, self.bias, transposed=False)


class DoublingConv(nn.ConvTranspose2d):
    """(N, a, h, w) → (N, b, 2h, 2w)."""

    def __init__(self, channels_in: int, channels_out: int, *, bias: bool):
        super().__init__(channels_in, channels_out, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return _applied(x, self.weight, self.bias, transposed=True)


class FromPoint(nn.ConvTranspose2d):
    """(N, a, 1, 1) → (N, b, 4, 4), as the one matrix product that it is."""

    def __init__(self, channels_in: int, channels_out: int, *, bias: bool):
        super().__init__(channels_in, channels_out, 4, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not _channels_last(self.weight):
            return super().forward(x)
        out = x.flatten(1) @ self.weight.permute(0, 2, 3, 1).flatten(1)
        out = out.unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        return out if self.bias is None else out + self.bias.to(out.dtype)[:, None, None]


class ToPoint(nn.Conv2d):
    """(N, a, 4, 4) → (N, b, 1, 1), likewise."""

    def __init__(self, channels_in: int, channels_out: int, *, bias: bool):
        super().__init__(channels_in, channels_out, 4, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not _channels_last(self.weight):
            return super().forward(x)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)
        return linear(x.permute(0, 2, 3, 1).flatten(1), weight, self.bias)[:, :, None, None]
