"""`biggan`: Brock, Donahue & Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019), arXiv 1809.11096, as
*iyengar* re-implements it (§2.1, Figure 4), for square images of side 32, 64 or 128.

z (N, latent) and labels (N,) → dense → 4×4 → residual blocks that double the side, non-local blocks among them → (N, C, side, side);
image and labels → residual blocks that halve it → sum over all places → logit (N,). The networks stand in
`ganzoo/layers/residual_networks.py`, their parts beside it. Hinge loss, learning rates, averaging and truncation are the case's.

At the defaults, 120 latents and 128×128 colour images: G 30,589,060 and D 38,424,258 parameters (checked by a test).
Told 1,000 classes: G 31,978,628 and D 39,448,258.

Each technique is an option and can be given up alone: `shared_embedding` (then each norm has gains and shifts of its own for each class),
`hierarchical_z` (then z feeds the first layer alone), `conditional_norm` (then the class is told to G's first layer, beside z),
`projection` (then D is told none), `spectral_norm`, `attention`. With `num_classes` 0 nobody is told a class, and the chunks of a
hierarchical z alone condition the norms.

`layout: code` is the authors' code (github.com/rikenmehta03/gan_mine, 3693ba3, `model/big_gan.py`, `model/blocks.py`). It departs from
the document's Figure 4 and text, or from Brock et al., in this:
1. D has one block more: after the first block, of ch channels, a second of ch, so that the last maps are 2×2 and not 4×4.
2. D's non-local block stands after that one, at a quarter of the side (32×32 of 128×128), not at half of it. G's is where Figure 4 has it.
3. The leading ReLU of D's blocks works in place, so that the shortcut, too, begins at ReLU(x); also in the last block, whose shortcut
   has no convolution.
4. Non-local blocks are not pooled: keys and values from every place, values of all C channels, no output convolution (Brock et al.: 2×2
   max pooling, C/2, an output convolution). Their convolutions have biases, and Glorot-uniform first weights.
5. Conditional norms project with one dense layer with bias, whose columns begin at 1 and 0 (`ConditionalBatchNorm`, `as_code`): in the
   first of G's maps all columns are 1, so that gains and shifts are both the sum of the condition. The gain is not 1 plus that.
6. That dense layer is not under spectral norm, though the text says all linear layers; the table of shared embeddings, a dense layer on
   the class as one of `num_classes`, is (Brock et al. leave it alone). It begins at U(-1/√classes, 1/√classes), D's at U(-0.1, 0.1).
Not carried over: power iterations also in eval mode (σ is the same function, its vectors stay), and what ends in an error there: networks
without classes, z of other sizes than 120 (the width of a norm's condition is written down as 148). Sides 32 and 64 do not stand in the
code; there 1 and 2 are done likewise.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, model_validator
from torch import nn

from ganzoo.layers import Init, NonLocalBlock, initialise
from ganzoo.layers.residual_networks import (
    RESIDUAL_SIDES,
    ResidualDiscriminator,
    ResidualGenerator,
    attention_sides,
    normalise_pair,
    residual_side,
)
from ganzoo.models.registry import Options, Shape, register

Positive = Annotated[int, Field(gt=0)]


@register("biggan")
class BigGAN:
    """Residual blocks, told the class in every norm of G and by projection in D."""

    SIDES = RESIDUAL_SIDES

    class Options(Options):
        ch: Positive = Field(64, description="width: channels are multiples of it, 1 to 16 by layer (4 in all layers at side 32)")
        num_classes: int = Field(0, ge=0, description="classes that G and D are told, those of the data; 0: none")
        layout: Literal["figure", "code"] = Field(
            "figure",
            description="figure: Brock et al.'s table, which is iyengar's Figure 4; code: what iyengar's code has otherwise, one more "
            "block in D with attention at a quarter of the side, ReLU before D's shortcuts, its own attention and conditional norms",
        )
        shared_embedding: bool = Field(
            True, description="one table of class embeddings, which each norm of G projects; false: each has gains and shifts of its own"
        )
        shared_width: Positive = Field(128, description="width of the shared embedding")
        hierarchical_z: bool = Field(
            True, description="z in equal chunks, for the first layer and for the norms of each block; false: all to the first layer"
        )
        conditional_norm: bool = Field(
            True, description="G's norms are told the class; false: the first layer is, beside z, and norms have a chunk of z or nothing"
        )
        projection: bool = Field(True, description="D's logit has the inner product of features and class embedding; false: D is not told")
        spectral_norm: Literal["both", "g", "d", "none"] = Field(
            "both", description="whose convolutions and dense layers are under it, and D's class embedding with them"
        )
        spectral_attention: bool = Field(
            False, description="the non-local blocks, too (Brock et al.'s code); iyengar's text and code leave them out"
        )
        power_iterations: Positive = Field(1, description="of spectral norm, a forward")
        attention: list[Positive] | None = Field(
            None,
            description="sides of the maps that a non-local block follows, in G and D; none given: half the images' side, in layout 'code' "
            "a quarter of it in D (stated for 128; 64 likewise), and nowhere at side 32, as in Brock's settings for CIFAR-10",
        )
        pooled_attention: bool | None = Field(
            None, description="keys and values are max-pooled 2x2 (Brock et al.); none given: in layout 'figure', not in 'code'"
        )
        init: Init = Field(
            "torch-default", description="law of the first weights; torch-default: iyengar's; orthogonal: Brock et al.'s (Saxe et al. 2014)"
        )

        @model_validator(mode="after")
        def _nothing_idle(self):
            """What another option leaves without effect is refused."""
            unused = [("power_iterations", 1), ("spectral_attention", False)] if self.spectral_norm == "none" else []
            unused += [("spectral_attention", False), ("pooled_attention", None)] if self.attention == [] else []
            for option, off in unused:
                if (value := getattr(self, option)) != off:
                    why = "spectral_norm is 'none'" if self.spectral_norm == "none" and option != "pooled_attention" else "attention is []"
                    raise ValueError(f"{option} is {value}, but {why}: expected {off}")
            return self

    @staticmethod
    def build(options: BigGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """SpecError for images of other sides, a z that does not divide, and `attention` on no map."""
        side, code = residual_side("biggan", image), options.layout == "code"
        if options.attention is None:
            at_g = () if side == 32 else (side // 2,)
            at_d = tuple(one // 2 for one in at_g) if code else at_g
        else:
            at_g = at_d = attention_sides(options.attention, side, 8)
        pooled = not code if options.pooled_attention is None else options.pooled_attention
        block = partial(NonLocalBlock, pooled=pooled, bias=code, spectral=options.spectral_attention)
        g = ResidualGenerator(
            "biggan", latent, image, options.ch, num_classes=options.num_classes, width=options.shared_width * options.shared_embedding,
            hierarchical=options.hierarchical_z, conditional=options.conditional_norm, attention=at_g, block=block, as_code=code,
        )  # fmt: skip
        told = options.num_classes if options.projection else 0
        d = ResidualDiscriminator(image, options.ch, num_classes=told, attention=at_d, block=block, again=code, relu_shortcut=code)
        for net in (g, d):
            initialise(net, options.init)
        if code and options.init == "torch-default":
            _begin_as_code(g, d)
        if g.embed is not None:
            g.embed.spectral = code
        normalise_pair(g, d, options.spectral_norm, options.power_iterations)
        return g, d


def _begin_as_code(g: ResidualGenerator, d: ResidualDiscriminator) -> None:
    """First weights that *iyengar*'s code draws otherwise than torch."""
    for net in (g, d):
        for block in net.attention.values():
            initialise(block, "glorot-uniform")
    if g.embed is not None:
        nn.init.uniform_(g.embed.weight, -1 / math.sqrt(g.num_classes), 1 / math.sqrt(g.num_classes))
    if d.head.embed is not None:
        nn.init.uniform_(d.head.embed.weight, -0.1, 0.1)
