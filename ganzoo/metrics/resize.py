"""The resizes that evaluators put before their networks. They differ enough to move a distance, so each has a name.

All take floats (N, C, H, W) of any range and give (N, C, *size); none clamps or rounds.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate

Size = tuple[int, int]


def tf1_bilinear(x: Tensor, size: Size) -> Tensor:
    """Bilinear as in TensorFlow 1.x with `align_corners` off: output i reads at i · in/out, without the half-pixel shift.

    So the picture sits towards the upper left and its last row and column are repeated. One axis after the other, each a gather of two
    neighbours: the same arithmetic, in the same order, as torch-fidelity's `interpolate_bilinear_2d_like_tensorflow1x`, but with the
    channels innermost, where it takes a sixth of the time. The result is laid out channels last.
    """
    x = x.permute(0, 2, 3, 1).contiguous()  # (N, H, W, C)
    for axis in (2, 1):
        low, high, share = _neighbours(x.shape[axis], size[axis - 1], axis, x.dtype, x.device)
        at_low = x.index_select(axis, low)
        x = x.index_select(axis, high).sub_(at_low).mul_(share).add_(at_low)
    return x.permute(0, 3, 1, 2)


@lru_cache(maxsize=64)
def _neighbours(length: int, wanted: int, axis: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of both neighbours and the upper one's share, the latter shaped to broadcast along `axis` of (N, H, W, C)."""
    with torch.inference_mode(False):  # they outlive the call, and a later one may want gradients
        position = torch.arange(wanted, dtype=dtype, device=device) * torch.tensor(length / wanted, dtype=dtype)
        low = position.long().clamp_max_(length - 1)
        share = (position - low).view(-1, *[1] * (3 - axis))
        return low, (low + 1).clamp_max_(length - 1), share


def pil_bicubic(x: Tensor, size: Size) -> Tensor:
    """Bicubic as Pillow resizes float images: antialiased, a = -0.5. It overshoots: clamp where the range matters."""
    return interpolate(x, size, mode="bicubic", align_corners=False, antialias=True)


def torch_bilinear(x: Tensor, size: Size) -> Tensor:
    """Bilinear between pixel centres, without antialiasing: torch's default, so aliased when it shrinks."""
    return interpolate(x, size, mode="bilinear", align_corners=False)
