"""Which classes the fakes reach: counting modes by a classifier (as in Srivastava et al. 2017, VEEGAN, §5)."""

from __future__ import annotations

import torch

from ganzoo.metrics.features import Array, MetricError, as_rows

FEWEST = 0.5  # reals that a class counts for where none was found


def mode_coverage(logits: Array, least_share: float) -> tuple[int, float]:
    """(classes reached, entropy in nats of the shares) of the predicted labels of logits (n, k).

    A class is reached when at least `least_share` of the fakes, and at least one, are taken for it, so that stray mistakes do not count.
    """
    logits = as_rows(logits, "given", purpose="mode coverage", what="logits")
    if not 0 <= least_share <= 1:
        raise MetricError(f"a least share of {least_share}, expected between 0 and 1: 0.01 counts a class from 1 % of the fakes on.")
    return coverage_of_counts(torch.bincount(logits.argmax(1), minlength=logits.shape[1]), least_share)


def coverage_of_counts(counts: torch.Tensor, least_share: float, none: bool = False) -> tuple[int, float]:
    """The same from how often each class (k,) was predicted.

    With `none` the last of them stands for no class: it is not reached, and the entropy is that of the others' shares among themselves,
    0 where nothing lies in any.
    """
    total, counts = counts.sum(), counts[:-1] if none else counts
    reached = (counts > 0) & (counts.to(torch.float64) / total >= least_share)
    shares = counts[counts > 0].to(torch.float64) / counts.sum()
    return int(reached.sum()), float((shares * -shares.log()).sum())


def share_in_modes(counts: torch.Tensor) -> float:
    """The share of what lies in some mode, of counts (k + 1,) whose last is that of none."""
    return int(counts[:-1].sum()) / int(counts.sum())


def as_independent(counts: torch.Tensor, parts: int) -> torch.Tensor:
    """Expected counts (k,) where a class is a combination of `parts` independent labels, as the digits of a stack are.

    Each label's own shares are known far better than those of the k combinations: the product of the margins in place of the counts.
    """
    if parts == 1:
        return counts
    side = round(len(counts) ** (1 / parts))
    table = counts.to(torch.float64).view([side] * parts)
    expected = table.sum()
    for part in range(parts):
        margin = table.sum([axis for axis in range(parts) if axis != part]) / table.sum()
        expected = expected[..., None] * margin
    return expected.flatten()


def mode_divergence(fake: torch.Tensor, real: torch.Tensor, none: bool = False) -> float:
    """KL(fakes' shares ‖ reals' shares) in nats, of how often each class (k,) was predicted on either side, or is expected on the reals'.

    With `none` the last of them stands for no class and is left out on both sides: what lies in none is `share_in_modes`' affair. Fakes of
    which none lies in a class count as if all lay in the rarest, which is the largest number that there is.

    A class that no real was taken for counts as FEWEST reals, so that the number stays finite. It is biased: for fakes of the reals' own
    law it is about (k - 1)/2 · (1/n_fake + 1/n_real), not 0, and (k - 1)/(2 n_fake) against expected counts.
    """
    if fake.shape != real.shape:
        raise MetricError(f"counts of {len(fake)} classes of the fakes, {len(real)} of the reals: expected the same. Use one classifier.")
    if none:
        fake, real = fake[:-1], real[:-1]
    q = real.to(torch.float64).clamp(min=FEWEST)
    q = q / q.sum()
    if not bool(fake.any()):
        return -float(q.min().log())
    p = fake.to(torch.float64) / fake.sum()
    return max(0.0, float(torch.special.xlogy(p, p / q).sum()))  # rounding may leave -1e-17
