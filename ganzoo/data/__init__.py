"""Data sets by name: one uint8 tensor and its labels (two tensors, for translation), offline first.

Importing this package does not import torch, so that listing data sets stays quick; `load` and `load_pairs` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.data.pairs import load_pairs
from ganzoo.data.registry import describe, load, names

if TYPE_CHECKING:
    from ganzoo.data.image_set import ImageSet
    from ganzoo.data.pair_set import PairSet

__all__ = ["ImageSet", "PairSet", "describe", "load", "load_pairs", "names"]


def __getattr__(name: str):
    if name == "ImageSet":
        from ganzoo.data.image_set import ImageSet

        return ImageSet
    if name == "PairSet":
        from ganzoo.data.pair_set import PairSet

        return PairSet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
