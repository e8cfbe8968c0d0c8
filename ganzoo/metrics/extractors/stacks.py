"""The shipped digit classifiers on stacked digits: each reads one channel, and together they tell which of 1,000 triples an image is.

Features: the three channels' features, one after another. Logits: the sum of the three log-probabilities for each triple, so that the
largest is the triple of the three largest, numbered 100·r + 10·g + b as the data's labels are.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from ganzoo.metrics.extractors import classifier
from ganzoo.metrics.extractors.base import STACKS, Extractor, unit

CHANNELS = 3
BASE_OF = {f"stacked-{name}": name for name in ("digits-cnn", "mnist-cnn", "mnist32-cnn")}


def names() -> list[str]:
    return list(BASE_OF)


def facts(name: str) -> dict:
    base = classifier.shape(BASE_OF[name])
    return {
        "channels": CHANNELS,
        "size": base["size"],
        "dim": CHANNELS * base["dim"],
        "classes": base["classes"] ** CHANNELS,
        "chunk": base["chunk"],
        "preprocessing": f"{base['preprocessing']}, each channel alone through {BASE_OF[name]}",
        "dead": CHANNELS * classifier.dead(BASE_OF[name]),
        "measures": STACKS,
        "parts": CHANNELS,
        "grey": False,
    }


def card(name: str) -> dict:
    """The weights are those of the classifier of one digit."""
    known = classifier.card(BASE_OF[name])
    return {"name": name, "sha256": known["sha256"], **facts(name), "source": "shipped", "licence": "ganzoo's own"}


def load(name: str, device: torch.device) -> Extractor:
    one = classifier.load(BASE_OF[name], device)

    def network(x: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = one.network(x.flatten(0, 1)[:, None])  # (3N, dim), (3N, 10)
        r, g, b = log_softmax(logits, 1).unflatten(0, (-1, CHANNELS)).unbind(1)  # (N, 10) each
        joint = r[:, :, None, None] + g[:, None, :, None] + b[:, None, None, :]
        return features.unflatten(0, (-1, CHANNELS)).flatten(1), joint.flatten(1)  # (N, 3 dim), (N, 1000)

    return Extractor(name, one.weights, **facts(name), network=network, before=unit, device=device)
