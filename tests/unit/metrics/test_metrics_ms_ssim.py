"""MS-SSIM diversity."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.metrics import MetricError, ms_ssim_diversity
from ganzoo.metrics.ms_ssim import C1, C2, EXPONENTS, ms_ssim, num_scales


def noise(seed: int, *shape: int) -> torch.Tensor:
    """uint8 images, frozen."""
    return torch.from_numpy(np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8))


@pytest.mark.parametrize(("side", "scales"), [(11, 1), (21, 1), (22, 2), (32, 2), (44, 3), (64, 3), (128, 4), (175, 4), (176, 5), (512, 5)])
def test_as_many_scales_as_hold_a_window(side, scales):
    assert num_scales(side, 600) == num_scales(600, side) == scales


def test_an_image_is_like_itself():
    x = noise(0, 3, 3, 64, 64)
    assert ms_ssim(x, x).tolist() == pytest.approx([1, 1, 1], abs=1e-12)


def test_a_shift_in_brightness_by_hand():
    """Constant images at two greys differ in luminance alone, which counts at the coarsest scale."""
    x, y = torch.full((1, 1, 32, 32), 100, dtype=torch.uint8), torch.full((1, 1, 32, 32), 150, dtype=torch.uint8)
    luminance = (2 * 100 * 150 + C1) / (100**2 + 150**2 + C1)
    assert float(ms_ssim(x, y)) == pytest.approx(luminance ** (sum(EXPONENTS) * EXPONENTS[1] / sum(EXPONENTS[:2])), rel=1e-9)


def test_one_window_by_hand():
    """11 × 11 pixels: one scale, one window, the statistics of the whole image under Gaussian weights."""
    x = noise(1, 1, 1, 11, 11)
    y = x // 2 + noise(2, 1, 1, 11, 11) // 2
    at = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(at, at) / at.sum() ** 2
    a, b = (side[0, 0].double().numpy() for side in (x, y))
    mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
    var_a, var_b = ((weights * (s - m) ** 2).sum() for s, m in ((a, mean_a), (b, mean_b)))
    cov = (weights * (a - mean_a) * (b - mean_b)).sum()
    ssim = (2 * mean_a * mean_b + C1) * (2 * cov + C2) / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2))
    expected = ssim ** sum(EXPONENTS)
    assert 0.1 < expected < 0.9
    assert float(ms_ssim(x, y)) == pytest.approx(expected, rel=1e-9)


def test_it_is_symmetric_and_knows_no_batch():
    x, y = noise(3, 5, 3, 32, 32) // 4 + 90, noise(4, 5, 3, 32, 32) // 3 + 60
    whole = ms_ssim(x, y)
    assert torch.allclose(whole, ms_ssim(y, x), rtol=1e-12)
    assert torch.allclose(whole, torch.cat([ms_ssim(x[i : i + 1], y[i : i + 1]) for i in range(5)]), rtol=1e-10)


def test_one_image_over_and_over_is_1():
    assert ms_ssim_diversity(noise(5, 1, 3, 32, 32).expand(20, 3, 32, 32), 30) == pytest.approx(1, abs=1e-12)


def test_the_less_alike_the_lower():
    """Images that share more and more of one pattern."""
    shared, own = noise(6, 1, 1, 44, 44).float(), noise(7, 12, 1, 44, 44).float()
    found = [ms_ssim_diversity((share * shared + (1 - share) * own).to(torch.uint8), 40) for share in (0.0, 0.5, 0.8, 1.0)]
    assert found == sorted(found) and found[0] < 0.2 and found[1] < found[2] - 0.1 and found[3] > 0.999


def test_pairs_are_of_different_images_and_all_may_meet(monkeypatch):
    """Images that hold their own number, and a stand-in that notes who meets whom."""
    met = []

    def note(x, y):
        met.extend(zip(x[:, 0, 0, 0].tolist(), y[:, 0, 0, 0].tolist(), strict=True))
        return torch.zeros(len(x))

    monkeypatch.setattr("ganzoo.metrics.ms_ssim.ms_ssim", note)
    ms_ssim_diversity(torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 1, 16, 16), 300)
    assert len(met) == 300 and set(met) == {(i, j) for i in range(4) for j in range(4) if i != j}


def test_batches_change_nothing(monkeypatch):
    images = noise(8, 10, 1, 22, 22) // 2
    whole = ms_ssim_diversity(images, 25, 3)
    monkeypatch.setattr("ganzoo.metrics.ms_ssim.PIXELS", 4 * 22 * 22)
    assert ms_ssim_diversity(images, 25, 3) == pytest.approx(whole, rel=1e-10)
    assert ms_ssim_diversity(images, 25, torch.Generator().manual_seed(3)) == pytest.approx(whole, rel=1e-10)
    assert ms_ssim_diversity(images, 25, 4) != pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize(
    ("images", "pairs", "message"),
    [
        (torch.zeros(4, 3, 32, 32), 10, "torch.float32 of shape .*, expected uint8"),
        (torch.zeros(4, 32, 32, dtype=torch.uint8), 10, r"shape \(4, 32, 32\), expected uint8 \(N, C, H, W\)"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), 10, "10 pairs of 1 images"),
        (torch.zeros(4, 3, 32, 32, dtype=torch.uint8), 0, "0 pairs of 4 images"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), 10, "8 × 8 pixels, expected at least 11 × 11"),
    ],
)
def test_what_it_cannot_use(images, pairs, message):
    with pytest.raises(MetricError, match=message):
        ms_ssim_diversity(images, pairs)


def test_pinned():
    images = noise(9, 6, 3, 44, 44)
    assert ms_ssim_diversity(images // 3 + images[:1] // 2, 20, 0) == pytest.approx(0.7409090872599884, rel=1e-9)


def test_numpy_or_torch():
    images = noise(10, 6, 3, 32, 32) // 2
    expected = ms_ssim_diversity(images, 10)
    array = images.numpy()
    frozen = array.copy()
    frozen.flags.writeable = False
    for given in (array, frozen, np.ascontiguousarray(array[::-1])[::-1]):
        assert ms_ssim_diversity(given, 10) == expected
    with pytest.raises(MetricError, match=r"float64 of shape \(6, 3, 32, 32\), expected uint8"):
        ms_ssim_diversity(array / 255, 10)
