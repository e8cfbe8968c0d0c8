"""`selfgan-dense`, `selfgan-conv`: the networks of Hecong Wu, "SelfGAN — Not A GAN But Punch Itself", as the PyTorch notebooks have them.

From github.com/HighCWu/SelfGAN, 0b3fbd4: `implementations/gan/self_gan.ipynb` and `implementations/dcgan/self_dcgan.ipynb`. The
sigmoid after D's last layer is left to the losses; how the two networks are trained is the recipe's affair.

Batch norm's second argument is 0.8 there, which torch takes for eps: a slip, known from other code, for a momentum. Here it is
`batchnorm_eps`. It damps: a channel of variance v leaves batch norm with variance v / (v + 0.8).
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ganzoo.errors import SpecError
from ganzoo.layers import DenseDiscriminator, Init, NearestThenConv, initialise, initialise_convolutions
from ganzoo.models.mlp import Rate, Widths
from ganzoo.models.registry import Options, Shape, register

Width = Annotated[int, Field(gt=0)]
SIDES = (32, 48, 64)  # and every multiple of 16 after them


class DenseGenerator(nn.Module):
    """z (N, latent) → image (N, C, H, W). Batch norm in all hidden layers but the first."""

    def __init__(self, latent: int, image: Shape, options: SelfGANDense.Options):
        super().__init__()
        self.image = image
        channels, height, width = image
        widths = options.hidden_g
        layers = [nn.Linear(latent, widths[0]), nn.LeakyReLU(options.slope, inplace=True)]
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Linear(a, b), nn.BatchNorm1d(b, options.batchnorm_eps), nn.LeakyReLU(options.slope, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], channels * height * width), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).unflatten(1, self.image)


@register("selfgan-dense")
class SelfGANDense:
    """The dense pair: z (N, latent) → hidden_g dense layers → dense → tanh → (N, C, H, W);  image → hidden_d dense layers → logit (N,).

    At the defaults and 28×28 grey images: G 1,510,032 and D 533,505 parameters (checked by a test).
    """

    class Options(Options):
        hidden_g: Widths = Field([128, 256, 512, 1024], description="widths of G's hidden layers; all but the first have batch norm")
        hidden_d: Widths = Field([512, 256], description="widths of D's hidden layers, without batch norm")
        batchnorm_eps: float = Field(
            0.8, gt=0, description="eps of batch norm. 0.8: the author's slip, a momentum put in its place; torch's own is 1e-5"
        )
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope")
        init: Init = Field("torch-default", description="law of the first weights")

    @staticmethod
    def build(options: SelfGANDense.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        g = DenseGenerator(latent, image, options)
        d = DenseDiscriminator(image, options.hidden_d, options.slope, 0.0)
        initialise(g, options.init)
        initialise(d, options.init)
        return g, d


class ConvGenerator(nn.Module):
    """z (N, latent) → dense → (N, a, side/4, side/4) → … → image (N, C, side, side); a, b: `filters_g`.

    The first batch norm, right after the dense layer, has torch's eps. Upsampling is to the nearest pixel.
    """

    def __init__(self, latent: int, image: Shape, options: SelfGANConv.Options):
        super().__init__()
        channels, side, _ = image
        a, b = options.filters_g
        self.map = (a, side // 4, side // 4)
        self.dense = nn.Linear(latent, a * (side // 4) ** 2)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(a),
            NearestThenConv(a, a, 3, padding=1),  # (N, a, side/2, side/2)
            nn.BatchNorm2d(a, options.batchnorm_eps), nn.LeakyReLU(options.slope, inplace=True),
            NearestThenConv(a, b, 3, padding=1),  # (N, b, side, side)
            nn.BatchNorm2d(b, options.batchnorm_eps), nn.LeakyReLU(options.slope, inplace=True),
            nn.Conv2d(b, channels, 3, padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        maps = self.dense(z).unflatten(1, self.map)  # (N, a, side/4, side/4)
        if self.layers[1].weight.is_contiguous(memory_format=torch.channels_last):
            maps = maps.contiguous(memory_format=torch.channels_last)  # or layouts alternate from layer to layer, a fifth slower
        return self.layers(maps)


class ConvDiscriminator(nn.Module):
    """Image (N, C, side, side) → four 3×3 convolutions of stride 2 → (N, filters_d[-1], side/16, side/16) → dense → logit (N,).

    Each is followed by LeakyReLU, dropout of whole channels, and then batch norm, which the first one lacks.
    """

    def __init__(self, image: Shape, options: SelfGANConv.Options):
        super().__init__()
        channels, side, _ = image
        widths = [channels, *options.filters_d]
        layers: list[nn.Module] = []
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            norm = [nn.BatchNorm2d(b, options.batchnorm_eps)] if layers else []
            layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.LeakyReLU(options.slope, inplace=True)]
            layers += [*([nn.Dropout2d(options.dropout_d)] if options.dropout_d else []), *norm]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * (side // 16) ** 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).squeeze(1)


@register("selfgan-conv")
class SelfGANConv:
    """The convolutional pair, for square images: G doubles the side twice, from a quarter of it, and D halves it four times.

    At the defaults and 32×32 grey images: G 1,049,985 and D 98,113 parameters (checked by a test).
    At 64×64 colour images: G 3,533,315 and D 99,937 parameters (checked by a test).
    """

    SIDES = SIDES

    class Options(Options):
        filters_g: Annotated[list[Width], Field(min_length=2, max_length=2)] = Field(
            [128, 64], description="channels of G up to half of the side, and at the whole side"
        )
        filters_d: Annotated[list[Width], Field(min_length=4, max_length=4)] = Field(
            [16, 32, 64, 128], description="channels of D at a half, a quarter, an eighth and a sixteenth of the side"
        )
        batchnorm_eps: float = Field(
            0.8, gt=0, description="eps of batch norm, as in selfgan-dense; the first one of G has torch's own all the same"
        )
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope")
        dropout_d: Rate = Field(0.25, description="dropout of whole channels after each LeakyReLU of D, before batch norm")
        init: Init = Field(
            "normal-0.02",
            description="law of the first weights; normal-0.02: of convolutions alone, and of batch norm's scales around 1; dense layers "
            "and all biases as torch draws them",
        )

    @staticmethod
    def build(options: SelfGANConv.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """SpecError for images that are not square or whose side is no multiple of 16 from 32 up.

        D's last map would otherwise not have the side // 16 of the author's dense layer. At 16 it would be one pixel: its batch norm makes
        the mean logit the same for every batch, reals or fakes, and D could not learn to tell them apart.
        """
        _, height, width = image
        if height != width or height < min(SIDES) or height % 16:
            raise SpecError(
                f"model 'selfgan-conv' makes square images whose side is a multiple of 16 from 32 up ({', '.join(map(str, SIDES))} and so "
                f"on), not {height}x{width}. Set data.resize to such a side (28x28 digits: data.resize: 32)."
            )
        g, d = ConvGenerator(latent, image, options), ConvDiscriminator(image, options)
        initialise_convolutions(g, options.init)
        initialise_convolutions(d, options.init)
        return g, d
