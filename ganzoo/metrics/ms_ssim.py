"""Diversity as mean MS-SSIM between images of one set (Odena et al. 2017, §4.1): the lower, the more diverse.

1 is one image over and over.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from ganzoo.metrics.features import Array, MetricError

# Wang, Simoncelli & Bovik (2003): the exponents of five scales, fine to coarse, and the two small constants on [0, 255].
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
WINDOW, SIGMA = 11, 1.5
PIXELS = 2**19  # values of each side in one batch: some 100 MB with all that is made of them in float64


def check_window(height: int, width: int, metric: str) -> None:
    """MetricError unless a whole window fits into an image."""
    if min(height, width) < WINDOW:
        found = f"images of {height} × {width} pixels, expected at least {WINDOW} × {WINDOW}"
        raise MetricError(f"{found}. {metric} says nothing of smaller ones.")


def as_images(images: Array, name: str = "images") -> Tensor:
    """uint8 (N, C, H, W), numpy's or torch's, as a tensor on its own device. MetricError for anything else, in the name of `name`."""
    x = images if isinstance(images, Tensor) else np.asarray(images)
    if x.ndim != 4 or str(x.dtype).removeprefix("torch.") != "uint8":
        raise MetricError(f"{name} are {x.dtype} of shape {tuple(x.shape)}, expected uint8 (N, C, H, W) in 0..255.")
    if isinstance(x, np.ndarray):
        x = torch.from_numpy(np.require(x, requirements=["C", "W"]))  # torch wants writable memory and no negative strides
    return x


def num_scales(height: int, width: int) -> int:
    """Scales whose images still hold a whole window: five from 176 pixels on, 3 at 64, 2 at 32."""
    check_window(height, width, "MS-SSIM")
    return min(len(EXPONENTS), 1 + int(math.log2(min(height, width) // WINDOW)))


def blur(x: Tensor) -> Tensor:
    """Gaussian windows that lie wholly inside x (B, 1, H, W) → (B, 1, H - 10, W - 10)."""
    at = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = torch.exp(-at.square() / (2 * SIGMA**2))
    window = window / window.sum()
    return conv2d(conv2d(x, window.view(1, 1, WINDOW, 1)), window.view(1, 1, 1, WINDOW))


def in_planes(x: Tensor) -> Tensor:
    """Images (B, C, H, W) as float64 planes (B·C, 1, H, W): each channel by itself."""
    return x.to(torch.float64).flatten(0, 1)[:, None]


def ssim_map(x: Tensor, y: Tensor, luminance: bool = True) -> Tensor:
    """SSIM of each window of paired float planes (B, 1, H, W) in [0, 255] → (B, 1, H - 10, W - 10); without luminance its contrast term."""
    mean_x, mean_y, xx, yy, xy = blur(torch.cat([x, y, x * x, y * y, x * y])).chunk(5)
    found = (2 * (xy - mean_x * mean_y) + C2) / (xx - mean_x.square() + yy - mean_y.square() + C2)
    return found * (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1) if luminance else found


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """MS-SSIM (B,) float64 of paired images (B, C, H, W) in [0, 255]; each channel by itself, each scale averaged over channels.

    Images too small for five scales take those they have room for; the exponents of these are scaled to the five's sum, 1.0001.
    A scale whose structure is negative counts as 0.
    """
    scales = num_scales(*x.shape[-2:])
    exponents = np.array(EXPONENTS[:scales])
    exponents = exponents * (sum(EXPONENTS) / exponents.sum())
    count, channels = x.shape[:2]
    x, y = in_planes(x), in_planes(y)
    product = torch.ones(count, dtype=torch.float64, device=x.device)
    for scale, exponent in enumerate(exponents.tolist()):
        contrast = ssim_map(x, y, luminance=scale == scales - 1)  # luminance counts at the coarsest alone
        product *= contrast.view(count, channels, -1).mean((1, 2)).clamp(min=0) ** exponent
        if scale < scales - 1:
            x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
    return product


def ms_ssim_diversity(images: Array, pairs: int = 100, generator: torch.Generator | int = 0) -> float:
    """Mean MS-SSIM over `pairs` random pairs of different images of a set, uint8 (N, C, H, W); N ≥ 2.

    Odena et al. take 100 pairs within each class: call it once a class. `generator`: a CPU generator to draw on, or its seed.
    """
    x = as_images(images)
    if len(x) < 2 or pairs < 1:
        raise MetricError(f"{pairs} pairs of {len(x)} images, expected at least 1 pair of 2 images. Give more images.")
    if not isinstance(generator, torch.Generator):
        generator = torch.Generator().manual_seed(generator)
    first = torch.randint(len(x), (pairs,), generator=generator)
    second = (first + 1 + torch.randint(len(x) - 1, (pairs,), generator=generator)) % len(x)
    batch = max(1, PIXELS // x[0].numel())
    values = [ms_ssim(x[i], x[j]) for i, j in zip(first.split(batch), second.split(batch), strict=True)]
    return float(torch.cat(values).mean())
