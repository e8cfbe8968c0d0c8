"""`mlp-gan`: the dense GAN of Goodfellow et al., "Generative Adversarial Nets" (2014), arXiv 1406.2661, §5, as a ladder of widths.

z (N, latent) → hidden_g dense blocks → dense → (N, C, H, W);  image → hidden_d dense blocks → logit (N,).
At the defaults and 28×28 grey images: G 1,506,448 and D 1,492,993 parameters (checked by a test).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from ganzoo.layers import DenseDiscriminator, Init, dense_block, initialise
from ganzoo.models.registry import Options, Shape, register

Widths = Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class DenseGenerator(nn.Module):
    """z (N, latent) → image (N, C, H, W)."""

    def __init__(self, latent: int, image: Shape, options: MLPGAN.Options):
        super().__init__()
        self.image = image
        channels, height, width = image
        widths = [latent, *options.hidden_g]
        blocks = [
            dense_block(a, b, options.slope, batchnorm=options.batchnorm_g, dropout=options.dropout_g)
            for a, b in zip(widths[:-1], widths[1:], strict=True)
        ]
        self.layers = nn.Sequential(*(layer for block in blocks for layer in block), nn.Linear(widths[-1], channels * height * width))
        self.output = nn.Tanh() if options.output == "tanh" else nn.Sigmoid()

    def forward(self, z: Tensor) -> Tensor:
        return self.output(self.layers(z)).unflatten(1, self.image)


@register("mlp-gan")
class MLPGAN:
    """The dense pair."""

    class Options(Options):
        hidden_g: Widths = Field([128, 256, 512, 1024], description="widths of G's hidden layers")
        hidden_d: Widths = Field([1024, 512, 256, 128], description="widths of D's hidden layers")
        dropout_g: Rate = Field(0.0, description="dropout after each LeakyReLU of G")
        dropout_d: Rate = Field(0.0, description="dropout after each LeakyReLU of D")
        batchnorm_g: bool = Field(False, description="batch norm before G's hidden activations, torch's eps and momentum")
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope")
        init: Init = Field("glorot-uniform", description="law of the first weights")
        output: Literal["tanh", "sigmoid"] = Field("tanh", description="G's last activation")

    @staticmethod
    def build(options: MLPGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        g = DenseGenerator(latent, image, options)
        d = DenseDiscriminator(image, options.hidden_d, options.slope, options.dropout_d)
        initialise(g, options.init)
        initialise(d, options.init)
        return g, d
