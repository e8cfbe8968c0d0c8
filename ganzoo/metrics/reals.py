"""The real side of a protocol: extracted once a process, with the terms that no fake changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ganzoo import data
from ganzoo.errors import DataError
from ganzoo.metrics.classifier import load_extractor
from ganzoo.metrics.kid import self_term
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.precision_recall import radii
from ganzoo.metrics.protocol import Protocol

CHUNK = 1000  # images through the extractor at once


@dataclass(frozen=True)
class Reals:
    """Features (n, d) float32 and what follows from them."""

    features: Tensor
    moments: Moments
    kid_term: float
    near: Tensor  # the first num_neighbours features
    near_radii: Tensor


@cache
def reals_of(name: str, split: str, extractor: str, device: str, num_neighbours: int, neighbours: int) -> Reals:
    images = data.load(name, split).images
    network = load_extractor(extractor, device)
    if tuple(images.shape[1:]) != network.image:
        held = f"{name} holds images of shape {tuple(images.shape[1:])}"
        raise DataError(f"{held}, but {extractor} reads {network.image}. Choose a protocol made for them.")
    features = torch.cat([network(chunk.to(device))[0].cpu() for chunk in images.split(CHUNK)])
    near = features[:num_neighbours]
    return Reals(features, Moments(features.shape[1]).add(features), self_term(features), near, radii(near, neighbours))


def reals_for(protocol: Protocol, device: str = "cpu") -> Reals:
    return reals_of(protocol.real_data, protocol.real_split, protocol.extractor, device, protocol.num_neighbours, protocol.neighbours)
