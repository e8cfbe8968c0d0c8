"""`residual-dcgan`: `dcgan` with SR-GAN's residual blocks in G, each with a squeeze-and-excitation layer, as *resblocks* tries them.

z (N, latent) → deconvolutions → (N, width_g, side/2, side/2) → `blocks` residual blocks → (N, C, side, side); D is `dcgan`'s.
A block (Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network", 2017, arXiv 1609.04802,
fig. 4, without its PReLU and without the skip around all blocks): x + s·BN(conv(act(BN(conv(x))))), 3×3 convolutions, and s the channel
weights of Hu et al., "Squeeze-and-Excitation Networks" (2018), arXiv 1709.01507, eq. 2-4.

At the defaults and 64×64 colour images: G 3,726,659 and D 2,766,529 parameters (checked by a test).
By `blocks`, there: 0: G 3,577,667; 1: G 3,652,163; 2: G 3,726,659; 4: G 3,875,651.

The defaults are the document's cured network with 2 blocks. Its first try: blocks 4, bias false, activation relu, output linear.
With blocks 0, bias false, activation relu both networks are `dcgan`'s, weight for weight.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ganzoo.errors import SpecError
from ganzoo.layers import (
    DCGAN_SIDES,
    DCGANDiscriminator,
    DCGANGenerator,
    Init,
    activation,
    dcgan_side,
    dcgan_width_g,
    initialise_dcgan,
)
from ganzoo.models.registry import Options, Shape, register

Width = Annotated[int, Field(gt=0)] | None


class SqueezeExcitation(nn.Module):
    """Map (N, C, H, W) → a weight in (0, 1) for each of its channels, (N, C, 1, 1): σ(W₂ max(0, W₁ mean(x))), without biases."""

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction, bias=False)
        self.excite = nn.Linear(channels // reduction, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.excite(self.squeeze(x.mean((2, 3))).relu_()).sigmoid()[:, :, None, None]


class ResidualBlock(nn.Module):
    """x + branch(x), or x + s(branch(x))·branch(x) with squeeze-and-excitation. (N, C, H, W) both ways."""

    def __init__(self, channels: int, act: str, slope: float, se: SqueezeExcitation | None):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), activation(act, slope),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.se = se

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return x + y if self.se is None else torch.addcmul(x, y, self.se(y))


@register("residual-dcgan")
class ResidualDCGAN:
    """Strided convolutions both ways, and residual blocks before G's output layer."""

    SIDES = DCGAN_SIDES

    class Options(Options):
        blocks: Annotated[int, Field(ge=0)] = Field(2, description="residual blocks between G's deconvolutions and its output layer")
        se: bool = Field(True, description="squeeze-and-excitation in each block, on the branch before the sum")
        se_reduction: Annotated[int, Field(gt=0)] = Field(16, description="its hidden layer has width_g over this many units, rounded down")
        bias: bool = Field(
            True,
            description="biases in the down- and upsampling layers: every convolution of D, every transposed one of G. Those before "
            "batch norm, which takes the mean away, do nothing. The blocks' convolutions and dense layers have none either way; batch "
            "norm keeps its shift",
        )
        activation: Literal["relu", "leaky-relu"] = Field("leaky-relu", description="G's, in deconvolutions and blocks; D's is LeakyReLU")
        output: Literal["linear", "tanh"] = Field("tanh", description="G's last activation; linear leaves [-1, 1], and samples are clipped")
        width_g: Width = Field(None, description="G's channels before the last layer, and in the blocks; none given: as in dcgan")
        width_d: Width = Field(None, description="channels of D's first layer; none given: as in dcgan, the images' side")
        share_d: float = Field(1.0, gt=0, le=1, description="share of D's channels that are kept, in every layer, rounded down")
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope")
        init: Init = Field("normal-0.02", description="law of the first weights; normal-0.02: of batch norm's scales, too, around 1")

    @staticmethod
    def build(options: ResidualDCGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """SpecError for images as in `dcgan`, and where squeeze-and-excitation would have no hidden unit."""
        side = dcgan_side("residual-dcgan", image)
        width, reduction = options.width_g or dcgan_width_g(side), options.se_reduction
        if options.blocks and options.se and reduction > width:
            raise SpecError(
                f"model.se_reduction is {reduction}, but G's residual blocks have {width} channels: expected at most {width}, so that "
                f"squeeze-and-excitation keeps a hidden unit. Lower it, set model.width_g to {reduction} or more, or model.se: false."
            )
        blocks = [
            ResidualBlock(width, options.activation, options.slope, SqueezeExcitation(width, reduction) if options.se else None)
            for _ in range(options.blocks)
        ]
        g = DCGANGenerator(
            latent, image, width, slope=options.slope, act=options.activation, bias=options.bias, refine=blocks, output=options.output
        )
        width_d = max(1, int((options.width_d or side) * options.share_d))
        d = DCGANDiscriminator(image, width_d, slope=options.slope, bias=options.bias)
        for net in (g, d):
            initialise_dcgan(net, options.init)
        return g, d
