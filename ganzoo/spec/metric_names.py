"""The metrics and events that a claim may name, and which way of a metric is the better one.

frechet, kid, is, …            at every evaluation
frechet@1.0                    the same at a case's end, with z truncated: every entry beyond the threshold drawn again
l1, psnr, ssim                 at every evaluation of a case that translates pairs
probe_d, probe_pixels, …       at a case's end
d_loss_mean, epoch_of_nan, …   one value a run
"""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic_core import PydanticCustomError

from ganzoo.errors import nearest

Direction = Literal["lower", "higher"]

EVENTS = ("nan", "modes-lost", "d-saturated", "samples-collapsed", "loss-swing", "nothing-learnt", "losses-flat", "all-real")
SAMPLED: dict[str, Direction] = {  # measured on generated images, so that a truncated z has them too
    "frechet": "lower", "kid": "lower", "is": "higher", "precision": "higher", "recall": "higher", "density": "higher",
    "coverage": "higher", "modes": "higher", "entropy": "higher", "mode_kl": "lower", "high_quality": "higher",
}  # fmt: skip
PAIRED: dict[str, Direction] = {"l1": "lower", "psnr": "higher", "ssim": "higher"}  # of each translation against its own target
PROBES = ("probe_d", "probe_g", "probe_pixels", "probe_untrained_d", "probe_untrained_g")
EPOCH_OF = {f"epoch_of_{event.replace('-', '_')}": event for event in EVENTS}
SCALARS = ("d_loss_variation", "g_loss_variation", "seconds_per_epoch", "d_loss_mean", "g_loss_mean")
DIRECTION: dict[str, Direction] = {
    **SAMPLED,
    **PAIRED,
    "d_loss_variation": "lower",  # steadier is better
    "g_loss_variation": "lower",
    "seconds_per_epoch": "lower",
    **dict.fromkeys(PROBES, "higher"),
    "d_loss_mean": "higher",  # by convention: it describes, and is no quality
    "g_loss_mean": "higher",
    **dict.fromkeys(EPOCH_OF, "higher"),  # later is better, never the best
}
THRESHOLD = re.compile(r"[0-9.]+([eE][-+]?[0-9]+)?")


def metric_name(written: str) -> str:
    """The name as records and verdicts have it: `frechet@1` is `frechet@1.0`. ValueError with the nearest valid one."""
    plain, at, threshold = written.partition("@")
    if not at:
        if plain not in DIRECTION:
            raise unknown("metric", written)
        return plain
    if plain not in SAMPLED:
        told = f"'{plain}' is not measured on generated images" if plain in DIRECTION else f"'{plain}' is no metric"
        raise ValueError(f"'{written}' names a truncation, but {told}.{nearest(plain, SAMPLED)[:-1]}")
    if not THRESHOLD.fullmatch(threshold) or threshold.count(".") > 1 or not 0 < _number(threshold) < math.inf:
        raise ValueError(f"'{written}' is truncated at '{threshold}', expected a number above 0 after the @, as in '{plain}@1.0'")
    return truncated(plain, _number(threshold))


def _number(text: str) -> float:
    return float(text) if text.strip(".") and text[0] not in "eE" else math.nan


def truncated(metric: str, threshold: float) -> str:
    """ "frechet", 1 → "frechet@1.0"."""
    return f"{metric}@{float(threshold)!r}"


def parted(metric: str) -> tuple[str, float | None]:
    """The metric without its truncation, and the threshold where it has one."""
    plain, at, threshold = metric.partition("@")
    return plain, float(threshold) if at else None


def direction(metric: str) -> Direction:
    """Which way is better. KeyError for a metric that nobody knows."""
    return DIRECTION[parted(metric)[0]]


def only_at_the_end(metric: str) -> bool:
    """Whether it is measured at a case's last evaluation and at no other, so that it has no best one."""
    return metric in PROBES or parted(metric)[1] is not None


def unknown(what: str, written: str) -> PydanticCustomError:
    """A ValueError; the spec's messages put the valid names beside it."""
    return PydanticCustomError("unknown_name", "{written} is no {what}", {"written": repr(written), "what": what})


def event_kinds(written: object) -> list[str]:
    """One kind or a list of several as a list. ValueError for anything else, with the nearest valid kind."""
    kinds = written if isinstance(written, list | tuple) else [written]
    if not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise ValueError(f"{written!r} is no event, expected one kind or a list of some.{nearest('', EVENTS)[:-1]}")
    for kind in kinds:
        if kind not in EVENTS:
            raise ValueError(f"'{kind}' is no event.{nearest(kind, EVENTS)[:-1]}") if written is kinds else unknown("event", kind)
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"an event stands twice in {', '.join(kinds)}")
    return list(kinds)
