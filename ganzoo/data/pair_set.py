"""Both sides of one split as torch tensors, the form in which translation is trained and measured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch

from ganzoo.data.image_set import ImageSet


@dataclass(frozen=True, eq=False)
class PairSet:
    """Images of two sides, of one size; sets with equal `digest` hold the same pixels in the same order, and the same side is the input."""

    a: torch.Tensor  # uint8 (N, C, H, W), contiguous: the input side
    b: torch.Tensor  # uint8 (M, C, H, W), contiguous: the target side, or the other domain
    paired: bool  # a[i] and b[i] belong together, M = N; else the sides have nothing to do with each other
    name: str
    split: str
    digest: str  # sha256 in hex over `paired` and the content digests of a and b

    def __len__(self) -> int:
        """Pairs, or the images of the longer side."""
        return max(len(self.a), len(self.b))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image of either side."""
        return tuple(self.a.shape[1:])

    def targets(self) -> ImageSet:
        """Side b alone, as a set of one class."""
        digest = hashlib.sha256(f"b of {self.digest}".encode()).hexdigest()
        return ImageSet(self.b, torch.zeros(len(self.b), dtype=torch.int64), ("b",), self.name, self.split, digest)

    def to(self, device: torch.device | str) -> PairSet:
        """The same set with both sides on `device`."""
        return replace(self, a=self.a.to(device), b=self.b.to(device))
