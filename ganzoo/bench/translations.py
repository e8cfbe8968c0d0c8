"""What only translations can be asked: how far each is from its own target, and how they look beside it."""

from __future__ import annotations

from pathlib import Path

import torch

from ganzoo.bench.strips import MOST, save_strips
from ganzoo.metrics.encode import evaluation_mode, to_uint8
from ganzoo.metrics.image_quality import ImageQuality, image_quality
from ganzoo.metrics.translator import Translator
from ganzoo.spec.metric_names import PAIRED
from ganzoo.spec.schema import Case

QUALITIES = tuple(PAIRED)


def show_translations(path: Path, g: Translator, case: Case, count: int) -> ImageQuality | None:
    """Write strips of the first sources; the quality of `count` translations, those that the distances are of, where there are targets."""
    first, parts, done = [], [], 0
    with evaluation_mode(g):
        for x in g.outputs("eval/report", count):
            images = to_uint8(x, case.eval.fake_range).cpu()
            if g.targets is not None:
                parts.append(image_quality(images, g.targets[done : done + len(images)]))
            if done < MOST:
                first.append(images)
            done += len(images)
    shown = torch.cat(first)[:MOST]
    save_strips(path, g.reported[: len(shown)], shown, None if g.targets is None else g.targets[: len(shown)])
    return ImageQuality.join(parts) if parts else None
