"""Which Gaussian of `ring` or `grid` a point lies in: no network and no weights, so that modes are counted exactly.

The features are the coordinates. The logits are -d²/(2 sd²) for the distance d to each mode, and a last one, "none of them", of
-3²/2: the largest is the nearest mode for points within 3 sd of one (the high-quality samples of Srivastava et al. 2017, §5), and none
for all others. A point of the mixture lies within 3 sd of its own mode with probability 1 - exp(-9/2) = 0.9889.
"""

from __future__ import annotations

import hashlib
import json

import torch
from torch import Tensor

from ganzoo.data.points import MIXTURES, Mixture
from ganzoo.metrics.extractors.base import POINTS, Extractor

WITHIN = 3.0  # standard deviations
CHUNK = 10_000
SET_OF = {f"{name}-modes": name for name in MIXTURES}


def names() -> list[str]:
    return list(SET_OF)


def facts(name: str) -> dict:
    """All that decides what it gives."""
    return {
        "channels": 2,
        "size": (1, 1),
        "dim": 2,
        "classes": len(MIXTURES[SET_OF[name]].centres),
        "chunk": CHUNK,
        "preprocessing": f"none: coordinates; in a mode within {WITHIN:g} sd of it",
        "dead": 0,
        "measures": POINTS,
        "none": True,
        "points": True,
    }


def card(name: str) -> dict:
    return {"name": name, "sha256": _digest(MIXTURES[SET_OF[name]]), **facts(name), "source": "computed", "licence": "ganzoo's own"}


def _digest(mixture: Mixture) -> str:
    constants = {"centres": mixture.centres, "sd": mixture.sd, "within": WITHIN}
    return hashlib.sha256(json.dumps(constants, sort_keys=True).encode()).hexdigest()


def load(name: str, device: torch.device) -> Extractor:
    mixture = MIXTURES[SET_OF[name]]
    centres = torch.tensor(mixture.centres, dtype=torch.float64, device=device)  # (K, 2)

    def network(x: Tensor) -> tuple[Tensor, Tensor]:
        features = x.flatten(1)  # (N, 2)
        apart = (features.double()[:, None] - centres) / mixture.sd  # (N, K, 2): differences, as |x|² + |c|² - 2xc would lose digits
        near = apart.square().sum(2) / -2
        none = near.new_full((len(near), 1), -(WITHIN**2) / 2)
        return features, torch.cat((near, none), 1).float()  # (N, K + 1)

    return Extractor(name, _digest(mixture), **facts(name), network=network, device=device)
