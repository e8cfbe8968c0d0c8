"""Kernel inception distance (Bińkowski et al. 2018): the unbiased squared MMD with k(x, y) = (xᵀy/d + 1)³."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from ganzoo.metrics.features import Array, MetricError, as_rows, same_width

BLOCK = 1024  # rows and columns of a kernel tile
GROUP = 4  # tiles of rows kept ready: with all else below 100 MB at d = 2048
FLOAT32_DIM = 512  # float32 features of fewer dimensions are multiplied in float64: there the product is not what takes the time


def working_dtype(*sides: Tensor) -> torch.dtype:
    """float32 for the products of wide float32 features on a CPU; sums are float64 always. Elsewhere float64."""
    wide = all(x.dtype == torch.float32 and x.shape[1] >= FLOAT32_DIM and x.device.type == "cpu" for x in sides)
    return torch.float32 if wide else torch.float64


def kernel_tiles(x: Tensor, y: Tensor, upper: bool = False) -> Iterator[tuple[int, int, Tensor]]:
    """(i, j, k of each row of tile i of x with each of tile j of y) for x (n, d), y (m, d); i ≤ j only where `upper`."""
    dtype = working_dtype(x, y)
    # oneDNN's product uses the widest vectors on every make of CPU; the BLAS in torch and numpy leave half of them idle on some.
    onednn = dtype == torch.float32 and torch.backends.mkldnn.is_available()

    def operand(rows: Tensor) -> Tensor:
        return rows.to(dtype).to_mkldnn() if onednn else rows.to(dtype)

    tiles_x, tiles_y = x.split(BLOCK), y.split(BLOCK)
    for start in range(0, len(tiles_x), GROUP):  # a copy in oneDNN's layout costs half a product: each serves a whole group
        group = [operand(rows.to(dtype) / x.shape[1]) for rows in tiles_x[start : start + GROUP]]
        for j in range(start if upper else 0, len(tiles_y)):
            columns = operand(tiles_y[j])
            for i, rows in enumerate(group[: j - start + 1] if upper else group, start):
                gram = (linear(rows, columns).to_dense() if onednn else rows @ columns.T).add_(1.0)
                yield i, j, (gram * gram).mul_(gram)


def cross_sum(x: Tensor, y: Tensor) -> float:
    """Σ k(x_i, y_j) over all pairs of x (n, d), y (m, d)."""
    return sum(float(tile.sum(dtype=torch.float64)) for _, _, tile in kernel_tiles(x, y))


def self_sum(x: Tensor) -> float:
    """Σ k(x_i, x_j) over i ≠ j: each tile above the diagonal stands for its mirror image too."""
    total = 0.0
    for i, j, tile in kernel_tiles(x, x, upper=True):
        if i == j:
            tile.diagonal().zero_()
        total += (1 if i == j else 2) * float(tile.sum(dtype=torch.float64))
    return total


def self_term(features: Array) -> float:
    """Mean of k over pairs of different rows of (n, d); n ≥ 2. What `kid` takes as `real_term`."""
    x = as_rows(features, "given", least=2, purpose="KID")
    return self_sum(x) / (len(x) * (len(x) - 1))


def kid(real: Array, fake: Array, real_term: float | None = None) -> float:
    """Unbiased MMD² over all pairs of features (n, d), (m, d); may be slightly negative. `real_term`: a known self_term(real).

    Summed in float64. Products are float64 too, but for float32 features of at least FLOAT32_DIM dimensions on a CPU, where the
    result is within 1e-8 of the kernel's mean. MetricError for NaN, infinity, fewer than 2 rows a side or different d.
    """
    real, fake = as_rows(real, "real", least=2, purpose="KID"), as_rows(fake, "fake", least=2, purpose="KID")
    same_width(real, fake)
    cross = cross_sum(fake, real.to(fake.device)) / (len(real) * len(fake))
    return (self_term(real) if real_term is None else real_term) + self_term(fake) - 2 * cross


@dataclass(frozen=True)
class KidSubsets:
    """Mean and std (ddof 0) over subsets. The std tells how subsets differ; it is no standard error of the mean."""

    mean: float
    std: float
    each: tuple[float, ...]


def kid_subsets(real: Array, fake: Array, subsets: int = 100, size: int = 1000, seed: int = 2020) -> KidSubsets:
    """The form most papers report: KID of `subsets` random subsets of `size` rows from each side, without replacement.

    Drawn as torch-fidelity 0.4 draws them (numpy's frozen RandomState, the fakes first), so that values compare one to one.
    """
    real, fake = as_rows(real, "real"), as_rows(fake, "fake")
    same_width(real, fake)
    if subsets < 1 or size < 2:
        raise MetricError(f"{subsets} subsets of {size} rows, expected at least 1 of 2. The common choice is 100 of 1000.")
    for name, x in (("real", real), ("fake", fake)):
        if len(x) < size:
            wanted = f"subsets of {size} rows need at least {size} {name} samples"
            raise MetricError(f"{wanted}, got {len(x)}. Give more images or size={len(x)}.")
    random = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        chosen_fake = torch.from_numpy(random.choice(len(fake), size, replace=False)).to(fake.device)
        chosen_real = torch.from_numpy(random.choice(len(real), size, replace=False)).to(real.device)
        values.append(kid(real[chosen_real], fake[chosen_fake]))
    return KidSubsets(float(np.mean(values)), float(np.std(values)), tuple(values))
