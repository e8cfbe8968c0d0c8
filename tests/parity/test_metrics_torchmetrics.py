"""Our MS-SSIM against torchmetrics', on the same images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.metrics.ms_ssim import EXPONENTS, ms_ssim, num_scales

REASON = "torchmetrics, the library compared with, is not installed"
image = pytest.importorskip("torchmetrics.functional.image", reason=REASON)


def pair(count: int, channels: int, height: int, width: int, likeness: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth uint8 images (count, C, H, W) and noisy copies of them."""
    random = np.random.RandomState(height)
    coarse = torch.from_numpy(random.rand(count, channels, 9, 9))
    x = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    y = likeness * x + (1 - likeness) * torch.from_numpy(random.rand(*x.shape))
    return (255 * x).to(torch.uint8), (255 * y).to(torch.uint8)


SETTINGS = {"gaussian_kernel": True, "sigma": 1.5, "kernel_size": 11, "data_range": 255.0}
CASES = [((2, 3, 176, 180), 5), ((3, 1, 192, 192), 5), ((2, 1, 177, 201), 5), ((2, 3, 104, 110), 4)]


def exponents(scales: int) -> list[float]:
    """With fewer scales they keep the sum that five have."""
    kept = np.array(EXPONENTS[:scales])
    return list(kept * sum(EXPONENTS) / kept.sum())


def of_their_scales(x: torch.Tensor, y: torch.Tensor, scales: int) -> list[float]:
    """Their SSIM and contrast term at each scale, over the windows that lie inside the image, as Wang et al. have it."""
    x, y, product = x.double(), y.double(), 1.0
    for scale, exponent in enumerate(exponents(scales)):
        _, full = image.structural_similarity_index_measure(x, y, reduction="none", return_full_image=True, **SETTINGS)
        _, contrast = image.structural_similarity_index_measure(x, y, reduction="none", return_contrast_sensitivity=True, **SETTINGS)
        term = full[..., 5:-5, 5:-5].mean((1, 2, 3)) if scale == scales - 1 else contrast
        product = product * term.relu() ** exponent
        x, y = torch.nn.functional.avg_pool2d(x, 2), torch.nn.functional.avg_pool2d(y, 2)
    return product.tolist()


@pytest.mark.parametrize(("shape", "scales"), CASES)
@pytest.mark.parametrize("likeness", [0.9, 0.7])
def test_ms_ssim_from_their_scales(shape, scales, likeness):
    x, y = pair(*shape, likeness)
    expected = of_their_scales(x, y, scales)
    assert num_scales(*shape[2:]) == scales
    assert all(0.05 < value < 0.995 for value in expected)
    assert ms_ssim(x, y).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("shape", "scales"), CASES)
def test_ms_ssim_as_they_put_it_together(shape, scales):
    """At the coarsest scale, and only there, theirs (1.9) lets windows overhang onto a mirrored border: near, not the same."""
    x, y = pair(*shape, 0.7)
    expected = image.multiscale_structural_similarity_index_measure(
        x.double(), y.double(), betas=tuple(exponents(scales)), normalize="relu", reduction="none", **SETTINGS
    )
    assert ms_ssim(x, y).tolist() == pytest.approx(expected.tolist(), abs=2e-3)
