"""Self-attention on maps: every place sees every other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, scaled_dot_product_attention

from ganzoo.layers.initialise import initialise
from ganzoo.layers.recomputed import Recomputable


class NonLocalBlock(Recomputable):
    """x + γ·o(x), γ at first 0; (N, C, H, W) both ways (Zhang et al. 2019, eq. 1-3).

    At place j, o = Σᵢ softmaxᵢ(q(x)ⱼᵀ k(x)ᵢ) v(x)ᵢ; q, k and v are 1×1 convolutions, q and k to C/8 channels (one at least).
    `pooled` false: v to C channels, as *iyengar*'s code has it (`model/blocks.py`), with its first weights.
    `pooled` true: k and v are max-pooled 2×2, v has C/2 channels and a 1×1 convolution leads back to C (Brock et al. 2019's code).
    `bias`: of the convolutions. `spectral` false: spectral norm passes the block over.
    """

    def __init__(self, channels: int, *, pooled: bool, bias: bool = False, spectral: bool = True):
        super().__init__()
        inner, value = max(1, channels // 8), max(1, channels // 2) if pooled else channels
        self.pooled, self.spectral = pooled, spectral
        self.query = nn.Conv2d(channels, inner, 1, bias=bias)
        self.key = nn.Conv2d(channels, inner, 1, bias=bias)
        self.value = nn.Conv2d(channels, value, 1, bias=bias)
        self.out = nn.Conv2d(value, channels, 1, bias=bias) if pooled else nn.Identity()
        self.gamma = nn.Parameter(torch.zeros(1))
        if not pooled:
            initialise(self, "glorot-uniform")

    def compute(self, x: Tensor) -> Tensor:
        query, key, value = self.query(x), self.key(x), self.value(x)
        if self.pooled:
            key, value = max_pool2d(key, 2), max_pool2d(value, 2)
        query, key, value = (y.flatten(2).mT.contiguous()[:, None] for y in (query, key, value))  # (N, 1, places, channels)
        found = scaled_dot_product_attention(query, key, value, scale=1.0)[
            :, 0
        ].mT  # where a kernel for it exists, without a matrix of places × places
        return torch.addcmul(x, self.out(found.unflatten(2, x.shape[2:])), self.gamma)
