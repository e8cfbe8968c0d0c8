"""All metrics of a protocol from stored images, in one pass: nothing is kept of most images but their share in the statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganzoo.metrics import extractors
from ganzoo.metrics.density_coverage import density_coverage
from ganzoo.metrics.extractors.base import Extractor
from ganzoo.metrics.features import MetricError
from ganzoo.metrics.frechet import frechet
from ganzoo.metrics.inception_score import InceptionScore
from ganzoo.metrics.kid import kid
from ganzoo.metrics.look import look_at_fakes
from ganzoo.metrics.modes import coverage_of_counts
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.precision_recall import precision_recall
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reals import Reals, check_fits, piece_of

MANY_CLASSES = 100  # from here on classes are ImageNet's, not the data's: which of them are reached says nothing
Progress = Callable[[int], None]  # images done


@dataclass(frozen=True)
class Measurement:
    """`metrics`: name → number. `warnings`: {"code", "message"} each, where a number stands but not as usual."""

    metrics: dict[str, float | int]
    warnings: list[dict[str, str]] = field(default_factory=list)


def metric_names(protocol: Protocol) -> list[str]:
    """The metrics that a protocol measures, in order."""
    classes = extractors.card(protocol.extractor)["classes"]
    names = ["frechet", "kid"]
    if classes:
        names += ["is", "is_split_std"]
    names += ["precision", "recall", "density", "coverage"]
    if 0 < classes < MANY_CLASSES:
        names += ["modes", "entropy"]
    return names


def embedded(protocol: Protocol, network: Extractor, chunks: Iterable[Tensor], *, score: bool = True) -> Iterator[tuple[Tensor, Tensor]]:
    """Features and logits, on the CPU, of uint8 chunks (n, C, H, W), piece by piece."""
    for chunk in chunks:
        check_fits(network, tuple(chunk.shape[1:]), "the fakes are images")
        for piece in chunk.split(piece_of(network)):
            features, logits = look_at_fakes(network, protocol, piece, score=score)
            yield features.cpu(), logits.cpu()


def measure(protocol: Protocol, reals: Reals, chunks: Iterable[Tensor], device: str, progress: Progress | None = None) -> Measurement:
    """Every metric of `metric_names` for uint8 fakes; MetricError where there are more or fewer than `num_fake`."""
    network = extractors.load(protocol.extractor, device)
    kernel = protocol.num_kid if protocol.num_kid is not None else protocol.num_fake
    names, done = metric_names(protocol), 0
    moments, first = Moments(network.dim), torch.empty(min(max(kernel, protocol.num_neighbours), protocol.num_fake), network.dim)
    score = InceptionScore(protocol.num_fake, protocol.is_splits) if "is" in names else None
    shares = torch.zeros(network.classes, dtype=torch.long)
    for features, logits in embedded(protocol, network, chunks):
        moments.add(features)
        first[done : done + len(features)] = features[: max(0, len(first) - done)]
        if score:
            score.add(logits)
            shares += torch.bincount(logits.argmax(1), minlength=network.classes)
        done += len(features)
        if progress:
            progress(done)
    if done != protocol.num_fake:
        raise MetricError(f"{done} fakes were given, expected {protocol.num_fake}: the protocol's num_fake.")
    distance = frechet(reals.moments, moments)
    near = first[: protocol.num_neighbours]
    precision, recall = precision_recall(reals.near, near, protocol.neighbours, reals.near_radii)
    density, coverage = density_coverage(reals.near, near, protocol.coverage_neighbours, reals.coverage_radii)
    found = {
        "frechet": distance.value,
        "kid": kid(reals.for_kid, first[:kernel], reals.kid_term),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }
    if score:
        found["is"], found["is_split_std"], _ = score.result()
        found["modes"], found["entropy"] = coverage_of_counts(shares, protocol.mode_share)
    told = [
        {"code": warning.code, "message": warning.message}
        for warning in distance.warnings
        if warning.count is None or warning.count > network.dead  # features that no image moves tell nothing of these
    ]
    return Measurement({name: found[name] for name in names}, told)


def frechet_only(protocol: Protocol, reals: Reals, chunks: Iterable[Tensor], device: str) -> float:
    """The Fréchet distance alone, of further fakes."""
    network = extractors.load(protocol.extractor, device)
    moments = Moments(network.dim)
    for features, _ in embedded(protocol, network, chunks, score=False):
        moments.add(features)
    return frechet(reals.moments, moments).value
