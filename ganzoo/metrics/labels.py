"""What a reader should call each number: "FID" belongs to the Inception networks, and every other evaluator says whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.metrics.protocol import Protocol

COMMON = {
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "modes": "classes reached",
    "entropy": "label entropy (nats)",
}
OF_MODES = {
    "modes": "modes reached",
    "entropy": "entropy of the modes' shares (nats)",
    "mode_kl": "KL of the modes' shares to the data's (nats)",
}
HIGH_QUALITY = "points within 3 sd of a mode (share)"
# by extractor: Fréchet distance, kernel distance, score, spread of the score
NAMES = {
    "tf-inception": ("FID", "KID", "Inception Score", "Inception Score, std over splits"),
    "clean": ("clean-FID", "clean-KID", "", ""),
    "torchvision-inception": (
        "FID, torchvision's Inception", "KID, torchvision's Inception",
        "Inception Score, torchvision's Inception", "Inception Score, torchvision's Inception, std over splits",
    ),
    "dinov2": ("Fréchet distance, DINOv2", "kernel distance, DINOv2", "", ""),
    "points": ("Fréchet distance of points", "", "", ""),
    "classifier": ("classifier Fréchet distance", "classifier kernel distance", "classifier score", "classifier score, std over splits"),
}  # fmt: skip
KEYS = ("frechet", "kid", "is", "is_split_std")


def family(extractor: str) -> str:
    """The row of NAMES: the shipped classifiers are one family, points another, a user's network is known by its own name."""
    if extractor.endswith("-modes"):
        return "points"
    if extractor.endswith("-cnn"):
        return "classifier"
    return extractor if extractor in NAMES else "own"


def labels_of(protocol: Protocol) -> dict[str, str]:
    """metric → label. A protocol with steps of its own is named beside the metric."""
    kind = family(protocol.extractor)
    if kind == "own":
        own = protocol.extractor.rpartition(":")[2]
        names = (f"Fréchet distance, {own}", f"kernel distance, {own}", f"score, {own}", f"score, {own}, std over splits")
    else:
        names = NAMES[kind]
    toy = kind == "points" or protocol.extractor.startswith("stacked-")
    plain = kind == "own" or toy or protocol.name.removesuffix("-test") in (protocol.extractor, "clean-fid")
    aside = "" if plain else f" ({protocol.name})"
    published = kind not in ("own", "classifier", "points")
    if published and protocol.real_split != "train":  # usual is train, and the other makes half as much again
        aside += f", against {protocol.real_split} images"
    named = {key: f"{name}{aside}" for key, name in zip(KEYS, names, strict=True) if name} | COMMON
    if toy:
        named |= OF_MODES
    return named | ({"high_quality": HIGH_QUALITY} if kind == "points" else {})
