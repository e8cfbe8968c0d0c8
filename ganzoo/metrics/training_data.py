"""What the shipped classifiers are trained and tested on: a built-in data set, or several packs of class folders as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganzoo import data

HELD_OUT = 10  # a pack without a test split gives every tenth image of a fixed shuffle
SHUFFLE_SEED = 0

# Packs below GANZOO_DATA: folders with train.zip, some with test.zip.
PACKS = {
    "cifar10-cnn": ["cifar10-jpeg"],
    "images64-cnn": ["scenes64", "cats-dogs64", "faces128", "anime-faces64", "tiny-imagenet-animals32"],
}
WITH_TEST = {"cifar10-jpeg", "cats-dogs64"}


@dataclass(frozen=True)
class Labelled:
    """Images uint8 (N, C, H, W), labels (N,) into `classes`, and the digests of the sets they come from."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    digests: tuple[str, ...]


def training_data(network: str, source: str, side: int) -> tuple[Labelled, Labelled]:
    """(train, test) of a classifier, resized to `side`; DataError where they are not at hand."""
    if source != "packs":
        return tuple(_labelled(data.load(source, split, resize=side)) for split in ("train", "test"))
    parts = [_split_pack(pack, side) for pack in PACKS[network]]
    return _joined([train for train, _ in parts]), _joined([test for _, test in parts])


def _labelled(images: data.ImageSet) -> Labelled:
    return Labelled(images.images, images.labels, images.classes, (images.digest,))


def _split_pack(pack: str, side: int) -> tuple[Labelled, Labelled]:
    train = data.load("zip", "train", path=pack, resize=side)
    classes = tuple(pack if name == "face" else name for name in train.classes)  # two packs have one class of that name
    if pack in WITH_TEST:
        test = data.load("zip", "test", path=pack, resize=side)
        return tuple(Labelled(part.images, part.labels, classes, (part.digest,)) for part in (train, test))
    order = torch.from_numpy(np.random.RandomState(SHUFFLE_SEED).permutation(len(train)))
    held, kept = order[::HELD_OUT].sort().values, order[torch.arange(len(order)) % HELD_OUT != 0].sort().values
    return tuple(Labelled(train.images[rows], train.labels[rows], classes, (train.digest,)) for rows in (kept, held))


def _joined(parts: list[Labelled]) -> Labelled:
    classes, labels = [], []
    for part in parts:
        labels.append(part.labels + len(classes))
        classes += part.classes
    digests = sum((part.digests for part in parts), ())
    return Labelled(torch.cat([part.images for part in parts]), torch.cat(labels), tuple(classes), digests)
