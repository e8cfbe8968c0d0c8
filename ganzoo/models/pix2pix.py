"""`pix2pix`: a picture to its counterpart, after Isola, Zhu, Zhou & Efros, "Image-to-Image Translation with Conditional Adversarial
Networks" (2017), arXiv 1611.07004, as *selfgan*'s author has it (github.com/HighCWu/SelfGAN, 0b3fbd4, `self_pix2pix.ipynb`).

G is a U-Net: the side is halved `depth` times, down to one pixel, and doubled again; what each halving gave is put beside what the
doubling to its side gives. D sees a picture and its source together and gives an output for each patch (`ganzoo/patch_layers.py`).

At the defaults and 256×256 colour images: G 54,404,099 and D 2,767,808 parameters (checked by a test).

What the code has otherwise than the paper: instance norm for batch norm; dropout in the encoder, too, and in a fourth layer of the
decoder (`dropout_where`); a last layer that upsamples to the nearest pixel before an ordinary convolution (`last`); patches of 94
pixels (`patch`). There is no z: what is random in G is its dropout, which the paper and the code leave on when they sample.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle

from ganzoo.convolutions import DoublingConv, HalvingConv
from ganzoo.errors import SpecError
from ganzoo.layers import Init, initialise_convolutions
from ganzoo.models.mlp import Rate
from ganzoo.models.registry import Options, Shape, register
from ganzoo.patch_layers import InstanceNorm, Patch, PatchDiscriminator

Width = Annotated[int, Field(gt=0)]
SIDES = (32, 64, 128, 256)  # and every power of two after them
# Kernel taps (of 4) that meet the input rows m-1, m and m+1 in the upsampled rows 2m and 2m+1.
_TAPS = (((0, 1), (2, 3), ()), ((0,), (1, 2), (3,)))


class NearestThenPaddedConv(nn.Conv2d):
    """Every pixel four times, zeros around them (two at the left and the top, one elsewhere), a 4×4 convolution:
    (N, a, s, s) → (N, b, 2s, 2s).

    The three are one 3×3 convolution to the four interleaved images: less arithmetic, and no (N, a, 2s, 2s).
    """

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(channels_in, channels_out, 4)
        meets = torch.tensor([[[float(tap in taps) for tap in range(4)] for taps in row] for row in _TAPS])
        self.register_buffer("meets", meets, persistent=False)  # (2, 3, 4): row or column of four, input tap, kernel tap

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            kernel = torch.einsum("ptr,quc,oirc->opqitu", self.meets, self.meets, self.weight).flatten(0, 2)  # (4b, a, 3, 3)
        out = pixel_shuffle(conv2d(x, kernel, padding=1), 2)
        return out + self.bias.to(out.dtype)[:, None, None]


def down(channels_in: int, channels_out: int, *, norm: bool, slope: float, dropout: float) -> nn.Sequential:
    """(N, a, s, s) → (N, b, s/2, s/2)."""
    norms = [InstanceNorm(channels_out)] if norm else []
    drops = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(HalvingConv(channels_in, channels_out, bias=False), *norms, nn.LeakyReLU(slope, inplace=True), *drops)


def up(channels_in: int, channels_out: int, *, dropout: float) -> nn.Sequential:
    """(N, a, s, s) → (N, b, 2s, 2s)."""
    drops = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(
        DoublingConv(channels_in, channels_out, bias=False), InstanceNorm(channels_out), nn.ReLU(inplace=True), *drops
    )  # fmt: skip


class UNet(nn.Module):
    """Source (N, C, H, W) → picture (N, C, H, W). Channels double from `width` to 8·width; dropout stands where there are that many.

    Instance norm in all halvings but the first and the last, which may leave one pixel, and in all doublings but the last.
    """

    def __init__(self, channels: int, depth: int, options: Pix2Pix.Options):
        super().__init__()
        most = 8 * options.width
        widths = [min(options.width << i, most) for i in range(depth)]
        rates = [options.dropout if width == most else 0.0 for width in widths]
        encoded = rates if options.dropout_where == "both" else [0.0] * depth
        self.down = nn.ModuleList(
            down(a, b, norm=0 < i < depth - 1, slope=options.slope, dropout=encoded[i])
            for i, (a, b) in enumerate(zip([channels, *widths[:-1]], widths, strict=True))
        )
        if options.dropout_where == "decoder":
            rates[3:4] = [0.0]  # the paper's decoder drops in its first three layers, the last of 8·width channels is without
        self.up = nn.ModuleList(
            up(widths[i + 1] * (1 if i == depth - 2 else 2), widths[i], dropout=rates[i]) for i in reversed(range(depth - 1))
        )
        last = NearestThenPaddedConv(2 * options.width, channels)
        if options.last == "transposed":
            last = DoublingConv(2 * options.width, channels, bias=True)
        self.last = nn.Sequential(last, nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
        for layer, beside in zip(self.up, kept[-2::-1], strict=True):
            x = torch.cat((layer(x), beside), 1)
        return self.last(x)


class PairDiscriminator(PatchDiscriminator):
    """Picture and source, each (N, C, H, W) → outputs (N, 1, h, w)."""

    def forward(self, image: Tensor, source: Tensor) -> Tensor:
        return super().forward(torch.cat((image, source), 1))


@register("pix2pix")
class Pix2Pix:
    """A U-Net, and a discriminator of patches that sees the source, too."""

    TASK = "paired"
    SIDES = SIDES

    class Options(Options):
        width: Width = Field(64, description="channels of G's first layer and of D's; they grow to eight times as many")
        width_d: Width | None = Field(None, description="channels of D's first layer; none given: width")
        depth: Annotated[int, Field(ge=2)] | None = Field(
            None, description="how often G halves the side; none given: until one pixel is left (8 at side 256)"
        )
        dropout: Rate = Field(0.5, description="rate of dropout in G, in layers of 8 * width channels; the only chance in G, there is no z")
        dropout_where: Literal["both", "decoder"] = Field(
            "both",
            description="both (the code): in all such layers of encoder and decoder; decoder (the paper): there, in all but the last",
        )
        last: Literal["nearest", "transposed"] = Field(
            "nearest",
            description="how G doubles the side for the last time. nearest (the code): nearest upsampling, two zeros at the left and the "
            "top and one elsewhere, a 4x4 convolution; transposed (the paper): a 4x4 transposed convolution of stride 2",
        )
        patch: Patch = Field(94, description="side, in pixels, of what an output of D sees. 94: the code; 70: the paper")
        slope: float = Field(0.2, ge=0, description="LeakyReLU's negative slope, in D and G's encoder")
        init: Init = Field("normal-0.02", description="law of the first weights; normal-0.02: of weights alone, biases as torch draws them")

    @staticmethod
    def build(options: Pix2Pix.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """`image`: the shape of one side; `latent` plays no part. SpecError for sides that are no powers of two from 32 up."""
        channels, height, width = image
        if any(side < min(SIDES) or side & (side - 1) for side in (height, width)):
            raise SpecError(
                f"model 'pix2pix' halves its images until one pixel is left: their sides must be powers of two from 32 up "
                f"({', '.join(map(str, SIDES))} and so on), not {height}x{width}. Set data.resize to one of these."
            )
        most = min(height, width).bit_length() - 1
        depth = options.depth or most
        if depth > most:
            raise SpecError(
                f"model.depth is {depth}, but images of {height}x{width} can be halved {most} times: expected 2 to {most}. Lower it, leave "
                f"it out for {most}, or set data.resize to {1 << depth} or more."
            )
        g = UNet(channels, depth, options)
        d = PairDiscriminator(
            (2 * channels, height, width), options.width_d or options.width, slope=options.slope, patch=options.patch, last_bias=False
        )
        for net in (g, d):
            initialise_convolutions(net, options.init)
        return g, d
