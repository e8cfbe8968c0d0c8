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
from ganzoo.metrics.modes import as_independent, coverage_of_counts, mode_divergence, share_in_modes
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.precision_recall import precision_recall
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reals import Reals, check_fits, kernel_size, piece_of

Progress = Callable[[int], None]  # images done


@dataclass(frozen=True)
class Measurement:
    """`metrics`: name → number. `warnings`: {"code", "message"} each, where a number stands but not as usual."""

    metrics: dict[str, float | int]
    warnings: list[dict[str, str]] = field(default_factory=list)


def metric_names(protocol: Protocol) -> list[str]:
    """The metrics that a protocol measures, in order."""
    return list(extractors.card(protocol.extractor)["measures"])


def embedded(protocol: Protocol, network: Extractor, chunks: Iterable[Tensor], *, score: bool = True) -> Iterator[tuple[Tensor, Tensor]]:
    """Features and logits, on the CPU, of uint8 chunks (n, C, H, W), or of points, piece by piece."""
    for chunk in chunks:
        check_fits(network, tuple(chunk.shape[1:]), "the fakes are images")
        for piece in chunk.split(piece_of(network)):
            features, logits = look_at_fakes(network, protocol, piece, score=score)
            yield features.cpu(), logits.cpu()


def measure(protocol: Protocol, reals: Reals, chunks: Iterable[Tensor], device: str, progress: Progress | None = None) -> Measurement:
    """Every metric of `metric_names` for uint8 fakes, or points; MetricError where there are more or fewer than `num_fake`."""
    network = extractors.load(protocol.extractor, device)
    kernel = kernel_size(protocol, network, protocol.num_fake)
    names, done = metric_names(protocol), 0
    moments, first = Moments(network.dim), torch.empty(min(max(kernel, protocol.num_neighbours), protocol.num_fake), network.dim)
    score = InceptionScore(protocol.num_fake, protocol.is_splits) if "is" in names else None
    counts = torch.zeros(network.logits if "modes" in names else 0, dtype=torch.long)
    for features, logits in embedded(protocol, network, chunks):
        moments.add(features)
        first[done : done + len(features)] = features[: max(0, len(first) - done)]
        if score:
            score.add(logits)
        if len(counts):
            counts += torch.bincount(logits.argmax(1), minlength=len(counts))
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
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }
    if kernel:
        found["kid"] = kid(reals.for_kid, first[:kernel], reals.kid_term)
    if score:
        found["is"], found["is_split_std"], _ = score.result()
    if len(counts):
        found["modes"], found["entropy"] = coverage_of_counts(counts, protocol.mode_share, network.none)
    if "mode_kl" in names:
        found["mode_kl"] = mode_divergence(counts, as_independent(reals.counts, network.parts), network.none)
    if "high_quality" in names:
        found["high_quality"] = share_in_modes(counts)
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
