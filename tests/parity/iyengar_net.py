"""A tiny stand-in for Inception with its interface to pixels: colour, any size, resized inside; random weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

SIDE = 16  # Inception's 299


class TinyInception(nn.Module):
    """(N, 3, H, W) in any range → features (N, 12), logits (N, 7)."""

    dim, channels, size, chunk = 12, 3, None, 128

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 16, 3, stride=2), nn.Conv2d(16, 12, 3), nn.Linear(12, 7)
        random = torch.Generator().manual_seed(4)
        with torch.no_grad():
            for weight in self.parameters():
                weight.normal_(0, 0.3, generator=random)
            self.head.weight.mul_(8)  # opinions that differ, so that the score is well above 1

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)
        features = self.second(self.first(x).relu()).square().mean((2, 3)).sqrt()  # none is ever 0 throughout
        return features, self.head(features.log())
