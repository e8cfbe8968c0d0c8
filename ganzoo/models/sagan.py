"""`sagan`: Zhang, Goodfellow, Metaxas & Odena, "Self-Attention Generative Adversarial Networks" (2018), arXiv 1805.08318, the base line of
`biggan`, for square images of side 32, 64 or 128.

The networks are those of `biggan` without what Brock et al. add to them: z feeds the first layer alone, and each norm of G has gains and
shifts of its own for each class. The rest is SAGAN's: all convolutions, dense layers and D's class embedding under spectral norm in both
networks, the non-local blocks' too; projection in D; first weights after Glorot. Hinge loss and two learning rates are the case's.

At the defaults, 128 latents and 128×128 colour images: G 32,232,708 and D 38,439,618 parameters (checked by a test).

Layout and non-local block are those of the authors' code (github.com/brain-research/self-attention-gan, `generator_test`,
`discriminator_test`, `non_local.py`): attention at 32×32, keys and values max-pooled 2×2, values of C/2 channels, an output convolution, no
biases. The paper's eq. 1-3 pool nothing: `pooled_attention: false`. It stands at 32×32 at side 64, too, which is half of that, and at 16×16
at side 32, which their code does not make.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from pydantic import Field
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


@register("sagan")
class SAGAN:
    """Residual blocks with class-conditional batch norm, a projection, and attention."""

    SIDES = RESIDUAL_SIDES

    class Options(Options):
        ch: Positive = Field(64, description="width: channels are multiples of it, 1 to 16 by layer (4 in all layers at side 32)")
        num_classes: int = Field(0, ge=0, description="classes that G and D are told, those of the data; 0: none")
        spectral_norm: Literal["both", "g", "d", "none"] = Field(
            "both", description="whose convolutions and dense layers are under it, and D's class embedding with them"
        )
        attention: list[Positive] | None = Field(
            None, description="sides of the maps that a non-local block follows, in G and D; none given: 32, and 16 at side 32"
        )
        pooled_attention: bool = Field(True, description="keys and values are max-pooled 2x2 (their code); false: as in the paper")
        init: Init = Field("glorot-uniform", description="law of the first weights")

    @staticmethod
    def build(options: SAGAN.Options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]:
        """SpecError for images of other sides, and for `attention` on no map."""
        side = residual_side("sagan", image)
        attention = attention_sides([min(32, side // 2)] if options.attention is None else options.attention, side, 8)
        block = partial(NonLocalBlock, pooled=options.pooled_attention)
        alike = {"num_classes": options.num_classes, "attention": attention, "block": block}
        g = ResidualGenerator("sagan", latent, image, options.ch, **alike, width=0, hierarchical=False, conditional=True)
        d = ResidualDiscriminator(image, options.ch, **alike)
        for net in (g, d):
            initialise(net, options.init)
        normalise_pair(g, d, options.spectral_norm)
        return g, d
