"""The two sides of a case that translates: what is trained on, what is kept for measuring, and what a model must be."""

from __future__ import annotations

from ganzoo import data, models
from ganzoo.errors import SpecError
from ganzoo.spec.schema import TWO_SIDED, Case

TASK_OF = {"pairs": "paired", "domains": "unpaired"}


def two_sided(case: Case) -> bool:
    """Whether the case translates."""
    return case.data.name in TWO_SIDED


def half_of(case: Case) -> str | None:
    """Which half of a file is the input; None where the sides are folders."""
    return case.data.source if case.data.name == "pairs" else None


def training_pairs(case: Case) -> data.PairSet:
    """The sides that are trained on, at the size that crops are taken from."""
    return _loaded(case, "train", case.data.enlarge)


def held_out(case: Case) -> data.PairSet:
    """The sides that are measured on."""
    return _loaded(case, "held-out", 1.0)


def _loaded(case: Case, part: str, enlarge: float) -> data.PairSet:
    settings = case.data
    return data.load_pairs(
        settings.name, settings.split, path=settings.path, resize=settings.resize, enlarge=enlarge,
        source=half_of(case), domains=settings.domains, limit=settings.limit,
        holdout=settings.holdout, part=part,
    )  # fmt: skip


def check_task(case: Case, what: str) -> None:
    """SpecError where the model is for another task than the data."""
    task = getattr(models.get(case.model.name), "TASK", "generation")
    wanted = TASK_OF.get(case.data.name, "generation")
    if task != wanted:
        kinds = {"generation": "a data set of one side"} | {one: f"data set '{name}'" for name, one in TASK_OF.items()}
        raise SpecError(
            f"{what}: model '{case.model.name}' is for {kinds[task]}, not for '{case.data.name}'. Change model.name or data.name."
        )
