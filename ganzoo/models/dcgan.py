"""`dcgan`: the convolutional pair of Radford, Metz & Chintala, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks" (2015), arXiv 1511.06434, §3, for square images of side 32 to 256, as *iyengar* generalises it.

z (N, latent) → 4×4 → … → (N, width_g, side/2, side/2) → (N, C, side, side), channels halved wherever the side doubles;
image → (N, width_d, side/2, side/2) → … → 4×4 → logit (N,), channels doubled wherever the side halves.
4×4 kernels without bias; batch norm in all layers but G's last and D's first and last. The networks stand in `ganzoo/layers/dcgan.py`.
At the defaults and 64×64 colour images: G 3,576,704 and D 2,765,568 parameters (checked by a test).

Default widths are those of *iyengar*'s code (github.com/rikenmehta03/gan_mine, 3693ba3, `model/dcgan.py`): G has 2^⌊log₂(side)/2⌋·side
channels at 4×4, D has `side` channels in its first layer. So G ends in 32, 64, 64, 128 and begins with 128, 512, 1024, 4096 channels;
D grows from 32, 64, 128, 256 to 128, 512, 2048, 8192 (715 million parameters at side 256: set width_d).

Each practice of Radford's list can be given up alone, for *machinecurve*: `down`, `up`, `batchnorm`, `hidden_dense`, `activation_g`,
`activation_d`. At the defaults they change nothing.

`attention` puts non-local blocks between the layers, the self-attention that *iyengar* names as future work (§4), in the form of Zhang,
Goodfellow, Metaxas & Odena, "Self-Attention Generative Adversarial Networks" (2018), arXiv 1805.08318, §3, eq. 1-3, and of *iyengar*'s own
block: no pooling, begun at the identity. Their weights are drawn after all others, which so begin as they do without.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from ganzoo.layers import (
    DCGAN_SIDES,
    ConvThenAverage,
    DCGANDiscriminator,
    DCGANGenerator,
    Init,
    NearestThenConv,
    NonLocalBlock,
    activation,
    dcgan_side,
    dcgan_width_g,
    initialise_dcgan,
    normalise_spectrally,
    strided,
    transposed,
)
from ganzoo.layers.residual_networks import attention_sides
from ganzoo.models.mlp import Rate
from ganzoo.models.registry import Options, Shape, register

Width = Annotated[int, Field(gt=0)] | None


def averaged(channels_in: int, channels_out: int, *, bias: bool) -> list[nn.Module]:
    return [ConvThenAverage(channels_in, channels_out, 3, padding=1, bias=bias)]


def max_pooled(channels_in: int, channels_out: int, *, bias: bool) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=bias), nn.MaxPool2d(2)]


def nearest(channels_in: int, channels_out: int, *, bias: bool) -> list[nn.Module]:
    return [NearestThenConv(channels_in, channels_out, 3, padding=1, bias=bias)]


def attended(layers: nn.Sequential, maps: list[int], sides: tuple[int, ...], act: str) -> tuple[nn.Sequential, list[NonLocalBlock]]:
    """`layers` with a non-local block after the activation of each hidden layer whose maps have one of `sides`, and these blocks.

    maps: sides of the hidden layers' maps, in order.
    """
    kind, left, found, blocks = type(activation(act, 0.0)), list(maps), [], []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d | nn.Conv2d | nn.ConvTranspose2d):
            channels = layer.num_features if isinstance(layer, nn.BatchNorm2d) else layer.out_channels
        found.append(layer)
        if isinstance(layer, kind) and left and left.pop(0) in sides:
            blocks.append(NonLocalBlock(channels, pooled=False))
            found.append(blocks[-1])
    return nn.Sequential(*found), blocks


DOWN = {"strided": strided, "max-pool": max_pooled, "avg-pool": averaged}
UP = {"transposed": transposed, "nearest": nearest}


@register("dcgan")
class DCGAN:
    """Strided convolutions both ways."""

    SIDES = DCGAN_SIDES

    class Options(Options):
        width_g: Width = Field(None, description="G's channels before the last layer; none given: 32, 64, 64, 128 by side (iyengar's code)")
        width_d: Width = Field(None, description="channels of D's first layer; none given: the images' side (iyengar's code)")
        spectral_norm: Literal["none", "d", "g", "both"] = Field(
            "none", description="whose convolutions are under it, all of them; dense layers are not"
        )
        dropout_where: Literal["none", "inner", "every"] = Field(
            "none",
            description="in D, between batch norm and activation. inner (iyengar's text): single units, after all convolutions but the "
            "first and last; every (iyengar's code): whole channels, in every block, and its blocks are those same convolutions",
        )
        dropout_d: Rate = Field(0.5, description="rate of that dropout, where there is any")
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope")
        down: Literal["strided", "max-pool", "avg-pool"] = Field(
            "strided", description="how D halves the side: 4x4 convolutions of stride 2; or 3x3 ones with 2x2 pooling right after"
        )
        up: Literal["transposed", "nearest"] = Field(
            "transposed", description="how G doubles the side: 4x4 transposed convolutions of stride 2; or nearest upsampling and 3x3 ones"
        )
        batchnorm: Literal["both", "g", "d", "none"] = Field(
            "both", description="who has it; where it is taken away, the layer before it gets a bias in its stead"
        )
        hidden_dense: list[Annotated[int, Field(gt=0)]] = Field(
            [],
            description="widths of dense hidden layers between z and G's 4x4 map, with batch norm where the rest of G has it, and again "
            "between D's 4x4 map and the logit, with biases and without batch norm",
        )
        activation_g: Literal["relu", "leaky-relu", "tanh", "sigmoid"] = Field("relu", description="after each hidden layer of G")
        activation_d: Literal["leaky-relu", "relu", "tanh"] = Field("leaky-relu", description="after each hidden layer of D")
        attention: list[Annotated[int, Field(gt=0)]] = Field(
            [],
            description="sides of the maps that a non-local block (SAGAN's self-attention) follows, in G and D; it is under spectral norm "
            "where the network is",
        )
        init: Init = Field("normal-0.02", description="law of the first weights; normal-0.02: of batch norm's scales, too, around 1")

    @staticmethod
    def build(options: DCGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """SpecError for images that are not square or whose side is no power of two from 32 up, and for `attention` on no map."""
        side = dcgan_side("dcgan", image)
        sides = attention_sides(options.attention, side, 4)
        g = DCGANGenerator(
            latent, image, options.width_g or dcgan_width_g(side), slope=options.slope, act=options.activation_g,
            batchnorm=options.batchnorm in ("g", "both"), up=UP[options.up], dense=options.hidden_dense,
        )  # fmt: skip
        kind = {"none": None, "inner": nn.Dropout, "every": nn.Dropout2d}[options.dropout_where]
        d = DCGANDiscriminator(
            image, options.width_d or side, slope=options.slope, act=options.activation_d, batchnorm=options.batchnorm in ("d", "both"),
            down=DOWN[options.down], dense=options.hidden_dense, dropout=kind and partial(kind, options.dropout_d),
        )  # fmt: skip
        for net, name in ((g, "g"), (d, "d")):
            initialise_dcgan(net, options.init)
            if options.spectral_norm in (name, "both"):
                normalise_spectrally(net)
        rising = [4 << i for i in range(side.bit_length() - 3)]
        for net, name, maps, act in ((g, "g", rising, options.activation_g), (d, "d", rising[::-1], options.activation_d)):
            net.layers, blocks = attended(net.layers, maps, sides, act)
            for block in blocks:
                initialise_dcgan(block, options.init)
                if options.spectral_norm in (name, "both"):
                    normalise_spectrally(block)
        return g, d
