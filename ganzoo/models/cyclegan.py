"""`cyclegan`: pictures of one kind to another and back, without pairs, after Zhu, Park, Isola & Efros, "Unpaired Image-to-Image
Translation using Cycle-Consistent Adversarial Networks" (2017), arXiv 1703.10593, as *selfgan*'s author has it
(github.com/HighCWu/SelfGAN, 0b3fbd4, `self_cyclegan.ipynb`).

Two generators, a → b and b → a: a 7×7 convolution, two halvings, `blocks` residual blocks, two doublings, a 7×7 convolution, tanh
(Johnson et al., "Perceptual Losses for Real-Time Style Transfer", 2016, arXiv 1603.08155); reflection around the 7×7 and the blocks'
3×3 kernels, zeros around the others; instance norm everywhere but at the end. Two discriminators of patches (`ganzoo/patch_layers.py`).

At the defaults and 128×128 colour images: G 22,756,358 and D 5,529,474 parameters (checked by a test), each two networks of half as many.

What the code has otherwise than the paper: nine blocks at side 128, where the paper has six (`blocks`); patches of 94 pixels (`patch`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from ganzoo.errors import SpecError
from ganzoo.layers import Init, initialise_convolutions
from ganzoo.models.registry import Options, Shape, register
from ganzoo.patch_layers import InstanceNorm, Patch, PatchDiscriminator

Width = Annotated[int, Field(gt=0)]
LEAST = 32  # D's fourth halving leaves two pixels of it; instance norm would make zeros of a single one


class ResidualBlock(nn.Module):
    """x + branch(x), with nothing after the sum. (N, C, H, W) both ways."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), InstanceNorm(channels), nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), InstanceNorm(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class ResNet(nn.Module):
    """Image (N, C, H, W) → width → 2·width → 4·width channels at a quarter of the sides → … → image (N, C, H, W)."""

    def __init__(self, channels: int, width: int, blocks: int):
        super().__init__()

        def norm_and_act(channels: int) -> list[nn.Module]:
            return [InstanceNorm(channels), nn.ReLU(inplace=True)]

        layers = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7), *norm_and_act(width)]  # (N, width, H, W)
        for a in (width, 2 * width):
            layers += [nn.Conv2d(a, 2 * a, 3, stride=2, padding=1), *norm_and_act(2 * a)]
        layers += [ResidualBlock(4 * width) for _ in range(blocks)]  # (N, 4·width, H/4, W/4)
        for a in (2 * width, width):
            layers += [nn.ConvTranspose2d(2 * a, a, 3, stride=2, padding=1, output_padding=1), *norm_and_act(a)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@register("cyclegan")
class CycleGAN:
    """Generators {"ab", "ba"} and discriminators {"a", "b"}."""

    TASK = "unpaired"

    class Options(Options):
        width: Width = Field(64, description="channels of each generator's first layer and of each discriminator's")
        width_d: Width | None = Field(None, description="channels of each discriminator's first layer; none given: width")
        blocks: Annotated[int, Field(ge=0)] = Field(
            9, description="residual blocks of each generator; the paper has 6 at side 128 and 9 from 256 on, the code 9"
        )
        patch: Patch = Field(94, description="side, in pixels, of what an output of a discriminator sees. 94: the code; 70: the paper")
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope, in the discriminators")
        init: Init = Field("normal-0.02", description="law of the first weights; normal-0.02: of weights alone, biases as torch draws them")

    @staticmethod
    def build(options: CycleGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """`image`: the shape of one side; `latent` plays no part. SpecError for sides that are no multiples of 4 from 32 up."""
        channels, height, width = image
        if any(side < LEAST or side % 4 for side in (height, width)):
            fits = max(LEAST, round(min(height, width) / 4) * 4)
            raise SpecError(
                f"model 'cyclegan' halves its images twice and doubles them again: their sides must be multiples of 4 from {LEAST} up, "
                f"not {height}x{width}. Set data.resize to such a side, say {fits}."
            )
        g = nn.ModuleDict({way: ResNet(channels, options.width, options.blocks) for way in ("ab", "ba")})
        width_d = options.width_d or options.width
        d = nn.ModuleDict(
            {side: PatchDiscriminator(image, width_d, slope=options.slope, patch=options.patch, last_bias=True) for side in ("a", "b")}
        )
        for net in (g, d):
            initialise_convolutions(net, options.init)
        return g, d
