"""Extractors by name, all `base.Extractor`.

The shipped classifiers, those of stacked digits and of points, the published Inceptions, DINOv2, and any network by import path.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache

import torch

from ganzoo.errors import WeightsError, nearest
from ganzoo.metrics.extractors import base, classifier, points, stacks
from ganzoo.metrics.extractors.base import Extractor, Shape

_MODULES = {  # each with FACTS, WEIGHTS and load(device); with at_hand() where it needs more than WEIGHTS
    "clean": "clean",
    "dinov2": "dinov2",
    "tf-inception": "tf_inception",
    "torchvision-inception": "torchvision_inception",
}
_TOYS = {name: module for module in (points, stacks) for name in module.names()}  # always at hand, as the classifiers are


def names() -> list[str]:
    """Registered names, sorted; a user's network goes by 'package.module:Class'."""
    return sorted([*_MODULES, *_TOYS, *classifier.names()])


@cache
def load(name: str, device: str = "cpu") -> Extractor:
    """The extractor `name` on `device`, one for each process; WeightsError where its weights are missing or not the published ones."""
    place = torch.device(device)
    if ":" in name:
        from ganzoo.metrics.extractors import user

        return user.load(name, place)
    if name in classifier.names():
        return classifier.load(name, place)
    if name in _TOYS:
        return _TOYS[name].load(name, place)
    return _module(name).load(place)


def card(name: str) -> dict:
    """What is known of an extractor without its weights: sha256, channels, size, dim, classes, chunk, preprocessing, dead, measures,
    source, licence; of some none, parts, grey, points, as `base.Extractor` has them.

    A user's network is built for it: its facts are its own.
    """
    if ":" in name:
        own = load(name)
        facts = {key: getattr(own, key) for key in ("channels", "size", "dim", "classes", "chunk", "preprocessing", "dead", "measures")}
        return {"name": name, "sha256": own.weights, **facts, "source": name, "licence": "the user's own"}
    if name in classifier.names():
        known = classifier.card(name)
        facts = {**classifier.shape(name), "dead": classifier.dead(name), "class_names": list(known["classes"])}
        return {"name": name, "sha256": known["sha256"], **facts, "source": "shipped", "licence": "ganzoo's own"}
    if name in _TOYS:
        return _TOYS[name].card(name)
    module = _module(name)
    file = module.WEIGHTS
    return {"name": name, "sha256": file.sha256, **module.FACTS, "dead": 0, "source": file.url, "licence": file.licence}


def check_at_hand(name: str) -> None:
    """WeightsError where what `load` needs is missing or not the published one; weights may be fetched (GANZOO_DOWNLOAD=1)."""
    if ":" in name or name in classifier.names() or name in _TOYS:
        load(name)
        return
    module = _module(name)
    getattr(module, "at_hand", module.WEIGHTS.locate)()


def fits(card: dict, shape: Shape) -> bool:
    """Whether the extractor of `card` reads images of `shape` (C, H, W)."""
    return base.fits(card["channels"], card["size"], shape, card.get("grey", True))


def knows(name: str, classes: Sequence[str]) -> bool:
    """Whether the extractor's classes are these, by name; by their number where it has no names for them."""
    found = card(name)
    return found["class_names"] == list(classes) if found.get("class_names") else found["classes"] == len(classes)


def in_words(card: dict) -> str:
    """What the extractor of `card` reads, for messages."""
    return base.in_words(card["channels"], card["size"], card.get("grey", True))


def _module(name: str):
    if name not in _MODULES:
        raise WeightsError(f"unknown extractor '{name}'.{nearest(name, names())} Your own: 'package.module:Class'.")
    return importlib.import_module(f"{__name__}.{_MODULES[name]}")
