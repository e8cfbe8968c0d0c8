"""Improved precision and recall (Kynkäänniemi et al. 2019): k-nearest-neighbour balls around each side's features."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 1000


def radii(features: Tensor, k: int) -> Tensor:
    """Distance (n,) of each row of (n, d) to its k-th nearest other row; n > k."""
    if len(features) <= k:
        raise ValueError(f"{k} neighbours need more than {k} samples, got {len(features)}")
    # The k+1 smallest include the row itself at distance zero.
    return torch.cat([torch.cdist(rows, features).topk(k + 1, dim=1, largest=False).values[:, -1] for rows in features.split(BLOCK)])


def share_covered(queries: Tensor, centres: Tensor, centre_radii: Tensor) -> float:
    """Share of the rows of `queries` that lie in at least one ball around `centres`."""
    inside = [(torch.cdist(rows, centres) <= centre_radii).any(1) for rows in queries.split(BLOCK)]
    return float(torch.cat(inside).double().mean())


def precision_recall(real: Tensor, fake: Tensor, k: int = 3, real_radii: Tensor | None = None) -> tuple[float, float]:
    """(precision, recall) of features (n, d), (m, d), both in float32. `real_radii`: known radii(real, k)."""
    real, fake = real.float(), fake.float()
    real_radii = radii(real, k) if real_radii is None else real_radii
    return share_covered(fake, real, real_radii), share_covered(real, fake, radii(fake, k))
