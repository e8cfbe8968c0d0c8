"""What only translations can be asked: how far each is from its own target, and how they look beside it."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ganzoo.bench.strips import MOST, save_strips
from ganzoo.metrics.image_quality import ImageQuality, image_quality
from ganzoo.metrics.translator import Translator
from ganzoo.spec.metric_names import PAIRED

QUALITIES = tuple(PAIRED)


def show_translations(path: Path, g: Translator, made: Tensor) -> ImageQuality | None:
    """Write strips of the first of `made`, uint8 translations (n, C, H, W) of g's first n sources; their quality, if there are targets."""
    count, shown = len(made), made[:MOST]
    targets = None if g.targets is None else g.targets[:count]
    save_strips(path, g.reported[: len(shown)], shown, None if targets is None else targets[: len(shown)])
    return None if targets is None else image_quality(made, targets)
