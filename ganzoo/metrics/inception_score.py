"""Inception score (Salimans et al. 2016): exp of the mean KL(p(y|x) ‖ p(y)), on whichever classifier's logits are given."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.metrics.features import Array, MetricError, as_rows


def split_labels(count: int, splits: int) -> Tensor:
    """The split (count,) of each sample: contiguous parts, as equal as they can be."""
    if splits < 1 or count < splits:
        raise MetricError(f"{splits} splits need at least {max(splits, 1)} samples, got {count}. Give more images or fewer splits.")
    edges = torch.arange(1, splits) * count // splits
    return torch.bucketize(torch.arange(count), edges, right=True)


def checked_order(order: Array, count: int) -> Tensor:
    """`order` as a tensor; MetricError unless it is a permutation of 0 … count - 1."""
    order = torch.as_tensor(order).cpu()
    if order.shape != (count,) or not torch.equal(order.sort().values, torch.arange(count)):
        raise MetricError(f"an order of shape {tuple(order.shape)} is no permutation of {count} samples. Give torch.randperm({count}).")
    return order


class InceptionScore:
    """The score of logits that arrive in batches and need not be kept: for each split n, Σ p and Σ p log p, in float64.

    How many there will be is said first, since the splits follow from it. `order` as in `inception_score`.
    """

    def __init__(self, count: int, splits: int = 10, order: Array | None = None):
        self.labels, self.splits, self.seen = split_labels(count, splits), splits, 0
        if order is not None:  # sample order[i] is the i-th of the cut
            self.labels = torch.empty_like(self.labels).scatter_(0, checked_order(order, count), self.labels)
        self.p: Tensor | None = None  # (splits, k)
        self.p_log_p = torch.zeros(splits, dtype=torch.float64)

    def add(self, logits: Array) -> InceptionScore:
        """Takes in the next batch (n, k)."""
        logits = as_rows(logits, "given", least=0, what="logits").to(torch.float64).cpu()
        if self.seen + len(logits) > len(self.labels):
            found = f"{self.seen + len(logits)} samples were given, expected {len(self.labels)}"
            raise MetricError(f"{found}. Start InceptionScore with the number there will be.")
        if self.p is None:
            self.p = torch.zeros(self.splits, logits.shape[1], dtype=torch.float64)
        if logits.shape[1] != self.p.shape[1]:
            raise MetricError(f"logits of {logits.shape[1]} classes after {self.p.shape[1]}, expected the same. Use one classifier.")
        labels = self.labels[self.seen : self.seen + len(logits)]
        log_p = torch.log_softmax(logits, 1)
        p = log_p.exp()
        self.p.index_add_(0, labels, p)
        self.p_log_p.index_add_(0, labels, (p * log_p).sum(1))
        self.seen += len(logits)
        return self

    def result(self) -> tuple[float, float, list[float]]:
        """(mean, std with ddof 0, each split), once all samples are in."""
        if self.seen != len(self.labels):
            raise MetricError(f"{self.seen} of {len(self.labels)} samples were given. Add the rest, or start with the right number.")
        n = torch.bincount(self.labels, minlength=self.splits)
        marginal = self.p / n[:, None]
        values = (self.p_log_p / n - torch.xlogy(marginal, marginal).sum(1)).exp()
        return float(values.mean()), float(values.std(correction=0)), values.tolist()


def inception_score(logits: Array, splits: int = 10, order: Array | None = None) -> tuple[float, float, list[float]]:
    """(mean, std with ddof 0, each split) of logits (n, k) cut into `splits` contiguous parts; float64.

    `order` (n,): cut logits[order] instead. torch-fidelity's is `numpy.random.RandomState(2020).permutation(n)`.
    """
    log_p = torch.log_softmax(as_rows(logits, "given", what="logits").to(torch.float64), 1)
    labels = split_labels(len(log_p), splits)
    if order is not None:
        log_p = log_p[checked_order(order, len(log_p)).to(log_p.device)]
    scores = []
    for part in log_p.split(torch.bincount(labels).tolist()):
        marginal = part.exp().mean(0)
        kl = (part.exp() * (part - marginal.clamp(min=torch.finfo(torch.float64).tiny).log())).sum(1).mean()
        scores.append(float(kl.exp()))
    values = torch.tensor(scores, dtype=torch.float64)
    return float(values.mean()), float(values.std(correction=0)), scores
