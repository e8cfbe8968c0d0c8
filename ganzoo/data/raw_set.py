"""What every source of images delivers: plain arrays, before torch sees them, and the digest that identifies them."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np


class RawSet(NamedTuple):
    """Images of one split. `labels`: int64 (N,), indices into `classes`.

    `pixels`: uint8 (N, C, H, W), or the (2, N, C, H, W) left and right halves of pairs, C-contiguous; of points, float32 (N, 2, 1, 1).
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    digest: str


def raw_set(pixels: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> RawSet:
    return RawSet(pixels, labels, classes, content_digest(pixels, labels))


def content_digest(pixels: np.ndarray, labels: np.ndarray) -> str:
    """sha256, in hex, over the shape "N C H W\\n" in ASCII, the pixels in C order, and the labels as little-endian int64.

    Points are little-endian float32.
    """
    digest = hashlib.sha256((" ".join(str(size) for size in pixels.shape) + "\n").encode())
    digest.update(memoryview(np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))).cast("B"))
    digest.update(memoryview(np.ascontiguousarray(labels, dtype="<i8")).cast("B"))
    return digest.hexdigest()
