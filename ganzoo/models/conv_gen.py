"""`conv-gen-gan`: a stride-free convolutional generator against the dense discriminator, after *liu*, §1.2.

z (N, latent) → dense H·W → (N, 1, H, W) → 3×3 "same" convolutions with `filters` channels → 3×3 convolution to C → tanh.
At the defaults and 28×28 grey images: G 85,361 and D 1,492,993 parameters (checked by a test).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from ganzoo.layers import DenseDiscriminator, Init, initialise
from ganzoo.models.mlp import Rate, Widths
from ganzoo.models.registry import Options, Shape, register


class ConvGenerator(nn.Module):
    """z (N, latent) → image (N, C, H, W) at full resolution throughout."""

    def __init__(self, latent: int, image: Shape, options: ConvGenGAN.Options):
        super().__init__()
        channels, self.height, self.width = image
        self.dense = nn.Linear(latent, self.height * self.width)
        widths = [1, *options.filters]
        layers: list[nn.Module] = [nn.LeakyReLU(options.slope, inplace=True)]
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Conv2d(a, b, options.kernel, padding="same"), nn.LeakyReLU(options.slope, inplace=True)]
        layers += [nn.Conv2d(widths[-1], channels, options.kernel, padding="same"), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(self.dense(z).view(-1, 1, self.height, self.width))  # (N, 1, H, W) → (N, C, H, W)


@register("conv-gen-gan")
class ConvGenGAN:
    """Convolutional G, dense D."""

    class Options(Options):
        filters: Widths = Field([8, 16, 32], description="channels of G's convolutions, in order")
        kernel: Annotated[int, Field(gt=0)] = Field(3, description="side of G's kernels")
        hidden_d: Widths = Field([1024, 512, 256, 128], description="widths of D's hidden layers")
        dropout_d: Rate = Field(0.3, description="dropout after each LeakyReLU of D")
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope")
        init: Init = Field("glorot-uniform", description="law of the first weights")

    @staticmethod
    def build(options: ConvGenGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        g = ConvGenerator(latent, image, options)
        d = DenseDiscriminator(image, options.hidden_d, options.slope, options.dropout_d)
        initialise(g, options.init)
        initialise(d, options.init)
        return g, d
