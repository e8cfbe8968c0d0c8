"""Sample grids: always from the same latents, so that pictures of different cases and epochs can be held side by side."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from ganzoo.metrics.encode import evaluation_mode, to_uint8
from ganzoo.metrics.evaluate import generate
from ganzoo.spec.schema import Case

SIDE = 8  # images along each edge


def as_grid(images: Tensor) -> Image.Image:
    """uint8 (n, C, H, W), n = SIDE² → one picture, a pixel of grey between images; C is 1 or 3."""
    n, channels, height, width = images.shape
    sheet = torch.full((channels, SIDE * (height + 1) + 1, SIDE * (width + 1) + 1), 128, dtype=torch.uint8)
    for i, image in enumerate(images.cpu()):
        top, left = 1 + i // SIDE * (height + 1), 1 + i % SIDE * (width + 1)
        sheet[:, top : top + height, left : left + width] = image
    pixels = sheet.permute(1, 2, 0).numpy()
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def save_grid(path: Path, g: nn.Module, case: Case, device: str) -> None:
    """Write SIDE² samples of G as PNG. The latents depend on neither case nor seed."""
    with evaluation_mode(g):
        images = to_uint8(next(generate(g, case, SIDE * SIDE, 0, "grid", device)), case.eval.fake_range)
    path.parent.mkdir(parents=True, exist_ok=True)
    as_grid(images).save(path, optimize=True)
