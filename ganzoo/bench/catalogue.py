"""What a spec may name: models with their options, data sets, protocols. Handed to the spec loader, which itself knows no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganzoo import data, models
from ganzoo.bench.sides import half_of, two_sided
from ganzoo.errors import SpecError, nearest
from ganzoo.metrics import protocols
from ganzoo.metrics.protocol import CASE, Protocol
from ganzoo.metrics.reals import Source
from ganzoo.spec import Spec, load_spec
from ganzoo.spec.schema import Case


class Catalogue:
    """The names and options that this installation knows."""

    def check_model(self, name: str, options: dict) -> dict:
        """Complete options of a model; raises UserError for an unknown name, pydantic's ValidationError for bad options."""
        cls = models.get(name)
        for option in options:
            if option not in cls.Options.model_fields:  # a user's Options may be of a kind that drops what it does not know
                raise SpecError(f"model '{name}' has no option '{option}'.{nearest(option, cls.Options.model_fields)}")
        return cls.Options.model_validate(options).model_dump(mode="json")

    def dataset_names(self) -> list[str]:
        return data.names()

    def check_protocol(self, name: str) -> None:
        """SpecError with the nearest name for a protocol that is not known."""
        protocols.get(name)


def load_checked(path: Path) -> Spec:
    """A spec whose every name and option is known to exist; SpecError otherwise."""
    return load_spec(path, Catalogue())


def protocol_of(case: Case) -> Protocol:
    """The protocol as a case uses it: its counts, reals and use of the averaged generator filled in, so that they are in the hash.

    The digest of reals that are the case's own data is left to whoever has loaded them. SpecError where fakes are too few to be measured.
    """
    found = protocols.get(case.eval.protocol)
    asked = {"num_fake": case.eval.num_fake, "real_count": case.eval.num_real, "real_split": case.eval.real_split}
    own = {"real_data": case.data.name} if found.real_data == CASE else {}
    if two_sided(case):  # as many fakes as there are sources
        own["num_fake"] = case.data.holdout - case.eval.num_select
        if (case.eval.num_fake or 0) > own["num_fake"]:
            raise SpecError(
                f"eval.num_fake is {case.eval.num_fake}, but data.holdout less eval.num_select leaves {own['num_fake']} to translate. "
                "Lower it, or raise data.holdout."
            )
    found = replace(found, ema=case.train.ema > 0, **own | {name: value for name, value in asked.items() if value is not None})
    least = found.least_images
    for setting, count in (("num_fake", found.num_fake), ("num_real", found.real_count)):
        if count is not None and count < least:
            raise SpecError(f"eval.{setting} is {count}, but {found.name} needs at least {least} ({found.is_splits} splits).")
    if case.eval.num_select < 2:
        raise SpecError(f"eval.num_select is {case.eval.num_select}, expected at least 2: a covariance needs two images.")
    return found


def reals_of(case: Case, protocol: Protocol) -> Source:
    """Where the reals of a case's protocol are: the set it names, or the case's own data."""
    if protocols.get(case.eval.protocol).real_data == CASE:
        return source_of(case, protocol.real_split)
    return Source(protocol.real_data, protocol.real_split)


def source_of(case: Case, split: str) -> Source:
    """Where a split of a case's own data is; of two sides, the one that is translated into."""
    settings = case.data
    if two_sided(case):
        held = settings.holdout if split == settings.split else 0  # of another split all were kept from training
        domains = tuple(settings.domains) if settings.domains else None
        return Source(settings.name, split, settings.path, settings.resize, sides=(half_of(case), domains, held))
    return Source(settings.name, split, settings.path, settings.resize, tuple(settings.classes) if settings.classes else None)
