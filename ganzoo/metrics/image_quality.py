"""Outputs against their own targets, image by image: L1, PSNR and SSIM (Wang et al. 2004, §III.B). For paired translation.

SSIM is the document's: Gaussian windows that lie wholly inside the image, no shrinking beforehand, each channel by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.metrics.features import Array, MetricError, MetricWarning
from ganzoo.metrics.ms_ssim import PIXELS, as_images, check_window, in_planes, ssim_map

PEAK = 255


@dataclass(frozen=True)
class ImageQuality:
    """N outputs against N targets; l1, psnr and ssim are (N,), float64, on the CPU.

    l1: mean absolute difference of pixels in [0, 1]; 0 is the target itself.
    psnr: dB below a peak of 255, from the image's mean squared error over all channels; infinite for the target itself.
    ssim: -1 to 1, the mean over windows and channels; 1 is the target itself.
    highest_psnr: the highest finite one at this size, one value of the image off by one level: 10 lg(255² · C · H · W) dB.
    """

    l1: Tensor
    psnr: Tensor
    ssim: Tensor
    highest_psnr: float

    @property
    def identical(self) -> int:
        """Outputs that are their target, value by value."""
        return int(self.psnr.isinf().sum())

    def means(self) -> dict[str, float]:
        """{"l1", "psnr", "ssim"} over the images.

        An infinite PSNR counts as `highest_psnr`: a mean that is not finite would read as a diverged training, and one that left such
        images out would fall when an output becomes its target.
        """
        return {
            "l1": float(self.l1.mean()),
            "psnr": float(self.psnr.clamp(max=self.highest_psnr).mean()),
            "ssim": float(self.ssim.mean()),
        }

    def warnings(self) -> list[MetricWarning]:
        """What there is to say of the means: "identical-images"."""
        if not self.identical:
            return []
        found = f"{self.identical} of {len(self.psnr)} outputs are their target, value by value"
        counted = f"their PSNR is infinite and counts as {self.highest_psnr:.2f} dB, one value off by one level"
        return [MetricWarning("identical-images", f"{found}; {counted}.", self.identical)]

    @classmethod
    def join(cls, parts: Iterable[ImageQuality]) -> ImageQuality:
        """One of several, in their order: of images of one size that came in parts."""
        parts = list(parts)
        if not parts:
            raise MetricError("no images to compare, expected at least 1 output and its target.")
        if len({part.highest_psnr for part in parts}) > 1:
            raise MetricError("parts of images of different sizes, expected one size. Compare each size by itself.")
        columns = (torch.cat([getattr(part, name) for part in parts]) for name in ("l1", "psnr", "ssim"))
        return cls(*columns, parts[0].highest_psnr)


def image_quality(outputs: Array, targets: Array) -> ImageQuality:
    """uint8 outputs (N, C, H, W) against targets of the same shape; N ≥ 1, H and W ≥ 11. MetricError for anything else.

    Looks at no more than some 2^19 values of a side at once, or one image.
    """
    x, y = as_images(outputs, "outputs"), as_images(targets, "targets")
    if x.shape != y.shape:
        found = f"outputs have shape {tuple(x.shape)}, targets {tuple(y.shape)}: expected the same"
        raise MetricError(f"{found}. Give each output its own target, at its size and with its channels.")
    if not x.shape[0] or not x.shape[1]:
        raise MetricError(f"outputs and targets have shape {tuple(x.shape)}, expected at least 1 image of 1 channel. Give more images.")
    check_window(*x.shape[2:], "SSIM")
    values = x[0].numel()
    batch = max(1, PIXELS // values)
    parts = [_compare(a, b) for a, b in zip(x.split(batch), y.split(batch), strict=True)]
    absolute, squared, ssim = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    psnr = 10 * torch.log10(PEAK**2 * values / squared.double())  # a sum of 0 gives infinity
    return ImageQuality(absolute.double() / (PEAK * values), psnr, ssim, 10 * math.log10(PEAK**2 * values))


def _compare(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B,) each: sums of absolute and of squared differences of levels, both exact, and SSIM."""
    apart = (x.int() - y.int()).flatten(1)
    ssim = ssim_map(in_planes(x), in_planes(y)).view(len(x), -1).mean(1)
    return apart.abs().sum(1), apart.square().sum(1), ssim
