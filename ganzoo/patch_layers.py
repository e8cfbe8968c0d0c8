"""What the translation models share: instance norm and the discriminator of patches.

The discriminator is PatchGAN (Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017, arXiv 1611.07004,
§3.2) as *selfgan*'s author has it (github.com/HighCWu/SelfGAN, 0b3fbd4, `self_pix2pix.ipynb`, `self_cyclegan.ipynb`).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, group_norm

from ganzoo.convolutions import HalvingConv

Patch = Literal[94, 70]


class InstanceNorm(nn.InstanceNorm2d):
    """Each map of each sample to mean 0, variance 1 (Ulyanov et al. 2016, arXiv 1607.08022), without scale and shift; in eval mode, too.

    torch's own is slow on the CPU, and what is channels last does not leave it so. A group norm of single channels computes the same,
    and so does batch norm of one sample at a time. Maps of one pixel would all become zero: no model here normalises them.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return super().forward(x)
        if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
            return group_norm(x, x.shape[1], eps=self.eps)
        alone = [batch_norm(sample, None, None, training=True, eps=self.eps) for sample in x.split(1)]
        return alone[0] if len(alone) == 1 else torch.cat(alone)


class PatchDiscriminator(nn.Module):
    """Image (N, C, H, W) → outputs (N, 1, H // 16, W // 16), each of a patch of 94×94 pixels (or what of it lies inside).

    Four convolutions of 4×4 and stride 2 to width, 2, 4 and 8·width channels, all with biases, instance norm in all but the first,
    LeakyReLU; one of 4×4 and stride 1, whose map is padded by two zeros at the left and the top and by one elsewhere, to one channel.
    `patch` 70 is the discriminator of Isola et al.: the fourth convolution has stride 1 and the last one a single zero all round;
    (N, 1, H // 8 - 2, W // 8 - 2).
    """

    def __init__(self, image: tuple[int, int, int], width: int, *, slope: float, patch: Patch, last_bias: bool):
        super().__init__()
        widths = [image[0], width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for depth, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            if depth == 3 and patch == 70:
                layers.append(nn.Conv2d(a, b, 4, padding=1))
            else:
                layers.append(HalvingConv(a, b, bias=True))
            layers += [*([InstanceNorm(b)] if depth else []), nn.LeakyReLU(slope, inplace=True)]
        pad = [nn.ZeroPad2d((1, 0, 1, 0))] if patch == 94 else []
        self.layers = nn.Sequential(*layers, *pad, nn.Conv2d(widths[-1], 1, 4, padding=1, bias=last_bias))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
