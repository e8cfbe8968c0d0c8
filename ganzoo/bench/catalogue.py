"""What a spec may name: models with their options, data sets, protocols. Handed to the spec loader, which itself knows no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganzoo import data, models
from ganzoo.errors import SpecError, nearest
from ganzoo.metrics import protocol
from ganzoo.metrics.protocol import Protocol
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

    def protocol_names(self) -> list[str]:
        return protocol.names()


def load_checked(path: Path) -> Spec:
    """A spec whose every name and option is known to exist; SpecError otherwise."""
    return load_spec(path, Catalogue())


def protocol_of(case: Case) -> Protocol:
    """The protocol as a case uses it: its count of fakes and use of the averaged generator filled in, so that they are in the hash.

    SpecError where the fakes are too few to be measured.
    """
    found = replace(protocol.get(case.eval.protocol), num_fake=case.eval.num_fake, ema=case.train.ema > 0)
    least = max(found.is_splits, found.neighbours + 1)
    if found.num_fake < least:
        raise SpecError(f"eval.num_fake is {found.num_fake}, but {found.name} needs at least {least} ({found.is_splits} splits).")
    if case.eval.num_select < 2:
        raise SpecError(f"eval.num_select is {case.eval.num_select}, expected at least 2: a covariance needs two images.")
    return found
