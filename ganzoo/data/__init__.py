"""Data sets by name: one uint8 tensor and its labels, offline first.

Importing this package does not import torch, so that listing data sets stays quick; `load` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.data.registry import describe, load, names

if TYPE_CHECKING:
    from ganzoo.data.image_set import ImageSet

__all__ = ["ImageSet", "describe", "load", "names"]


def __getattr__(name: str):
    if name == "ImageSet":
        from ganzoo.data.image_set import ImageSet

        return ImageSet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
