"""How stored pixels reach the network under a protocol: the extractor's own way, or an evaluator's odd one."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from ganzoo.metrics.extractors.base import Extractor
from ganzoo.metrics.protocol import Protocol

# torchvision's `transform_input`: x · std / 0.5 + (mean - 0.5) / 0.5 per channel, with ImageNet's mean and std.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@cache
def _shift(device: torch.device) -> tuple[Tensor, Tensor]:
    scale = torch.tensor(STD, device=device).div(0.5).view(3, 1, 1)
    return scale, torch.tensor(MEAN, device=device).sub(0.5).div(0.5).view(3, 1, 1)


def ranged(images: Tensor, to: tuple[float, float]) -> Tensor:
    """uint8 images as floats, 0..255 mapped linearly on `to`."""
    return images.float().mul_((to[1] - to[0]) / 255.0).add_(to[0])


def _looked(network: Extractor, protocol: Protocol, images: Tensor, to: tuple[float, float] | None) -> tuple[Tensor, Tensor]:
    if to is None:
        return network(images)
    x = ranged(images, to)
    if protocol.channel_shift:
        scale, offset = _shift(x.device)
        x = x * scale + offset  # before the resize, which commutes with it
    return network.embed(x)


def look_at_reals(network: Extractor, protocol: Protocol, images: Tensor) -> Tensor:
    """Features (n, d) of real uint8 images, or points."""
    return _looked(network, protocol, images, protocol.real_range)[0]


def classify_reals(network: Extractor, protocol: Protocol, images: Tensor) -> tuple[Tensor, Tensor]:
    """The same and what each is taken for, (n,) int64; zeros where the network knows no classes."""
    features, logits = _looked(network, protocol, images, protocol.real_range)
    return features, logits.argmax(1) if network.classes else torch.zeros(len(features), dtype=torch.long)


def look_at_fakes(network: Extractor, protocol: Protocol, images: Tensor, *, score: bool = True) -> tuple[Tensor, Tensor]:
    """Features (n, d) and logits (n, k) of generated uint8 images, or points; one pass through the network unless the protocol wants two.

    Without `score` logits that would take a pass of their own are left out: (n, 0).
    """
    if protocol.fake_range == protocol.score_range and not (protocol.channel_shift and protocol.fake_range):
        return network(images) if protocol.fake_range is None else network.embed(ranged(images, protocol.fake_range))
    features = _looked(network, protocol, images, protocol.fake_range)[0]
    if not (network.classes and score):
        return features, features.new_empty(len(images), 0)
    logits = network(images) if protocol.score_range is None else network.embed(ranged(images, protocol.score_range))
    return features, logits[1]
