"""Our distances against clean-fid's, on the same features. Only its array functions are called: no weights, no network, no files."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest
import torch

from ganzoo.metrics import Moments, frechet_distance, frechet_of_features, kid

cleanfid = pytest.importorskip("cleanfid.fid", reason="clean-fid, the library compared with, is not installed")

SCIPY = tuple(int(part) for part in version("scipy").split(".")[:2])
needs_older_scipy = pytest.mark.skipif(
    SCIPY >= (1, 18), reason="clean-fid 0.1.35 calls scipy.linalg.sqrtm(disp=), which scipy 1.18 removed"
)


def two_samples(n: int, m: int, dim: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.RandomState(seed)
    x = random.randn(n + m, dim) @ random.randn(dim, dim) / np.sqrt(dim)
    return torch.from_numpy(x[:n]), torch.from_numpy(x[n:] * 1.3 + 0.5)


@needs_older_scipy
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("n", "m", "dim", "tolerance"),
    [(500, 400, 32, {"rel": 1e-6}), (300, 300, 128, {"rel": 1e-6}), (20, 300, 64, {"abs": 1e-4}), (30, 30, 64, {"abs": 1e-4})],
    ids=["more", "just-more", "one-side-fewer", "fewer"],
)
def test_frechet(n, m, dim, tolerance):
    x, y = two_samples(n, m, dim)
    theirs = cleanfid.frechet_distance(*(part for side in (x, y) for part in (side.numpy().mean(0), np.cov(side.numpy(), rowvar=False))))
    assert frechet_distance(Moments(dim).add(x), Moments(dim).add(y)) == pytest.approx(theirs, **tolerance)
    assert frechet_of_features(x, y) == pytest.approx(theirs, **tolerance)


@pytest.mark.parametrize(("count", "dim"), [(300, 16), (120, 48)])
def test_kid_over_all_pairs(count, dim):
    x, y = two_samples(count, count, dim)
    theirs = cleanfid.kernel_distance(x.numpy(), y.numpy(), num_subsets=1, max_subset_size=count)
    assert kid(x, y) == pytest.approx(theirs, abs=1e-6)
