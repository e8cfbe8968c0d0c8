"""Evaluate a generator in the middle of its training, which is left untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ganzoo.metrics.encode import generation_mode, stored
from ganzoo.metrics.measure import Measurement, frechet_only, measure
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reals import Source, reals_for
from ganzoo.metrics.translator import Translator
from ganzoo.spec.schema import Case
from ganzoo.streams import fill_latent, stream

CHUNK = 1000  # latents drawn at once


def generate(
    g: nn.Module, case: Case, count: int, seed: int, name: str, device: str, at_once: int = CHUNK, truncation: float | None = None
) -> Iterator[Tensor]:
    """`count` outputs of a case's G: float chunks (≤ at_once, C, H, W). Use inside `generation_mode`.

    z is drawn on the stream `name` of the run's seed alone, for a conditional G (one with `num_classes`) the labels, uniformly,
    on `name`/labels. Each chunk draws `at_once` latents, makes as many images and keeps what is asked for, so that the first images do
    not depend on `count`, not even where a batch's own statistics are used. A Translator translates its sources instead.
    """
    if isinstance(g, Translator):
        yield from g.outputs(name, count)
        return
    latent, classes = case.model.latent, getattr(g, "num_classes", 0)
    latents, labels = stream(seed, name, device), stream(seed, f"{name}/labels", device)
    z = torch.empty(at_once, latent.dim, device=device)
    for start in range(0, count, at_once):
        used = min(at_once, count - start)
        made = at_once if g.training else used  # in eval mode an image does not depend on its neighbours
        inputs = [fill_latent(z, latent.dist, latents, truncation)[:made]]
        if classes:
            inputs.append(torch.randint(classes, (at_once,), generator=labels, device=device)[:made])
        yield g(*inputs)[:used]


def sample_images(
    g: nn.Module, case: Case, protocol: Protocol, count: int, seed: int, name: str, device: str, truncation: float | None = None
) -> Iterator[Tensor]:
    """The same as a protocol finds them stored: uint8 chunks, or float ones of points."""
    for x in generate(g, case, count, seed, name, device, protocol.fake_batch or CHUNK, truncation):
        yield stored(x, protocol, case.eval.fake_range)


def _shown(chunks: Iterator[Tensor], seen: Callable[[Tensor], None]) -> Iterator[Tensor]:
    for images in chunks:
        seen(images)
        yield images


def evaluate(
    g: nn.Module,
    protocol: Protocol,
    case: Case,
    seed: int,
    device: str,
    source: Source | None = None,
    seen: Callable[[Tensor], None] = lambda images: None,
) -> tuple[Measurement, dict[str, float]]:
    """(measurement of num_fake images, {"frechet"} of num_select further ones) of a case's generator.

    Both sets come from their own streams of the run's seed, the same at every evaluation. The second serves to choose
    the best evaluation, so that the number reported for it was not chosen on its own samples. `seen` is shown each chunk of the first.
    """
    reals = reals_for(protocol, device, source)
    with generation_mode(g, protocol):
        fakes = sample_images(g, case, protocol, protocol.num_fake, seed, "eval/report", device)
        found = measure(protocol, reals, _shown(fakes, seen), device)
    return found, {"frechet": evaluate_selection(g, protocol, case, seed, device, source)}


def evaluate_selection(g: nn.Module, protocol: Protocol, case: Case, seed: int, device: str, source: Source | None = None) -> float:
    """The Fréchet distance of `eval.num_select` images, never the ones whose numbers are reported."""
    reals = reals_for(protocol, device, source)
    with generation_mode(g, protocol):
        further = sample_images(g, case, protocol, case.eval.num_select, seed, "eval/select", device)
        return frechet_only(protocol, reals, further, device)


def evaluate_truncated(
    g: nn.Module, protocol: Protocol, case: Case, seed: int, device: str, source: Source | None = None
) -> list[dict[str, float | dict]]:
    """[{"threshold", "metrics"}, …] for each of `eval.truncations`: the same measurement of fakes from truncated z.

    One stream serves every threshold, so that two of them differ in the threshold alone. In eval mode the running batch statistics are
    those of the full law.
    """
    reals, found = reals_for(protocol, device, source), []
    with generation_mode(g, protocol):
        for threshold in case.eval.truncations:
            fakes = sample_images(g, case, protocol, protocol.num_fake, seed, "eval/truncated", device, threshold)
            found.append({"threshold": threshold, "metrics": measure(protocol, reals, fakes, device).metrics})
    return found
