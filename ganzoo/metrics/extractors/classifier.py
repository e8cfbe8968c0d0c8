"""Small classifiers whose penultimate layer serves as the feature space of the offline protocols.

They are trained by `python -m ganzoo.metrics.train_classifier NAME` and shipped as safetensors in `metrics/weights/`, with
their digest and test accuracy. A distance in their features is a *classifier Fréchet distance*, not an FID.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ganzoo.errors import WeightsError, nearest
from ganzoo.metrics.extractors.base import CLASSES, Extractor, unit
from ganzoo.metrics.networks import NETWORKS

WEIGHTS = Path(__file__).parents[1] / "weights"
CHUNK = 100  # images at once: their activations stay in a CPU's cache
PREPROCESSING = "x / 255"


def names() -> list[str]:
    return list(NETWORKS)


def shape(name: str) -> dict:
    """What a classifier takes and gives, without its weights."""
    net = NETWORKS[name]
    channels, *size = net.image
    return {
        "channels": channels,
        "size": tuple(size),
        "dim": net.dim,
        "classes": net.classes,
        "chunk": CHUNK,
        "preprocessing": PREPROCESSING,
        "measures": CLASSES,
    }


def card(name: str) -> dict:
    """What is known of a shipped classifier: sha256, test accuracy, data, training, features that no image of the test split moves."""
    path = WEIGHTS / f"{name}.json"
    if name not in NETWORKS:
        raise WeightsError(f"unknown extractor '{name}'.{nearest(name, NETWORKS)}")
    if not path.is_file():
        raise WeightsError(f"{path} is missing: train it with `python -m ganzoo.metrics.train_classifier {name}`.")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is no card of a classifier ({error!r}): reinstall ganzoo.") from error
    return facts


def dead(name: str) -> int:
    """How many of its features are the same for all images of its test split; 0 where an older card does not say."""
    return card(name).get("dead_features", 0)


def load(name: str, device: torch.device) -> Extractor:
    """The shipped classifier `name`, digest-checked; WeightsError where the file is missing or altered."""
    path, expected = WEIGHTS / f"{name}.safetensors", card(name)["sha256"]
    if not path.is_file():
        remedy = f"reinstall ganzoo, or train them with `python -m ganzoo.metrics.train_classifier {name}`."
        raise WeightsError(f"weights {path} are missing (sha256 {expected}): {remedy}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise WeightsError(f"weights {path} have sha256 {found}, expected {expected}: the file was truncated or changed; reinstall ganzoo.")
    with torch.device("meta"):  # first weights would be drawn from torch's global stream, which a training may be using
        net = NETWORKS[name]()
    try:
        net.load_state_dict(load_file(path), assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"weights {path} do not fit {name}: {error}") from error
    net = net.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    return Extractor(name, found, **shape(name), network=net, before=unit, device=device, dead=dead(name))
