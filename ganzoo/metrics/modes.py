"""Which classes the fakes reach: counting modes by a classifier (as in Srivastava et al. 2017, VEEGAN, §5)."""

from __future__ import annotations

import torch

from ganzoo.metrics.features import Array, MetricError, as_rows


def mode_coverage(logits: Array, least_share: float) -> tuple[int, float]:
    """(classes reached, entropy in nats of the shares) of the predicted labels of logits (n, k).

    A class is reached when at least `least_share` of the fakes are taken for it, so that stray mistakes do not count.
    """
    logits = as_rows(logits, "given", purpose="mode coverage", what="logits")
    if not 0 <= least_share <= 1:
        raise MetricError(f"a least share of {least_share}, expected between 0 and 1: 0.01 counts a class from 1 % of the fakes on.")
    return coverage_of_counts(torch.bincount(logits.argmax(1), minlength=logits.shape[1]), least_share)


def coverage_of_counts(counts: torch.Tensor, least_share: float) -> tuple[int, float]:
    """The same from how often each class (k,) was predicted."""
    shares = counts.to(torch.float64) / counts.sum()
    positive = shares[shares > 0]
    return int((shares >= least_share).sum()), float((positive * -positive.log()).sum())
