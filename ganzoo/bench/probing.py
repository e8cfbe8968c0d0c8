"""The feature-extractor probe of a case: its own labelled images, its networks as trained and as they were before the first step."""

from __future__ import annotations

import torch
from torch import nn

from ganzoo import data
from ganzoo.bench.catalogue import source_of
from ganzoo.errors import DataError, SpecError
from ganzoo.metrics.probe import probe
from ganzoo.spec.schema import Case
from ganzoo.train.state import build_networks

TEST = "test"


def check_probe(case: Case, spec: str) -> None:
    """SpecError, before anything is written, where a case that asks for the probe has no labelled images to hold it against."""
    if not case.eval.probe:
        return
    if case.data.split == TEST:
        raise SpecError(
            f"{spec}: eval.probe learns on data.split and is tested on '{TEST}', but data.split is '{TEST}'. Set data.split: train."
        )
    try:
        classes = source_of(case, TEST).load().classes
    except DataError as error:
        raise SpecError(f"{spec}: eval.probe is tested on the data's split '{TEST}': {error} Or set eval.probe: false.") from error
    if len(classes) < 2:
        raise SpecError(f"{spec}: eval.probe needs labelled images, but {case.data.name} has {len(classes)} class. Set eval.probe: false.")


def probe_case(case: Case, g: nn.Module, d: nn.Module, train: data.ImageSet, seed: int, device: torch.device) -> dict[str, float]:
    """Test accuracies {"probe_d", "probe_untrained_d", …} of linear classifiers on frozen features; see `metrics.probe`."""
    untrained = (net.to(device) for net in build_networks(case, train.shape, seed))
    test = source_of(case, TEST).load()
    return probe(g, d, *untrained, train, test, case.data.range, case.model.latent.dim, str(device))
