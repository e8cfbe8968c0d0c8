"""Improved precision and recall."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.metrics import MetricError, precision_recall

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


@pytest.mark.parametrize("width", [3, 64, 100])
def test_columns_are_tiled_too(features, monkeypatch, width):
    """Down to tiles narrower than the neighbours asked for."""
    real, fake = two_samples(features, 3, 150, 130)
    whole, radii = precision_recall(real, fake, 5), module.radii(real, 5)
    monkeypatch.setattr(module, "WIDTH", width)
    monkeypatch.setattr(module, "BLOCK", 40)
    assert torch.allclose(module.radii(real, 5), radii, rtol=1e-13)
    assert precision_recall(real, fake, 5) == whole


@pytest.mark.parametrize("far", [0.0, 1e5])
def test_every_sample_on_a_rim_is_inside(far):
    """The fakes are the reals' own neighbours, so that every distance that decides is a radius. Rounded products would lose some."""
    real = np.random.RandomState(5).rand(200, 40) + far
    pairwise = np.sqrt(((real[:, None] - real[None]) ** 2).sum(-1)) + np.diag(np.full(200, np.inf))
    nearest = pairwise.argmin(1)
    expected = pairwise[:, nearest] <= pairwise.min(1)[:, None]  # (balls, fakes)
    expected |= nearest[None] == np.arange(200)[:, None]  # a fake in the very centre
    assert expected[np.arange(200), np.arange(200)].all()
    real = torch.from_numpy(real)
    found = module.neighbourhoods(real, real[nearest], module.radii(real, 1))
    assert found.balls_around_fakes.tolist() == expected.sum(0).tolist()
    assert bool(found.reals_reached.all())


def test_a_far_off_mean_costs_no_digits(features):
    real, fake = (side.double() for side in two_samples(features, 6, 200, 200))
    assert precision_recall(real + 1e6, fake + 1e6) == precision_recall((real + 1e6) - 1e6, (fake + 1e6) - 1e6)


def test_duplicates_are_neighbours_at_distance_zero():
    """A sample that occurs k + 1 times has a ball of radius 0, which still holds its own copies."""
    real = torch.cat([cluster(0, 0, 1).expand(4, 4), cluster(50, 1, 4)])
    assert module.radii(real, 3)[:4].tolist() == [0, 0, 0, 0]
    assert precision_recall(real, cluster(0, 0, 1).expand(5, 4), 3)[0] == 1.0


def test_radii_of_other_reals(features):
    real, fake = two_samples(features, 7, 50, 40)
    with pytest.raises(MetricError, match=r"known radii of shape \(40,\) for 50 reals"):
        precision_recall(real, fake, 3, module.radii(fake, 3))


def test_what_it_cannot_use(features):
    x = features(0, 20, 4)
    with pytest.raises(MetricError, match="real features have 4 dimensions, fake ones 5"):
        precision_recall(x, features(0, 20, 5))
    with pytest.raises(MetricError, match="0 neighbours"):
        precision_recall(x, x, 0)


def test_both_sides_are_brought_to_where_the_fakes_are(monkeypatch):
    """On a device that every machine has; nothing is computed on it."""
    monkeypatch.setattr(module, "as_rows", lambda x, name: x)
    fake = torch.empty(6, 4, device="meta")
    real, _, known = module.sides_of(torch.zeros(5, 4), fake, 3, torch.ones(5))
    assert real.device == known.device == fake.device
    assert (real.shape, known.shape, known.dtype) == ((5, 4), (5,), torch.float64)
