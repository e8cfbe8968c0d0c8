"""The real side of a protocol: extracted once, with the terms that no fake changes, and kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo import data
from ganzoo.errors import DataError
from ganzoo.metrics import extractors
from ganzoo.metrics.extractors.base import Extractor, fits, in_words
from ganzoo.metrics.kid import self_term
from ganzoo.metrics.look import classify_reals
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.precision_recall import radii
from ganzoo.metrics.protocol import SHUFFLED, Protocol
from ganzoo.metrics.statistics_cache import cached_statistics
from ganzoo.paths import cache_dir

PIECE = 250  # images, see `piece_of`
ORDER_SEED = 0  # of the shuffle behind `real_order`
Progress = Callable[[int, int], None]  # (images done, images in all)

# The fields of a protocol that the reals' statistics depend on, beside the images and the extractor.
ON_REALS = (
    "real_count", "real_batch", "real_order", "subset", "real_range", "channel_shift",
    "num_kid", "num_neighbours", "neighbours", "coverage_neighbours", "kid",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where real images come from, as `data.load` takes it."""

    name: str
    split: str
    path: str | None = None
    resize: int | None = None
    classes: tuple[str, ...] | None = None
    sides: tuple[str | None, tuple[str, ...] | None, int] | None = None  # of a translation: source, domains, holdout; its targets are meant

    def load(self, limit: int | None = None) -> data.ImageSet:
        if self.sides is not None:
            source, domains, holdout = self.sides
            return data.load_pairs(
                self.name, self.split, path=self.path, resize=self.resize, source=source, domains=domains, limit=limit, holdout=holdout
            ).targets()
        return data.load(self.name, self.split, path=self.path, resize=self.resize, limit=limit, classes=self.classes)


@dataclass(frozen=True)
class Reals:
    """What is known of the real images. `features` (n, d) float32: those that are compared one by one."""

    moments: Moments
    features: Tensor
    kid_term: float
    near_radii: Tensor  # of the first num_neighbours, to the protocol's `neighbours`-th
    coverage_radii: Tensor  # the same to its `coverage_neighbours`-th
    num_kid: int
    counts: Tensor  # how many reals were taken for each class, where that is asked for; (0,) otherwise

    @property
    def for_kid(self) -> Tensor:
        return self.features[: self.num_kid]

    @property
    def near(self) -> Tensor:
        return self.features[: len(self.near_radii)]


_held: dict[tuple, Reals] = {}  # of this process


def reals_for(
    protocol: Protocol,
    device: str = "cpu",
    source: Source | None = None,
    images: Tensor | None = None,
    digest: str | None = None,
    progress: Progress | None = None,
) -> Reals:
    """The reals of a protocol: of the built-in set that it names, of `source`, or the uint8 `images` (N, C, H, W) themselves.

    `digest`: of the images' content, if known.

    DataError where they do not fit the protocol. Kept for the process, and on disk under GANZOO_CACHE.
    """
    if images is None:
        loaded = (source or Source(protocol.real_data, protocol.real_split)).load()
        images, digest = loaded.images, loaded.digest
        what = f"{loaded.name} holds images"
    else:
        digest, what = digest or _digest(images), "the reals are images"
    network = extractors.load(protocol.extractor, device)
    check_fits(network, tuple(images.shape[1:]), what)
    key = _key(protocol, network, digest, device)
    if key not in _held:
        tensors = cached_statistics(cache_dir(), key, lambda: _statistics(protocol, network, images, device, progress))
        _held[key] = _unpacked(tensors)
    return _held[key]


def _digest(images: Tensor) -> str:
    total = hashlib.sha256(f"{tuple(images.shape)}|".encode())
    total.update(np.ascontiguousarray(images.cpu().numpy()))
    return total.hexdigest()


def check_fits(network: Extractor, shape: tuple[int, ...], what: str) -> None:
    """DataError where the network does not read images of `shape` (C, H, W); `what` begins the message."""
    if not fits(network.channels, network.size, shape, network.grey):
        reads = in_words(network.channels, network.size, network.grey)
        raise DataError(f"{what} of shape {shape}, but {network.name} reads {reads}. Choose a protocol made for them.")


def _key(protocol: Protocol, network: Extractor, digest: str, device: str) -> str:
    told = {field: getattr(protocol, field) for field in ON_REALS}
    parts = [digest, network.name, network.weights, network.preprocessing, told, torch.device(device).type, torch.__version__, _code()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _code() -> str:
    """Digest of this room's sources: statistics made by other code are made again."""
    total = hashlib.sha256()
    room = Path(__file__).parent
    for path in sorted(room.rglob("*.py")):
        total.update(f"{path.relative_to(room)}\0".encode() + path.read_bytes())
    return total.hexdigest()


def order_of(protocol: Protocol, count: int) -> Tensor:
    """Which of `count` stored reals are used, in which order."""
    if protocol.real_count is not None and protocol.real_count > count:
        wanted = f"the protocol asks for {protocol.real_count} reals, the set holds {count}"
        raise DataError(f"{wanted}. Lower eval.num_real (in `ganzoo evaluate`: --num-real) or leave it out.")
    shuffled = protocol.real_order == "shuffled"
    order = torch.from_numpy(np.random.RandomState(ORDER_SEED).permutation(count)) if shuffled else torch.arange(count)
    return order[: protocol.used_reals(count)]


def _statistics(protocol: Protocol, network: Extractor, images: Tensor, device: str, progress: Progress | None) -> dict[str, Tensor]:
    order = order_of(protocol, len(images))
    near = min(protocol.num_neighbours, len(order))
    kernel = min(kernel_size(protocol, network, len(order)), len(order))
    counts = torch.zeros(network.logits if "mode_kl" in network.measures else 0, dtype=torch.long)
    moments, kept = Moments(network.dim), torch.empty(max(near, kernel), network.dim)
    place, done = places(protocol, order, len(kept)), 0
    for chunk in _chunks(images, order, piece_of(network)):
        features, classes = classify_reals(network, protocol, chunk.to(device))
        features = features.cpu()
        moments.add(features)
        if len(counts):
            counts += torch.bincount(classes.cpu(), minlength=len(counts))
        where = place[done : done + len(features)]
        kept[where[where >= 0]] = features[where >= 0]
        done += len(chunk)
        if progress:
            progress(done, len(order))
    return {
        "mean": moments.mean,
        "scatter": moments.scatter,
        "count": torch.tensor(moments.count),
        "features": kept,
        "kid_term": torch.tensor(self_term(kept[:kernel]) if kernel else torch.nan, dtype=torch.float64),
        "num_kid": torch.tensor(kernel),
        "near_radii": radii(kept[:near], protocol.neighbours),
        "coverage_radii": radii(kept[:near], protocol.coverage_neighbours),
        "counts": counts,
    }


def kernel_size(protocol: Protocol, network: Extractor, count: int) -> int:
    """How many of `count` samples a side the kernel distance takes; 0 where it is not measured."""
    if "kid" not in network.measures:
        return 0
    return count if protocol.num_kid is None else protocol.num_kid


def places(protocol: Protocol, order: Tensor, kept: int) -> Tensor:
    """For each real of `order` its row among the `kept` that are compared one by one, or -1.

    Class folders come ordered by class: the first few thousand of them may all be aeroplanes. Each stored image has its lot, so that
    a few images more or less leave the rest of those drawn as they were.
    """
    lots = np.random.RandomState(ORDER_SEED).random_sample(int(order.max()) + 1)[order.numpy()] if protocol.subset == SHUFFLED else None
    chosen = torch.arange(kept) if lots is None else torch.from_numpy(np.argsort(lots, kind="stable")[:kept])
    place = torch.full((len(order),), -1)
    place[chosen] = torch.arange(kept)
    return place


def piece_of(network: Extractor) -> int:
    """Images after which the statistics are brought up to date: with 2048 features each time touches 100 MB."""
    return max(network.chunk, PIECE)


def _chunks(images: Tensor, order: Tensor, size: int) -> Iterator[Tensor]:
    for rows in order.split(size):
        yield images[rows]


def _unpacked(tensors: dict[str, Tensor]) -> Reals:
    moments = Moments(len(tensors["mean"]))
    moments.mean, moments.scatter, moments.count = tensors["mean"], tensors["scatter"], int(tensors["count"])
    return Reals(
        moments=moments,
        features=tensors["features"],
        kid_term=float(tensors["kid_term"]),
        near_radii=tensors["near_radii"],
        coverage_radii=tensors["coverage_radii"],
        num_kid=int(tensors["num_kid"]),
        counts=tensors["counts"],
    )
