"""Improved precision and recall."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.metrics import precision_recall

module = importlib.import_module("ganzoo.metrics.precision_recall")  # by that name the package holds the function


def line(*points: float) -> Tensor:
    return torch.tensor(points, dtype=torch.float32)[:, None]


def cluster(centre: float, seed: int, count: int = 50) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randn(count, 4)).float() + centre


def two_samples(features, seed: int, n: int, m: int) -> tuple[Tensor, Tensor]:
    """Of one law, the second moved by half a standard deviation each way, so that they cover each other in part."""
    x = features(seed, n + m, 6)
    return x[:n], x[n:] + 0.5 * x.std(0)


def by_brute_force(real: Tensor, fake: Tensor, k: int) -> tuple[float, float]:
    def distances(a, b):
        return np.sqrt(((a.double().numpy()[:, None] - b.double().numpy()[None]) ** 2).sum(-1))

    def covered(queries, centres):
        radius = np.sort(distances(centres, centres), axis=1)[:, k]  # column 0 is the row itself
        return float((distances(queries, centres) <= radius).any(1).mean())

    return covered(fake, real), covered(real, fake)


def test_the_same_samples_cover_each_other():
    x = cluster(0, 0)
    assert precision_recall(x, x.clone()) == (1.0, 1.0)


def test_far_apart_nothing_is_covered():
    assert precision_recall(cluster(0, 0), cluster(1000, 1)) == (0.0, 0.0)


def test_on_a_line_by_hand():
    """k = 1. Balls around the real: [-1, 1], [0, 2], [8, 12], [10, 14]; around the fake: [3, 7], [5, 9], [7, 67]."""
    real, fake = line(0, 1, 10, 12), line(5, 7, 37)
    assert module.radii(real, 1).tolist() == [1, 1, 2, 2]
    assert module.radii(fake, 1).tolist() == [2, 2, 30]
    precision, recall = precision_recall(real, fake, k=1)
    assert precision == 0.0  # 5, 7 and 37 lie outside [-1, 2] and [8, 14]
    assert recall == 0.5  # [7, 67] holds 10 and 12


def test_a_sample_on_the_rim_is_inside():
    assert precision_recall(line(0, 2), line(4, 100), k=1)[0] == 0.5
    assert precision_recall(line(0, 2), line(4.001, 100), k=1)[0] == 0.0


def test_a_generator_that_drops_one_of_two_modes():
    """All it makes is real, half of what is real it makes."""
    real = torch.cat([cluster(0, 0), cluster(1000, 1)])
    assert precision_recall(real, cluster(0, 0)) == (1.0, 0.5)


def test_a_generator_that_invents_a_mode():
    fake = torch.cat([cluster(0, 0), cluster(1000, 1)])
    assert precision_recall(cluster(0, 0), fake) == (0.5, 1.0)


def test_sides_may_differ_in_size():
    real = torch.cat([cluster(0, 0, 30), cluster(1000, 1, 90)])
    assert precision_recall(real, cluster(0, 0, 30)) == (1.0, 0.25)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_is_brute_force(features, k):
    real, fake = two_samples(features, 0, 300, 400)
    found, expected = precision_recall(real, fake, k), by_brute_force(real, fake, k)
    assert all(0.05 < share < 0.95 for share in expected)  # a case that can tell
    assert found[0] == pytest.approx(expected[0], abs=2 / 400)
    assert found[1] == pytest.approx(expected[1], abs=2 / 300)


def test_more_neighbours_cover_no_less(features):
    real, fake = two_samples(features, 1, 200, 200)
    for shares in zip(*(precision_recall(real, fake, k) for k in (1, 2, 4, 8)), strict=True):
        assert list(shares) == sorted(shares) and shares[0] < shares[-1]


def test_blocks_change_nothing(features, monkeypatch):
    real, fake = two_samples(features, 2, 260, 240)
    whole, radii = precision_recall(real, fake), module.radii(real.float(), 3)
    monkeypatch.setattr(module, "BLOCK", 64)
    assert torch.allclose(module.radii(real.float(), 3), radii, rtol=1e-4)
    assert precision_recall(real, fake) == pytest.approx(whole, abs=2 / 240)


def test_known_radii_are_used():
    real, fake = cluster(0, 0), cluster(3, 1)
    radii = module.radii(real, 3)
    assert precision_recall(real, fake, 3, radii) == precision_recall(real, fake, 3)
    assert precision_recall(real, fake, 3, torch.full_like(radii, 1e6))[0] == 1.0


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_samples_for_the_neighbours(count):
    with pytest.raises(ValueError, match=f"3 neighbours need more than 3 samples, got {count}"):
        precision_recall(cluster(0, 0), cluster(0, 1, count))


def test_pinned(features):
    real, fake = two_samples(features, 0, 300, 400)
    assert precision_recall(real, fake) == (pytest.approx(0.84, abs=1 / 400), pytest.approx(0.85, abs=1 / 300))
