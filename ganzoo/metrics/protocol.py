"""A protocol: everything that decides what a metric's number means, named and hashed. Numbers of two hashes are never compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from ganzoo.errors import SpecError, nearest
from ganzoo.metrics.classifier import card

CLASSIFIER_LABELS = {
    "frechet": "classifier Fréchet distance",
    "kid": "classifier kernel distance",
    "is": "classifier score",
    "precision": "precision",
    "recall": "recall",
    "modes": "classes reached",
    "entropy": "label entropy (nats)",
}


@dataclass(frozen=True)
class Protocol:
    """One way of measuring."""

    name: str
    extractor: str
    weights: str  # sha256 of the extractor's weights
    real_data: str  # data set the fakes are held against
    real_split: str  # all of its images
    num_fake: int = 10_000
    num_neighbours: int = 5_000  # samples a side for precision and recall: the first ones
    neighbours: int = 3
    is_splits: int = 10
    mode_share: float = 0.01  # least share of the fakes for a class to count as reached
    quantisation: str = "uint8: the generator's output range (eval.fake_range) clipped, scaled to 0..255, rounded to nearest"
    latent: str = "the law trained with, no truncation"
    batch_norm: str = "running statistics (eval mode)"
    ema: bool = False  # whether the averaged generator is measured
    statistics: str = "float64"
    kid: str = "unbiased, all pairs, cubic kernel"

    @property
    def hash(self) -> str:
        """sha256 of the fields that are not at their default.

        So a field added later, whose default means what was done before, orphans no number.
        """
        told = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def labels(self) -> dict[str, str]:
        """What a reader should call each metric under this protocol."""
        return CLASSIFIER_LABELS

    def as_record(self) -> dict:
        return {"name": self.name, "hash": self.hash, "fields": asdict(self), "labels": self.labels}


def _classifier(name: str, data: str, split: str) -> Protocol:
    return Protocol(name=name, extractor=name, weights=card(name)["sha256"], real_data=data, real_split=split)


# digits: its test split holds 360 images, too few for moments in 32 dimensions, so the reals are the training split.
# mnist: the test split, which neither the GAN nor the classifier has seen.
_PROTOCOLS = {"digits-cnn": ("digits", "train"), "mnist-cnn": ("mnist", "test")}


def names() -> list[str]:
    return sorted(_PROTOCOLS)


def get(name: str) -> Protocol:
    """The protocol `name` at its own scale; SpecError with the nearest valid name where there is none."""
    if name not in _PROTOCOLS:
        raise SpecError(f"unknown protocol '{name}'.{nearest(name, names())}")
    return _classifier(name, *_PROTOCOLS[name])
