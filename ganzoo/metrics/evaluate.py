"""One pass over a generator's samples: all metrics of a protocol, the training left untouched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganzoo.errors import DataError
from ganzoo.metrics.classifier import load_extractor
from ganzoo.metrics.frechet import frechet_distance
from ganzoo.metrics.inception_score import inception_score
from ganzoo.metrics.kid import kid
from ganzoo.metrics.modes import mode_coverage
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.precision_recall import precision_recall
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reals import CHUNK, Reals, reals_for
from ganzoo.spec.schema import Case
from ganzoo.streams import fill_latent, stream


def to_uint8(x: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Float images in `value_range` → uint8: clipped, scaled to 0..255, rounded to nearest."""
    lo, hi = value_range
    return ((x.float() - lo) * (255.0 / (hi - lo))).clamp_(0, 255).round_().to(torch.uint8)


@contextmanager
def evaluation_mode(net: nn.Module) -> Iterator[nn.Module]:
    """`net` in eval mode without gradients; every layer's own mode is put back afterwards."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with torch.no_grad():
            yield net
    finally:
        for module, training in modes:
            module.training = training


def sample_images(g: nn.Module, case: Case, count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """`count` images of a case's G as uint8 chunks (≤ CHUNK, C, H, W) from z drawn on `generator` alone. Use inside `evaluation_mode`.

    Each chunk draws CHUNK latents and keeps what it needs, so the first images do not depend on `count`.
    """
    latent = case.model.latent
    z = torch.empty(CHUNK, latent.dim, device=generator.device)
    for start in range(0, count, CHUNK):
        yield to_uint8(g(fill_latent(z, latent.dist, generator)[: min(CHUNK, count - start)]), case.eval.fake_range)


def extract(protocol: Protocol, chunks: Iterator[Tensor], device: str) -> tuple[Tensor, Tensor]:
    """Features (n, d) and logits (n, k) of uint8 chunks, on the CPU."""
    network = load_extractor(protocol.extractor, device)
    features, logits = [], []
    for chunk in chunks:
        if tuple(chunk.shape[1:]) != network.image:
            made = f"the generator makes images of shape {tuple(chunk.shape[1:])}"
            raise DataError(f"{made}, but {protocol.extractor} reads {network.image}. Choose a protocol made for them.")
        f, y = network(chunk)
        features.append(f.cpu())
        logits.append(y.cpu())
    return torch.cat(features), torch.cat(logits)


def score(protocol: Protocol, reals: Reals, features: Tensor, logits: Tensor) -> dict[str, float | int | list[float]]:
    """All metrics of extracted fakes."""
    precision, recall = precision_recall(reals.near, features[: protocol.num_neighbours], protocol.neighbours, reals.near_radii)
    mean, spread, _ = inception_score(logits, protocol.is_splits)
    modes, entropy = mode_coverage(logits, protocol.mode_share)
    return {
        "frechet": frechet_distance(reals.moments, Moments(features.shape[1]).add(features)),
        "kid": kid(reals.features, features, reals.kid_term),
        "is": mean,
        "is_split_std": spread,
        "precision": precision,
        "recall": recall,
        "modes": modes,
        "entropy": entropy,
    }


def evaluate(g: nn.Module, protocol: Protocol, case: Case, seed: int, device: str) -> tuple[dict, dict]:
    """(metrics on num_fake images, {"frechet"} on num_select further ones) of a case's generator.

    Both sets come from their own streams of the run's seed, the same at every evaluation. The second serves to choose
    the best evaluation, so that the number reported for it was not chosen on its own samples.
    """
    reals = reals_for(protocol, device)
    with evaluation_mode(g):
        metrics = score(
            protocol, reals, *extract(protocol, sample_images(g, case, protocol.num_fake, stream(seed, "eval/report", device)), device)
        )
        features, _ = extract(protocol, sample_images(g, case, case.eval.num_select, stream(seed, "eval/select", device)), device)
    return metrics, {"frechet": frechet_distance(reals.moments, Moments(features.shape[1]).add(features))}
