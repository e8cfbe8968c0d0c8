"""The same numbers on a CPU and on a GPU. Runs where torch finds CUDA."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_inception import images, publish, randomise, worst_relative
from torch import Tensor

from ganzoo.metrics import density_coverage, fid, inception_score, kid, kid_subsets, ms_ssim_diversity, precision_recall
from ganzoo.metrics.density_coverage import prdc
from ganzoo.metrics.extractors import tf_inception
from ganzoo.metrics.precision_recall import radii

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA")

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def sides() -> tuple[Tensor, Tensor]:
    """Reals and fakes, float32 (N, 600): wide enough for KID's float32 products on a CPU."""
    random = np.random.RandomState(0)
    x = random.randn(1500, 600) @ random.randn(600, 600) / np.sqrt(600)
    x[800:] += 0.3
    return tuple(torch.from_numpy(x.astype(np.float32)).split([800, 700]))


METRICS = {
    "fid": fid,
    "kid": kid,
    "kid_subsets": lambda real, fake: kid_subsets(real, fake, 5, 200).each,
    "precision_recall": precision_recall,
    "density_coverage": density_coverage,
    "prdc": prdc,
    "known radii": lambda real, fake: precision_recall(real, fake, 3, radii(real.cpu(), 3)),
    "inception_score": lambda real, fake: inception_score(fake[:, :10])[2],
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_features(sides, name):
    real, fake = sides
    expected = METRICS[name](real, fake)
    for real_device, fake_device in ((CUDA, CUDA), (CPU, CUDA), (CUDA, CPU)):
        found = METRICS[name](real.to(real_device), fake.to(fake_device))
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6), (real_device, fake_device)


def test_ms_ssim():
    x = images(20, 64)
    assert ms_ssim_diversity(x.to(CUDA), 30) == pytest.approx(ms_ssim_diversity(x, 30), rel=1e-6)


@pytest.mark.plumbing
def test_inception(tmp_path, monkeypatch):
    torch.save(randomise(tf_inception.inception()).state_dict(), path := tmp_path / "random-inception.pth")
    publish(monkeypatch, tf_inception, path)
    x = images(8, 32)
    torch.backends.cuda.matmul.fp32_precision = "tf32"  # the caller's, which must not count
    try:
        for one, other in zip(tf_inception.load(CUDA)(x), tf_inception.load(CPU)(x), strict=True):
            assert one.device.type == "cuda" and worst_relative(one.cpu(), other) < 1e-4
    finally:
        torch.backends.cuda.matmul.fp32_precision = "none"
