"""Improved precision and recall (Kynkäänniemi et al. 2019): k-nearest-neighbour balls around each side's features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.metrics.features import Array, MetricError, as_rows, same_width

BLOCK = 1000  # rows of a tile of distances
WIDTH = 1024  # and its columns: 8 MB of float64, which caches hold
ROUNDING = 1e-12  # of |x|² + |y|²: far more than |x|² + |y|² - 2xᵀy loses in float64, far less than distances differ by
PAIRS = 4096  # pairs whose distance is taken anew at once


def tiles(rows: Tensor, y: Tensor, mean: Tensor) -> Iterator[tuple[int, Tensor, float]]:
    """(first column, |x_i - y_j|² (b, c) float64, what rounding may have moved it by) of rows x (b, d) and all of y (m, d).

    `mean` (d,) is taken off both: distances stay, and |x|² + |y|² - 2xᵀy loses no digits to a mean far from zero.
    """
    x = rows.to(torch.float64) - mean
    size_x = x.square().sum(1)
    for j in range(0, len(y), WIDTH):
        columns = y[j : j + WIDTH].to(torch.float64) - mean
        size_y = columns.square().sum(1)
        squared = torch.addmm(size_y[None], x, columns.T, alpha=-2).add_(size_x[:, None])
        yield j, squared, ROUNDING * float(size_x.max() + size_y.max())


def distances(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_i| (n,) float64 of paired rows by their differences: the same for the same two points wherever they stand."""
    return (x.to(torch.float64) - y.to(torch.float64)).square().sum(1).sqrt()


def mean_of(x: Tensor) -> Tensor:
    return x.mean(0, dtype=torch.float64)


def radii(features: Array, k: int) -> Tensor:
    """Distance (n,) float64 of each row of (n, d) to its k-th nearest other row; n > k."""
    x = as_rows(features, "given")
    if k < 1 or len(x) <= k:
        raise MetricError(f"{k} neighbours need more than {max(k, 1)} samples, got {len(x)}. Give more images, or 1 ≤ k < {len(x)}.")
    mean, found = mean_of(x), []
    for i in range(0, len(x), BLOCK):
        rows, nearest, where = x[i : i + BLOCK], [], []
        for j, squared, _ in tiles(rows, x, mean):
            if -len(rows) < i - j < squared.shape[1]:
                squared.diagonal(i - j).fill_(torch.inf)  # a row is not its own neighbour
            best = squared.topk(min(k, squared.shape[1]), dim=1, largest=False)
            nearest.append(best.values), where.append(best.indices + j)
        chosen = torch.cat(where, 1).gather(1, torch.cat(nearest, 1).topk(k, dim=1, largest=False).indices)  # (b, k)
        found.append(torch.stack([distances(rows, x[column]) for column in chosen.T]).amax(0))
    return torch.cat(found)


@dataclass(frozen=True)
class Neighbourhoods:
    """What one pass over all pairs of a real and a fake tells; rims count as inside."""

    balls_around_fakes: Tensor  # (m,) how many balls of reals each fake lies in
    reals_reached: Tensor  # (n,) whether a real's ball holds any fake
    reals_covered: Tensor | None  # (n,) whether a real lies in any fake's ball


def neighbourhoods(real: Tensor, fake: Tensor, real_radii: Tensor, fake_radii: Tensor | None = None) -> Neighbourhoods:
    """real (n, d), fake (m, d) of any float dtype, and the radii of their balls, float64."""
    mean, counts = mean_of(real), []
    reached = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    covered = None if fake_radii is None else torch.zeros_like(reached)
    for i in range(0, len(fake), BLOCK):
        rows = fake[i : i + BLOCK]
        counts.append(torch.zeros(len(rows), dtype=torch.long, device=fake.device))
        for j, squared, rounding in tiles(rows, real, mean):
            columns = slice(j, j + squared.shape[1])
            inside = within(squared, real_radii[columns][None], rounding, rows, real[columns])
            counts[-1] += inside.sum(1)
            reached[columns] |= inside.any(0)
            if covered is not None:
                covered[columns] |= within(squared, fake_radii[i : i + BLOCK][:, None], rounding, rows, real[columns]).any(0)
    return Neighbourhoods(torch.cat(counts), reached, covered)


def within(squared: Tensor, radius: Tensor, rounding: float, x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j| ≤ radius for a tile (b, c). What rounding could tip is looked at again, by the difference itself."""
    limit = radius.square()
    inside = squared <= limit - rounding
    unsure = (squared <= limit + rounding).logical_xor_(inside)
    for pairs in unsure.nonzero().split(PAIRS):
        i, j = pairs.T
        inside[i, j] = distances(x[i], y[j]) <= radius.expand_as(squared)[i, j]
    return inside


def sides_of(real: Array, fake: Array, k: int, real_radii: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Both sides checked, and the reals' radii, known or not: all of it where the fakes are."""
    real, fake = as_rows(real, "real"), as_rows(fake, "fake")
    same_width(real, fake)
    real = real.to(fake.device)
    if real_radii is None:
        return real, fake, radii(real, k)
    if real_radii.shape != (len(real),):
        raise MetricError(f"known radii of shape {tuple(real_radii.shape)} for {len(real)} reals. Give radii(real, k) of just these reals.")
    return real, fake, real_radii.to(fake.device, torch.float64)


def precision_recall(real: Array, fake: Array, k: int = 3, real_radii: Tensor | None = None) -> tuple[float, float]:
    """(precision, recall) of features (n, d), (m, d); float64. `real_radii`: known radii(real, k). MetricError where n or m ≤ k."""
    real, fake, real_radii = sides_of(real, fake, k, real_radii)
    found = neighbourhoods(real, fake, real_radii, radii(fake, k))
    return float((found.balls_around_fakes > 0).double().mean()), float(found.reals_covered.double().mean())
