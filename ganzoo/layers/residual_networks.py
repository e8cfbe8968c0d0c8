"""Generator and discriminator of residual blocks, as SAGAN and BigGAN share them, for square images of side 32, 64 or 128.

128×128: Brock, Donahue & Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019), arXiv 1809.11096,
Appendix B, Table 4, which is *iyengar*'s Figure 4. 64×64 and 32×32: Brock's own code (github.com/ajbrock/BigGAN-PyTorch, `BigGAN.py`,
`G_arch` and `D_arch`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ganzoo.errors import SpecError
from ganzoo.layers.attention import NonLocalBlock
from ganzoo.layers.conditional import ClassBatchNorm, ConditionalBatchNorm, ProjectionHead, SharedEmbedding, chunk_size, chunks
from ganzoo.layers.residual import DownBlock, UpBlock
from ganzoo.layers.spectral import CONVOLUTIONS, normalise_spectrally

Attention = Callable[[int], NonLocalBlock]  # channels → block


@dataclass(frozen=True)
class Widths:
    """Channels of both networks, in units of `ch`."""

    g: tuple[int, ...]  # of the 4×4 map, and after each block, which doubles the side
    down: tuple[int, ...]  # after each block of D that halves the side
    level: tuple[int, ...]  # after each block behind those, which keeps it


WIDTHS = {
    32: Widths((4, 4, 4, 4), (4, 4), (4, 4)),
    64: Widths((16, 16, 8, 4, 2), (1, 2, 4, 8), (16,)),
    128: Widths((16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16), (16,)),
}
RESIDUAL_SIDES = tuple(WIDTHS)


def residual_side(model: str, image: tuple[int, int, int]) -> int:
    """The side of the images; SpecError for images that are not square or of another side than these networks are laid out for."""
    _, height, width = image
    if height != width or height not in WIDTHS:
        raise SpecError(
            f"model '{model}' makes square images of side {', '.join(map(str, RESIDUAL_SIDES))}, not {height}x{width}. "
            "Set data.resize to one of these sides (28x28 digits: data.resize: 32)."
        )
    return height


def attention_sides(asked: Sequence[int], side: int, least: int) -> tuple[int, ...]:
    """Checked: SpecError for sides of which not both networks have a map between their blocks. They have them from `least` to side/2."""
    known = [least << i for i in range((side // least).bit_length() - 1)]
    for one in asked:
        if one not in known:
            raise SpecError(
                f"model.attention names side {one}, but between the layers of both networks, for {side}x{side} images, there are maps of "
                f"side {', '.join(map(str, known))}. Name some of these, or none: []."
            )
    if len(set(asked)) < len(asked):
        raise SpecError(f"model.attention is {list(asked)}, expected each side once. Remove the repeated one.")
    return tuple(asked)


def normalise_pair(g: nn.Module, d: nn.Module, whose: str, iterations: int = 1) -> None:
    """Spectral norm on all convolutions, dense layers and tables of G, of D, of both or of none ("g", "d", "both", "none")."""
    for net, name in ((g, "g"), (d, "d")):
        if whose in (name, "both"):
            normalise_spectrally(net, (*CONVOLUTIONS, nn.Linear, nn.Embedding), iterations)


class ResidualGenerator(nn.Module):
    """z (N, latent), labels (N,) int64 if it is told classes → dense → (N, ·, 4, 4) → a block each doubling → (N, C, side, side).

    width: of the table of class embeddings that all norms share; 0: none, each norm has gains and shifts of its own for each class.
    hierarchical: z is cut into as many chunks as there are blocks, and one more for the dense layer; a block's chunk is part of the
    condition of its norms.
    conditional: the norms are told the class. Else the dense layer is, beside z (Mirza & Osindero 2014, arXiv 1411.1784).
    What a norm is told at all decides what it is: batch norm, `ClassBatchNorm` (a class alone, no shared table) or
    `ConditionalBatchNorm` (a chunk and the class, as the shared embedding or as one in `num_classes`).
    """

    def __init__(
        self, model: str, latent: int, image: tuple[int, int, int], ch: int, *, num_classes: int, width: int, hierarchical: bool,
        conditional: bool, attention: tuple[int, ...], block: Attention, as_code: bool = False,
    ):  # fmt: skip
        super().__init__()
        channels, side, _ = image
        self.num_classes = num_classes
        widths = [ch * unit for unit in WIDTHS[side].g]
        self.parts = len(widths) if hierarchical else 1
        chunk = chunk_size(latent, self.parts, model)
        in_block = chunk if hierarchical else 0
        told = (width or num_classes) if num_classes else 0
        self.at_norms, self.at_start = bool(told and conditional), bool(told and not conditional)
        self.tables = self.at_norms and not width and not hierarchical
        condition = in_block + (told if self.at_norms else 0)
        if self.tables:
            norm: Callable[[int], nn.Module] = partial(ClassBatchNorm, num_classes=num_classes)
        else:
            norm = partial(ConditionalBatchNorm, condition=condition, as_code=as_code) if condition else nn.BatchNorm2d
        self.embed = SharedEmbedding(num_classes, width) if told and width else None
        self.dense = nn.Linear(chunk + (told if self.at_start else 0), 16 * widths[0])
        self.blocks = nn.ModuleList(UpBlock(a, b, norm) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.attention = nn.ModuleDict({str(8 << i): block(b) for i, b in enumerate(widths[1:]) if 8 << i in attention})
        self.norm = nn.BatchNorm2d(widths[-1])
        self.last = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def class_told(self, labels: Tensor | None, like: Tensor) -> Tensor | None:
        """(N, width), or one in `num_classes` (N, num_classes)."""
        if not self.num_classes:
            return None
        if labels is None:
            raise ValueError(f"the generator is told {self.num_classes} classes: expected labels (N,), not None")
        return one_hot(labels, self.num_classes).to(like.dtype) if self.embed is None else self.embed(labels)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        start, *later = chunks(z, self.parts)
        told = None if self.tables else self.class_told(labels, z)
        x = self.dense(torch.cat((start, told), 1) if self.at_start else start).unflatten(1, (-1, 4, 4))
        for i, block in enumerate(self.blocks):
            pieces = [*later[i : i + 1], *([told] if self.at_norms else [])]
            x = block(x, labels if self.tables else torch.cat(pieces, 1) if pieces else None)
            if (name := str(x.shape[2])) in self.attention:
                x = self.attention[name](x)
        return self.last(self.norm(x).relu_()).tanh()


class ResidualDiscriminator(nn.Module):
    """Image (N, C, side, side), labels (N,) int64 if it is told classes → blocks → ReLU → sum over all places → logit (N,).

    num_classes: of the projection; 0: none, and labels, where they are given, play no part.
    again: one more block that halves the side stands after the first, of its width. relu_shortcut: see `DownBlock`.
    """

    def __init__(
        self, image: tuple[int, int, int], ch: int, *, num_classes: int, attention: tuple[int, ...], block: Attention,
        again: bool = False, relu_shortcut: bool = False,
    ):  # fmt: skip
        super().__init__()
        channels, side, _ = image
        down = [ch * unit for unit in WIDTHS[side].down]
        down = [down[0], *down] if again else down
        widths = [channels, *down, *(ch * unit for unit in WIDTHS[side].level)]
        self.blocks = nn.ModuleList(
            DownBlock(a, b, first=i == 0, down=i < len(down), relu_shortcut=relu_shortcut)
            for i, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True))
        )
        self.attended = {i: str(side >> (i + 1)) for i in range(len(down)) if side >> (i + 1) in attention}  # by block
        self.attention = nn.ModuleDict({name: block(down[i]) for i, name in self.attended.items()})
        self.head = ProjectionHead(widths[-1], num_classes)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.attended:
                x = self.attention[self.attended[i]](x)
        return self.head(x.relu().sum((2, 3)), labels)
