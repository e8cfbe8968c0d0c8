"""What every metric key means to a judge: which way is better, and its name where the protocol gives none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Direction = Literal["lower", "higher"]

DIRECTION: dict[str, Direction] = {
    "frechet": "lower",
    "kid": "lower",
    "is": "higher",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
    "modes": "higher",
    "entropy": "higher",
    "d_loss_variation": "lower",  # steadier is better
    "g_loss_variation": "lower",
    "seconds_per_epoch": "lower",
}

# Used only where a record's protocol names none. Neutral on purpose: "FID" and "IS" belong to the Inception protocols, which say so.
LABEL: dict[str, str] = {
    "frechet": "Fréchet distance of features",
    "kid": "kernel distance of features",
    "is": "label score (exp of mutual information)",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "modes": "classes reached",
    "entropy": "entropy of mean predicted labels (nats)",
    "d_loss_variation": "variation of D's loss",
    "g_loss_variation": "variation of G's loss",
    "seconds_per_epoch": "seconds per epoch",
    "parameters": "parameters",
}

SCALARS = ("d_loss_variation", "g_loss_variation", "seconds_per_epoch")  # one value a run, not one an evaluation


def label(metric: str, protocol: Mapping | None = None) -> str:
    """The protocol's own name of a metric, else a neutral one, else the key."""
    return ((protocol or {}).get("labels") or {}).get(metric) or LABEL.get(metric, metric)


def is_measured(metric: str) -> bool:
    """Whether it is taken at each evaluation and has a better and a worse."""
    return metric in DIRECTION and metric not in SCALARS


def badness(metric: str, value: float) -> float:
    """The value turned so that lower is better; every non-finite value (a diverged training) becomes +inf, the worst.

    KeyError for a metric without a direction.
    """
    turned = value if DIRECTION[metric] == "lower" else -value
    return turned if abs(value) < float("inf") else float("inf")
