"""Strips of a translation: input → output → target, a row each, so that a reader sees what became of what."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

MOST = 8  # rows of one sheet


def as_strips(source: Tensor, output: Tensor, target: Tensor | None = None) -> Image.Image:
    """The first MOST of uint8 (n, C, H, W) a side → one picture, a row an image, a pixel of grey between; without targets two columns.

    C is 1 or 3 and may differ between the sides: beside colour, grey is shown as grey. ValueError where sizes or counts differ.
    """
    sides = {"source": source, "output": output} | ({} if target is None else {"target": target})
    _check(sides)
    channels = max(side.shape[1] for side in sides.values())
    columns = torch.stack([side[:MOST].cpu().expand(-1, channels, -1, -1) for side in sides.values()])  # (k, n, C, H, W)
    k, n, _, height, width = columns.shape
    sheet = torch.full((channels, n * (height + 1) + 1, k * (width + 1) + 1), 128, dtype=torch.uint8)
    cells = sheet[:, 1:, 1:].unflatten(2, (k, width + 1)).unflatten(1, (n, height + 1))  # (C, n, H + 1, k, W + 1), a view
    cells[:, :, :height, :, :width] = columns.permute(2, 1, 3, 0, 4)
    pixels = sheet.permute(1, 2, 0).numpy()
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def _check(sides: dict[str, Tensor]) -> None:
    each = all(side.dtype == torch.uint8 and side.ndim == 4 and len(side) and side.shape[1] in (1, 3) for side in sides.values())
    if not each or len({(len(side), *side.shape[2:]) for side in sides.values()}) > 1:
        found = ", ".join(f"{name} {side.dtype} {tuple(side.shape)}" for name, side in sides.items())
        raise ValueError(f"{found}: expected uint8 (n, C, H, W) of one count n ≥ 1 and one size, with 1 or 3 channels.")


def save_strips(path: Path, source: Tensor, output: Tensor, target: Tensor | None = None) -> None:
    """Write `as_strips` as PNG."""
    sheet = as_strips(source, output, target)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "PNG", optimize=True)
