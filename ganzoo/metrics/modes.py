"""Which classes the fakes reach: counting modes by a classifier (as in Srivastava et al. 2017, VEEGAN, §5)."""

from __future__ import annotations

import torch
from torch import Tensor


def mode_coverage(logits: Tensor, least_share: float) -> tuple[int, float]:
    """(classes reached, entropy in nats of the shares) of the predicted labels of logits (n, k).

    A class is reached when at least `least_share` of the fakes are taken for it, so that stray mistakes do not count.
    """
    shares = torch.bincount(logits.argmax(1), minlength=logits.shape[1]).to(torch.float64) / len(logits)
    positive = shares[shares > 0]
    return int((shares >= least_share).sum()), float((positive * -positive.log()).sum())
