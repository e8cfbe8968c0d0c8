"""Our metrics against torch-fidelity's, on the same features. Only its array functions are called: no weights, no network, no files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo import data
from ganzoo.metrics import InceptionScore, frechet_of_features, inception_score, kid, kid_subsets, precision_recall
from ganzoo.metrics.extractors import load as load_extractor

REASON = "torch-fidelity, the library compared with, is not installed"
metric_fid = pytest.importorskip("torch_fidelity.metric_fid", reason=REASON)
metric_isc = pytest.importorskip("torch_fidelity.metric_isc", reason=REASON)
metric_kid = pytest.importorskip("torch_fidelity.metric_kid", reason=REASON)
metric_prc = pytest.importorskip("torch_fidelity.metric_prc", reason=REASON)


def two_samples(n: int, m: int, dim: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(n, dim) and (m, dim) float64 of one correlated law, the second moved by half a standard deviation."""
    random = np.random.RandomState(seed)
    x = random.randn(n + m, dim) @ random.randn(dim, dim) / np.sqrt(dim)
    return torch.from_numpy(x[:n]), torch.from_numpy(x[n:] + 0.5 * x.std(0))


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """Classifier features of real digits, training and test: ReLU outputs, many of them never firing, so of deficient rank."""
    network = load_extractor("digits-cnn")
    return tuple(network(data.load("digits", split).images)[0].double() for split in ("train", "test"))


def their_fid(x: Tensor, y: Tensor) -> float:
    statistics = [metric_fid.fid_features_to_statistics(side) for side in (x, y)]
    return metric_fid.fid_statistics_to_metric(*statistics, verbose=False)[metric_fid.KEY_METRIC_FID]


def their_kid(x: Tensor, y: Tensor) -> float:
    """One subset that is everything: the estimator over all pairs."""
    found = metric_kid.kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=len(x), verbose=False)
    return found[metric_kid.KEY_METRIC_KID_MEAN]


def their_prc(real: Tensor, fake: Tensor, k: int) -> tuple[float, float]:
    found = metric_prc.prc_features_to_metric(fake, real, prc_neighborhood=k, verbose=False)
    return found[metric_prc.KEY_METRIC_PRECISION], found[metric_prc.KEY_METRIC_RECALL]


@pytest.mark.parametrize(("n", "m", "dim"), [(500, 500, 32), (400, 900, 64), (300, 300, 128)])
def test_frechet_with_more_samples_than_dimensions(n, m, dim):
    x, y = two_samples(n, m, dim)
    assert frechet_of_features(x, y) == pytest.approx(their_fid(x, y), rel=1e-6)


@pytest.mark.parametrize(("n", "m", "dim"), [(20, 20, 64), (20, 300, 64), (300, 20, 64), (60, 60, 128)])
def test_frechet_with_fewer(n, m, dim):
    x, y = two_samples(n, m, dim)
    assert frechet_of_features(x, y) == pytest.approx(their_fid(x, y), abs=1e-4)


def test_frechet_of_classifier_features(digits):
    assert frechet_of_features(*digits) == pytest.approx(their_fid(*digits), abs=1e-4)


@pytest.mark.parametrize(("count", "dim"), [(300, 32), (500, 8), (50, 64)])
def test_kid_over_all_pairs(count, dim):
    x, y = two_samples(count, count, dim)
    assert kid(x, y) == pytest.approx(their_kid(x, y), abs=1e-6)


def test_kid_of_classifier_features(digits):
    train, test = digits[0][:360], digits[1]
    assert kid(train, test) == pytest.approx(their_kid(train, test), rel=1e-6)  # these kernels run into the 100,000s


@pytest.mark.parametrize(("subsets", "size", "seed", "dim"), [(100, 100, 2020, 16), (10, 250, 7, 16), (3, 300, 2020, 2048)])
def test_kid_on_their_very_subsets(subsets, size, seed, dim):
    fake, real = (side.float() for side in two_samples(400, 300, dim))
    theirs = metric_kid.kid_features_to_metric(
        fake.double(), real.double(), kid_subsets=subsets, kid_subset_size=size, rng_seed=seed, verbose=False
    )
    found = kid_subsets(real, fake, subsets, size, seed)
    assert found.mean == pytest.approx(theirs[metric_kid.KEY_METRIC_KID_MEAN], abs=1e-6)
    assert found.std == pytest.approx(theirs[metric_kid.KEY_METRIC_KID_STD], abs=1e-6)
    assert abs(found.mean - kid_subsets(real, fake, subsets, size, seed + 1).mean) > 1e-5 or size == len(real)  # other draws show


def test_their_default_draws():
    """Subsets of 1000 from seed 2020, on either side; ten of the hundred."""
    fake, real = two_samples(1200, 1100, 4)
    theirs = metric_kid.kid_features_to_metric(fake, real, kid_subsets=10, verbose=False)
    found = kid_subsets(real, fake, subsets=10)
    assert len(found.each) == 10
    assert found.mean == pytest.approx(theirs[metric_kid.KEY_METRIC_KID_MEAN], abs=1e-6)
    assert found.std == pytest.approx(theirs[metric_kid.KEY_METRIC_KID_STD], abs=1e-6)


@pytest.mark.parametrize("splits", [1, 10])
@pytest.mark.parametrize("count", [500, 507])
def test_inception_score_in_their_order(splits, count):
    logits = 3 * two_samples(count, 1, 10)[0]
    found = metric_isc.isc_features_to_metric(logits, splits, shuffle=True, rng_seed=2020)
    order = np.random.RandomState(2020).permutation(count)
    for mean, spread, _ in (inception_score(logits, splits, order), InceptionScore(count, splits, order).add(logits).result()):
        assert mean == pytest.approx(found[metric_isc.KEY_METRIC_ISC_MEAN], rel=1e-10)
        assert spread == pytest.approx(found[metric_isc.KEY_METRIC_ISC_STD], rel=1e-10, abs=1e-12)


def test_inception_score_unshuffled_of_float32():
    logits = 3 * two_samples(300, 1, 10)[0].float()
    found = metric_isc.isc_features_to_metric(logits, 10, shuffle=False)
    mean, spread, _ = inception_score(logits, 10)
    assert mean == pytest.approx(found[metric_isc.KEY_METRIC_ISC_MEAN], rel=1e-10)
    assert spread == pytest.approx(found[metric_isc.KEY_METRIC_ISC_STD], rel=1e-10)


@pytest.mark.parametrize(("n", "m", "dim", "k"), [(300, 300, 6, 3), (400, 250, 6, 3), (300, 400, 6, 1), (1200, 1100, 8, 5)])
def test_precision_and_recall(n, m, dim, k):
    real, fake = (side.float() for side in two_samples(n, m, dim))
    precision, recall = their_prc(real, fake, k)
    assert 0.05 < precision < 0.95 and 0.05 < recall < 0.95  # a case that can tell
    found = precision_recall(real, fake, k)
    assert found[0] == pytest.approx(precision, abs=2 / m)
    assert found[1] == pytest.approx(recall, abs=2 / n)


def test_precision_and_recall_of_classifier_features(digits):
    real, fake = (side.float() for side in digits)
    precision, recall = their_prc(real, fake, 3)
    found = precision_recall(real, fake, 3)
    assert found[0] == pytest.approx(precision, abs=2 / len(fake))
    assert found[1] == pytest.approx(recall, abs=2 / len(real))
