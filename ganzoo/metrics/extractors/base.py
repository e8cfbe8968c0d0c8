"""What every extractor is: a frozen network with the way that images reach it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganzoo.errors import DataError
from ganzoo.metrics.extractors.precision import full_precision

Shape = tuple[int, int, int]  # channels, height, width

# The metrics that make sense of what an extractor gives, in the order of records. Features alone; with the labels of ImageNet, of which
# those reached say nothing; with labels that are the data's own; of stacked digits, whose many labels are modes; of points.
FEATURES = ("frechet", "kid", "precision", "recall", "density", "coverage")
LABELS = ("frechet", "kid", "is", "is_split_std", "precision", "recall", "density", "coverage")
CLASSES = (*LABELS, "modes", "entropy")
STACKS = (*FEATURES, "modes", "entropy", "mode_kl")
POINTS = ("frechet", "precision", "recall", "density", "coverage", "modes", "entropy", "mode_kl", "high_quality")


def unchanged(x: Tensor) -> Tensor:
    return x


def unit(x: Tensor) -> Tensor:
    """0..255 → 0..1."""
    return x.div(255.0)


@dataclass(frozen=True, eq=False)
class Extractor:
    """Images → features (N, dim) and logits (N, classes), or (N, classes + 1) with `none`; float32, on `device`.

    On the way from pixels: `before` on 0..255, `resize`, `after`, `network`. Images go through in pieces of `chunk`, without gradients,
    in full float32 (no TF32, no autocast), whatever the caller has switched on.
    """

    name: str
    weights: str  # sha256 of the weights file
    channels: int  # of the images it takes; a network of 3 channels takes grey images too, repeated
    size: tuple[int, int] | None  # exact (H, W) it takes; None: any size, resized inside
    dim: int  # of the features
    classes: int  # of the logits; 0: none
    chunk: int  # images at once that suit it
    preprocessing: str  # in words, part of the protocol
    network: Callable[[Tensor], tuple[Tensor, Tensor]] = field(repr=False)
    before: Callable[[Tensor], Tensor] = field(default=unchanged, repr=False)
    resize: Callable[[Tensor], Tensor] = field(default=unchanged, repr=False)
    after: Callable[[Tensor], Tensor] = field(default=unchanged, repr=False)
    device: torch.device = field(default=torch.device("cpu"))
    dead: int = 0  # features known never to vary: that so many are constant tells nothing of the images
    measures: tuple[str, ...] = FEATURES  # the metrics that make sense of what it gives
    none: bool = False  # whether a last logit stands for "none of the classes"
    parts: int = 1  # its classes are all combinations of so many labels, which are independent of each other in the data
    grey: bool = True  # whether a network of 3 channels takes grey images, repeated
    points: bool = False  # it reads points, floats as they are

    @property
    def logits(self) -> int:
        """How many there are."""
        return self.classes + self.none

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (N, C, H, W), or float points → features, logits. DataError for another dtype or shape."""
        wanted = (images.is_floating_point(), "floating point") if self.points else (images.dtype == torch.uint8, "uint8, 0..255")
        self._check(images, *wanted)
        return self._run(images, lambda x: self.after(self.resize(self.before(x))))

    def embed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """float (N, C, H, W) on the network's own input scale, any range → features, logits: resized, not normalised."""
        self._check(x, x.is_floating_point(), "floating point")
        return self._run(x, self.resize)

    def _check(self, images: Tensor, right: bool, wanted: str) -> None:
        if not right:
            raise DataError(f"{self.name} got images of dtype {images.dtype}, expected {wanted}.")
        if (
            images.ndim != 4
            or not images.shape[2] * images.shape[3]
            or not fits(self.channels, self.size, tuple(images.shape[1:]), self.grey)
        ):
            reads = in_words(self.channels, self.size, self.grey)
            raise DataError(f"{self.name} got images of shape {tuple(images.shape)}, expected (N, C, H, W) of {reads}.")

    def _run(self, images: Tensor, prepare: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        features, logits = [], []
        with torch.inference_mode(), full_precision(self.device):
            for piece in images.split(self.chunk):
                x = piece.to(self.device).to(torch.float32).expand(-1, self.channels, -1, -1)
                f, y = self.network(prepare(x))
                features.append(self._shaped(f, len(piece), self.dim, "features"))
                logits.append(self._shaped(y, len(piece), self.logits, "logits"))
        return _joined(features, self.dim, self.device), _joined(logits, self.logits, self.device)

    def _shaped(self, y: Tensor, count: int, width: int, what: str) -> Tensor:
        if tuple(y.shape) != (count, width):
            raise DataError(f"{self.name} gave {what} of shape {tuple(y.shape)} for {count} images, expected ({count}, {width}).")
        return y.to(torch.float32)


def _joined(parts: list[Tensor], width: int, device: torch.device) -> Tensor:
    """Joined outside inference mode: a tensor like any other, which may be altered in place."""
    return torch.cat(parts) if parts else torch.empty(0, width, device=device)


def fits(channels: int, size: tuple[int, int] | None, shape: Shape, grey: bool = True) -> bool:
    """Whether images of `shape` (C, H, W) can be read."""
    return (shape[0] == channels or (grey and shape[0] == 1 and channels == 3)) and size in (None, tuple(shape[1:]))


def in_words(channels: int, size: tuple[int, int] | None, grey: bool = True) -> str:
    """What can be read, for messages: "3 channels (or 1, repeated), any size"."""
    if size == (1, 1):
        return f"points of {channels} coordinates, as shape {(channels, 1, 1)}"
    either = " (or 1, repeated)" if channels == 3 and grey else ""
    return f"{channels} channel{'s' if channels > 1 else ''}{either}, {'any size' if size is None else f'{size[0]}×{size[1]}'}"
