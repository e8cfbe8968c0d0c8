"""`point-mlp`: a small dense pair for points of the plane, such as `ring` and `grid`; G ends linearly, as points have no range.

z (N, latent) → hidden_g dense blocks → dense → (N, C, H, W);  (N, C, H, W) → hidden_d dense blocks → logit (N,). Points are (N, 2, 1, 1).
Two hidden ReLU layers a network are usual for these toy data (Srivastava et al. 2017, arXiv 1705.07761; Lin et al. 2018, arXiv
1712.04086); the widths are the suite's own.
At the defaults, latent 2 and points: G 17,154 and D 17,025 parameters. Images of any shape can be made, too:
At the defaults and 28×28 grey images: G 130,576 and D 117,121 parameters (checked by a test).
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from ganzoo.layers import DenseDiscriminator, Init, dense_block, initialise
from ganzoo.models.mlp import Widths
from ganzoo.models.registry import Options, Shape, register


class PointGenerator(nn.Module):
    """z (N, latent) → points (N, C, H, W), unbounded."""

    def __init__(self, latent: int, shape: Shape, options: PointMLP.Options):
        super().__init__()
        self.shape = shape
        channels, height, width = shape
        widths = [latent, *options.hidden_g]
        blocks = [dense_block(a, b, options.slope, batchnorm=options.batchnorm_g) for a, b in zip(widths[:-1], widths[1:], strict=True)]
        self.layers = nn.Sequential(*(layer for block in blocks for layer in block), nn.Linear(widths[-1], channels * height * width))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).unflatten(1, self.shape)


@register("point-mlp")
class PointMLP:
    """The dense pair without an output activation."""

    class Options(Options):
        hidden_g: Widths = Field([128, 128], description="widths of G's hidden layers")
        hidden_d: Widths = Field([128, 128], description="widths of D's hidden layers")
        batchnorm_g: bool = Field(False, description="batch norm before G's hidden activations, torch's eps and momentum")
        slope: float = Field(0.0, ge=0, description="LeakyReLU's negative slope; 0: ReLU")
        init: Init = Field("glorot-uniform", description="law of the first weights")

    @staticmethod
    def build(options: PointMLP.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        g = PointGenerator(latent, image, options)
        d = DenseDiscriminator(image, options.hidden_d, options.slope, dropout=0.0)
        initialise(g, options.init)
        initialise(d, options.init)
        return g, d
