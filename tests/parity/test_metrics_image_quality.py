"""PSNR, L1 and SSIM against torchmetrics' and against the formulas written out with scipy, on the same images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from ganzoo.metrics.image_quality import image_quality

CASES = [(3, 3, 64, 64), (2, 1, 11, 11), (3, 1, 28, 40), (2, 3, 100, 37)]


def pair(count: int, channels: int, height: int, width: int, likeness: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth uint8 images (count, C, H, W) and noisy copies of them."""
    random = np.random.RandomState(height)
    coarse = torch.from_numpy(random.rand(count, channels, 5, 5))
    x = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    y = likeness * x + (1 - likeness) * torch.from_numpy(random.rand(*x.shape))
    return (255 * y).to(torch.uint8), (255 * x).to(torch.uint8)


def blurred(plane: np.ndarray) -> np.ndarray:
    """Windows that lie inside the plane; the radius of 5 makes them 11 pixels wide."""
    return gaussian_filter(plane, 1.5, radius=5)[5:-5, 5:-5]


def ssim_by_scipy(x: np.ndarray, y: np.ndarray) -> float:
    """Luminance, contrast and structure of Wang et al. 2004 (eq. 6, 9, 10 with C3 = C2 / 2), multiplied, of one plane in [0, 255]."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = blurred(x), blurred(y)
    std_x, std_y = (np.sqrt(np.maximum(blurred(p * p) - m * m, 0)) for p, m in ((x, mean_x), (y, mean_y)))
    together = blurred(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    contrast = (2 * std_x * std_y + c2) / (std_x**2 + std_y**2 + c2)
    structure = (together + c2 / 2) / (std_x * std_y + c2 / 2)
    return float((luminance * contrast * structure).mean())


@pytest.mark.parametrize("shape", CASES)
@pytest.mark.parametrize("likeness", [0.95, 0.6, 0.0])
def test_ssim_is_the_formulas(shape, likeness):
    x, y = pair(*shape, likeness)
    planes = [[ssim_by_scipy(a, b) for a, b in zip(*both, strict=True)] for both in zip(*(s.double().numpy() for s in (x, y)), strict=True)]
    assert image_quality(x, y).ssim.tolist() == pytest.approx(np.mean(planes, axis=1).tolist(), abs=1e-9)


@pytest.mark.parametrize("shape", CASES)
def test_l1_and_psnr_are_the_formulas(shape):
    x, y = pair(*shape, 0.7)
    found = image_quality(x, y)
    a, b = (side.double().numpy().reshape(len(side), -1) for side in (x, y))
    assert found.l1.tolist() == pytest.approx((abs(a - b) / 255).mean(1).tolist(), rel=1e-12)
    assert found.psnr.tolist() == pytest.approx((20 * np.log10(255 / np.sqrt(((a - b) ** 2).mean(1)))).tolist(), rel=1e-12)


@pytest.mark.parametrize("shape", CASES)
@pytest.mark.parametrize("likeness", [0.95, 0.6])
def test_ssim_and_psnr_are_torchmetrics(shape, likeness):
    """Theirs (1.9) lets windows overhang onto a mirrored border: what lies inside is cut out of their map."""
    image = pytest.importorskip("torchmetrics.functional.image", reason="torchmetrics, the library compared with, is not installed")
    x, y = pair(*shape, likeness)
    found = image_quality(x, y)
    psnr = image.peak_signal_noise_ratio(x.double(), y.double(), data_range=255.0, reduction="none", dim=(1, 2, 3))
    settings = {"gaussian_kernel": True, "sigma": 1.5, "kernel_size": 11, "data_range": 255.0}
    _, whole = image.structural_similarity_index_measure(x.double(), y.double(), reduction="none", return_full_image=True, **settings)
    assert found.psnr.tolist() == pytest.approx(psnr.tolist(), rel=1e-5)
    assert found.ssim.tolist() == pytest.approx(whole[..., 5:-5, 5:-5].mean((1, 2, 3)).tolist(), abs=1e-6)
