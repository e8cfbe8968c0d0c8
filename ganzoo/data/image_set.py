"""One split of a data set as torch tensors, the form in which training and metrics use it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ganzoo.data.raw_set import RawSet


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images (or points) and labels of one split; sets with equal `digest` hold the same pixels and labels in the same order.

    Sets from class folders come ordered by class: shuffle before taking a part, or ask `load` for it with `limit`.
    """

    images: torch.Tensor  # uint8 (N, C, H, W), contiguous; C is 1 (grey) or 3 (RGB). Points: float32 (N, 2, 1, 1)
    labels: torch.Tensor  # int64 (N,), indices into `classes`
    classes: tuple[str, ...]
    name: str
    split: str
    digest: str  # sha256 in hex over shape, pixels and labels; see ganzoo.data.raw_set.content_digest

    def __len__(self) -> int:
        return self.images.shape[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        return tuple(self.images.shape[1:])


def image_set(raw: RawSet, name: str, split: str) -> ImageSet:
    """The arrays as tensors over the same memory (a cached set stays memory-mapped)."""
    return ImageSet(torch.from_numpy(raw.pixels), torch.from_numpy(raw.labels), raw.classes, name, split, raw.digest)
