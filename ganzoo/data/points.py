"""`ring` and `grid`: points of the plane from mixtures of Gaussians whose modes are known, so that what a generator misses can be counted.

ring: 8 Gaussians evenly on the circle of radius 1, variance 0.0001. grid: 25 Gaussians at (-4 + 2i, -4 + 2j), variance 0.0025.
Layout and variances as in Lin et al., "PacGAN: The power of two samples in generative adversarial networks" (2018), arXiv 1712.04086,
§4.1, after Srivastava et al., "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning" (2017), arXiv 1705.07761.
How many points are drawn, and with which seed, is the suite's own. All modes are equally likely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ganzoo.data.raw_set import RawSet, raw_set

SIZE = {"train": 50_000, "test": 10_000}  # points
SEED = {"train": 0, "test": 1}


@dataclass(frozen=True)
class Mixture:
    """Gaussians of one standard deviation `sd` around `centres`."""

    centres: tuple[tuple[float, float], ...]
    sd: float
    reach: float  # pictures show [-reach, reach] of both axes

    @property
    def classes(self) -> tuple[str, ...]:
        """The modes by number, in the order of `centres`."""
        return tuple(str(mode) for mode in range(len(self.centres)))


def _on_circle(part: float) -> tuple[float, float]:
    """Rounded, so that every machine's cosine gives the same; + 0.0 turns -0.0 into 0.0."""
    return round(math.cos(2 * math.pi * part), 12) + 0.0, round(math.sin(2 * math.pi * part), 12) + 0.0


MIXTURES = {
    "ring": Mixture(tuple(_on_circle(i / 8) for i in range(8)), sd=0.01, reach=1.5),
    "grid": Mixture(tuple((-4.0 + 2 * i, -4.0 + 2 * j) for i in range(5) for j in range(5)), sd=0.05, reach=5.0),
}


def load_points(name: str, split: str) -> RawSet:
    """One split of `ring` or `grid`: float32 (N, 2, 1, 1), labels the modes that the points were drawn from."""
    mixture, count = MIXTURES[name], SIZE[split]
    random = np.random.RandomState(SEED[split])  # this generator's stream is frozen across numpy versions
    labels = random.randint(0, len(mixture.centres), count).astype(np.int64)
    points = np.array(mixture.centres)[labels] + mixture.sd * random.randn(count, 2)
    return raw_set(points.astype(np.float32).reshape(count, 2, 1, 1), labels, mixture.classes)
