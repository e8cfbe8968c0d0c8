"""Scatter pictures of points: what a sample grid is for images, from the same latents for every case and epoch.

Grey: reals. Rings: 3 standard deviations around each mode. Dark blue: fakes within one, orange: fakes in none (Okabe & Ito's colours,
which readers with any colour vision can tell apart). The axes are those of the data set; a fake outside lies on the border, and is counted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor, nn

from ganzoo import data
from ganzoo.data.points import MIXTURES, Mixture
from ganzoo.metrics import extractors
from ganzoo.metrics.encode import evaluation_mode
from ganzoo.metrics.evaluate import generate
from ganzoo.metrics.extractors.points import SET_OF, WITHIN
from ganzoo.metrics.protocol import Protocol
from ganzoo.spec.schema import Case

COUNT = 2_500  # fakes, and as many reals
SIDE = 320  # pixels of the picture
SMOOTH = 3  # drawn so many times as large, then scaled down
DOT = 1.1  # radius in pixels of the picture
BORDER = 0.985  # of half the picture: where points outside lie, whole
LEAST_RING = 3.0  # the same of a ring, which would vanish otherwise
PAPER, REAL, RING, IN_MODE, IN_NONE, INK = "#ffffff", "#cccccc", "#888888", "#0072b2", "#e69f00", "#444444"
STEPS = 5  # from paper to each colour: what a smooth edge needs


def outside(points: Tensor, mixture: Mixture) -> int:
    """How many of the points (n, 2) lie beyond the picture's axes."""
    return int((points.abs().amax(1) > mixture.reach).sum())


def as_scatter(fakes: Tensor, in_mode: Tensor, reals: Tensor, mixture: Mixture) -> Image.Image:
    """Points (n, 2), whether each fake lies in a mode (n,), and reals (m, 2) → one square picture, the second axis upwards."""
    large = SIDE * SMOOTH
    image = Image.new("RGB", (large, large), PAPER)
    draw = ImageDraw.Draw(image)

    def placed(points: Tensor) -> np.ndarray:
        shares = (points.double().cpu().numpy() / mixture.reach).clip(-BORDER, BORDER)
        return (np.stack((shares[:, 0], -shares[:, 1]), 1) + 1) / 2 * (large - 1)

    def circles(places: np.ndarray, radius: float, **how) -> None:
        for x, y in places:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), **how)

    circles(placed(reals), DOT * SMOOTH, fill=REAL)
    ring = max(WITHIN * mixture.sd / mixture.reach * (large - 1) / 2, LEAST_RING * SMOOTH)
    circles(placed(torch.tensor(mixture.centres)), ring, outline=RING, width=SMOOTH // 2)
    for colour, chosen in ((IN_NONE, ~in_mode), (IN_MODE, in_mode)):
        circles(placed(fakes[chosen]), DOT * SMOOTH, fill=colour)
    image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    if beyond := outside(fakes, mixture):
        told = f"{beyond:,} of {len(fakes):,} outside"
        ImageDraw.Draw(image).text((6, SIDE - 18), told, fill=INK, font=ImageFont.load_default())
    return image.quantize(palette=_palette(), dither=Image.Dither.NONE)


def _palette() -> Image.Image:
    """The colours and their blends with the paper, few enough for a small file; a palette of the picture's own would lose rare ones."""
    paper = np.array(ImageColor.getrgb(PAPER))
    inks = [np.array(ImageColor.getrgb(colour)) for colour in (REAL, RING, IN_MODE, IN_NONE, INK)]
    blends = [paper + (ink - paper) * step / STEPS for ink in inks for step in range(1, STEPS + 1)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.round([paper, *blends]).astype(np.uint8).tobytes())
    return palette


def save_scatter(path: Path, g: nn.Module, case: Case, protocol: Protocol, device: str) -> None:
    """Write COUNT points of G as PNG. The latents depend on neither case nor seed."""
    name = SET_OF[protocol.extractor]
    with evaluation_mode(g):
        fakes = torch.cat(list(generate(g, case, COUNT, 0, "grid", device)))
    network = extractors.load(protocol.extractor, device)
    in_mode = network(fakes)[1].argmax(1) < network.classes
    reals = data.load(name, protocol.real_split, limit=COUNT).images
    path.parent.mkdir(parents=True, exist_ok=True)
    as_scatter(fakes.flatten(1), in_mode, reals.flatten(1), MIXTURES[name]).save(path, optimize=True)
