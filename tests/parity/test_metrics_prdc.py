"""Our precision, recall, density and coverage against the authors' own package, `prdc`, on the same features."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.metrics import density_coverage, prdc

theirs = pytest.importorskip("prdc", reason="prdc, the package compared with, is not installed")


@pytest.mark.parametrize(("n", "m", "dim", "k"), [(300, 300, 6, 5), (400, 250, 6, 3), (250, 400, 32, 5), (120, 150, 300, 1)])
def test_all_four(n, m, dim, k):
    random = np.random.RandomState(dim + k)
    x = random.randn(n + m, dim) @ random.randn(dim, dim) / np.sqrt(dim)
    real, fake = x[:n], x[n:] * 0.9 + 0.3 * x.std(0)
    expected = theirs.compute_prdc(real, fake, nearest_k=k)
    names = ("precision", "recall", "density", "coverage")
    assert 0.05 < expected["coverage"] < 0.99 and expected["density"] > 0.05  # a case that can tell
    assert prdc(real, fake, k) == pytest.approx([expected[name] for name in names], rel=1e-12)
    assert density_coverage(torch.from_numpy(real), torch.from_numpy(fake), k) == prdc(real, fake, k)[2:]
