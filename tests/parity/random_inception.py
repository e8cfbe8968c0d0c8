"""Inceptions with random weights, written as the published files are, for tests of the plumbing: what the numbers mean is not tested.

Convolutions by Kaiming's rule, and batch norms that shift and scale: with the default start all features collapse to one.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn


def randomise(net: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02, generator=generator)
            nn.init.normal_(module.bias, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, std=0.2, generator=generator)
    return net.eval()


def publish(monkeypatch: pytest.MonkeyPatch, extractor, path: Path) -> None:
    """Lets `extractor` (its module) take the file at `path` for the published one."""
    content = path.read_bytes()
    known = replace(extractor.WEIGHTS, sha256=hashlib.sha256(content).hexdigest(), size=len(content), name=path.name)
    monkeypatch.setattr(extractor, "WEIGHTS", known)
    monkeypatch.setenv("GANZOO_WEIGHTS", str(path))


def images(count: int, side: int, seed: int = 0) -> Tensor:
    """uint8 (count, 3, side, side): smooth pictures of several colours with noise on them, so that features differ between them."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=False)
    return ((0.8 * smooth + 0.2 * torch.rand(count, 3, side, side, generator=generator)) * 255).to(torch.uint8)


@torch.no_grad()
def worst_relative(ours: Tensor, theirs: Tensor) -> float:
    """Largest error of a row, relative to the row's length."""
    return float(((ours.double() - theirs.double()).norm(dim=1) / theirs.double().norm(dim=1)).max())
