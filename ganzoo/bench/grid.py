"""Sample grids: always from the same latents, so that pictures of different cases and epochs can be held side by side.

Where G is told classes, a row is a class and a column one z, so that a column shows what the class changes.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from ganzoo.metrics.encode import evaluation_mode, to_uint8
from ganzoo.metrics.evaluate import generate
from ganzoo.spec.schema import Case
from ganzoo.streams import fill_latent, stream

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


def classes_shown(num_classes: int) -> list[int]:
    """The class of each row: all in turn where there are no more than SIDE, else SIDE from the first to the last, evenly spread."""
    if num_classes <= SIDE:
        return [row % num_classes for row in range(SIDE)]
    return [row * (num_classes - 1) // (SIDE - 1) for row in range(SIDE)]


def _outputs(g: nn.Module, case: Case, device: str) -> Tensor:
    """SIDE² outputs of G, row by row, float."""
    classes = getattr(g, "num_classes", 0)
    if not classes:
        return next(generate(g, case, SIDE * SIDE, 0, "grid", device))
    latent = case.model.latent
    z = fill_latent(torch.empty(SIDE, latent.dim, device=device), latent.dist, stream(0, "grid", device))
    labels = torch.tensor(classes_shown(classes), device=device).repeat_interleave(SIDE)
    return g(z.repeat(SIDE, 1), labels)


def save_grid(path: Path, g: nn.Module, case: Case, device: str) -> None:
    """Write SIDE² samples of G as PNG. The latents depend on neither case nor seed."""
    with evaluation_mode(g):
        images = to_uint8(_outputs(g, case, device), case.eval.fake_range)
    path.parent.mkdir(parents=True, exist_ok=True)
    as_grid(images).save(path, optimize=True)
