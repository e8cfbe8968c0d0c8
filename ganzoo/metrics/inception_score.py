"""Inception score (Salimans et al. 2016): exp of the mean KL(p(y|x) ‖ p(y)), on whichever classifier's logits are given."""

from __future__ import annotations

import torch
from torch import Tensor


def inception_score(logits: Tensor, splits: int) -> tuple[float, float, list[float]]:
    """(mean, std with ddof 0, each split) of logits (n, k) cut into `splits` contiguous parts; float64."""
    if len(logits) < splits:
        raise ValueError(f"{splits} splits need at least {splits} samples, got {len(logits)}")
    log_p = torch.log_softmax(logits.to(torch.float64), 1)
    n = len(log_p)
    scores = []
    for i in range(splits):
        part = log_p[i * n // splits : (i + 1) * n // splits]
        marginal = part.exp().mean(0)
        kl = (part.exp() * (part - marginal.clamp(min=torch.finfo(torch.float64).tiny).log())).sum(1).mean()
        scores.append(float(kl.exp()))
    values = torch.tensor(scores, dtype=torch.float64)
    return float(values.mean()), float(values.std(correction=0)), scores
