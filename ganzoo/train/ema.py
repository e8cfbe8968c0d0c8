"""An exponential moving average of the generator (Yazıcı et al. 2019), evaluated in its stead."""

from __future__ import annotations

import copy

import torch
from torch import nn


class EMA:
    """θ' ← decay·θ' + (1 - decay)·θ after each G update; buffers (batch statistics) are copied."""

    def __init__(self, net: nn.Module, decay: float):
        self.decay, self.source = decay, net
        self.net = copy.deepcopy(net).requires_grad_(False)
        self.targets, self.sources = list(self.net.parameters()), [p.data for p in net.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        torch._foreach_lerp_(self.targets, self.sources, 1.0 - self.decay)
        for target, source in zip(self.net.buffers(), self.source.buffers(), strict=True):
            target.copy_(source)
