"""A loaded spec: cases, tiers, claims; and the one complete case that a name and a tier resolve to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import SpecError, nearest
from ganzoo.spec.claims import Claim
from ganzoo.spec.complete import Catalogue, Faults, complete
from ganzoo.spec.document import Number, Overrides
from ganzoo.spec.layers import Layer, laid, leaf_sources
from ganzoo.spec.schema import Case
from ganzoo.spec.shape import shape_of
from ganzoo.spec.tree import dotted

FULL = "full"


@dataclass(frozen=True)
class CaseEntry:
    """A case as written: what it changes in the base."""

    name: str
    title: str
    layer: Layer
    of_matrix: bool = False

    @property
    def overrides(self) -> Overrides:
        return dict(self.layer.overrides)


@dataclass(frozen=True)
class Tier:
    """A scale at which every case can be run. `stand_in`: what the document used, where the tier takes other data."""

    name: str
    layer: Layer
    stand_in: str | None = None
    cost: str | None = None
    stand_ins: dict[str, Layer] = field(default_factory=dict)  # data set of a case → what takes its place
    models: dict[str, Layer] = field(default_factory=dict)  # model of a case → its settings at this tier

    @property
    def overrides(self) -> Overrides:
        return dict(self.layer.overrides)


@dataclass(frozen=True)
class Resolved:
    """One case at one tier, nothing left open. `sources`: dotted leaf → {"kind": stated|code|assumed|suite, "text"}."""

    spec: str
    name: str
    title: str
    tier: str
    case: Case
    sources: dict[str, dict[str, str]]
    tier_overrides: dict[str, Any]

    @property
    def stand_in(self) -> str | None:
        return self.case.data.stand_in

    def as_dict(self) -> dict:
        """The case as nested plain data, ready for JSON and YAML."""
        return self.case.model_dump(mode="json")


@dataclass(frozen=True)
class Spec:
    """A spec file. `header`: the comment that opens it."""

    name: str
    path: Path
    document: str
    title: str
    header: str
    base: Layer
    cases: dict[str, CaseEntry]
    tiers: dict[str, Tier]
    claims: list[Claim]
    numbers: list[Number]
    seeds: list[int]
    catalogue: Catalogue | None = None

    @property
    def sources(self) -> dict[str, dict[str, str]]:
        """Dotted leaf of the base → source."""
        return dict(self.base.sources)

    def resolve(self, case: str, tier: str = FULL) -> Resolved:
        """Raises SpecError for an unknown case or tier."""
        if case not in self.cases:
            raise SpecError(f"{self.name} has no case '{case}'.{nearest(case, self.cases)}")
        if tier not in self.tiers:
            raise SpecError(f"{self.name} has no tier '{tier}'.{nearest(tier, self.tiers)}")
        entry = self.cases[case]
        layers = self.layers(case, tier)
        whole = settle(self.path, layers, self.catalogue)
        written = leaf_sources(layers)
        settings = whole.model_dump(mode="json")
        sources = {path: written.get(path) or _default_source(path, settings) for path in dotted(settings)}
        changed = {path: value for layer in layers[2:] for path, value in dotted(layer.overrides).items()}
        return Resolved(self.name, case, entry.title, tier, whole, sources, changed)

    def layers(self, case: str, tier: str | None = None) -> list[Layer]:
        """Base and case, and what a tier lays over them: its own settings, then those for the case's model and data set."""
        layers = [self.base, self.cases[case].layer]
        if tier is None:
            return layers
        scale, settings = self.tiers[tier], laid(layers)
        names = {part: settings.get(part, {}).get("name") for part in ("model", "data")}
        inner = (scale.models.get(names["model"]), scale.stand_ins.get(names["data"]))
        return [*layers, scale.layer, *(layer for layer in inner if layer)]


def settle(path: Path, layers: list[Layer], catalogue: Catalogue | None) -> Case:
    """The complete case of these layers. A fault stands at the line of the last layer, which was right without it before."""
    try:
        return complete(laid(layers), catalogue)
    except Faults as faults:
        last = next((layer for layer in reversed(layers) if layer.overrides), layers[0])
        where = "" if last is layers[0] else f"{last.label}: "
        found = [f"{path.name}:{last.line_of(at)}: {where}{sentence}" for at, sentence in faults.found]
        raise SpecError("\n".join(dict.fromkeys(found))) from None


def _default_source(path: str, settings: dict) -> dict[str, str]:
    """A value that nobody wrote: the schema's default, or the model's for an option of its own."""
    described = shape_of(Case).at(tuple(path.split(".")), settings).get("description")
    return {"kind": "assumed", "text": f"suite default: {described or 'the option is left to the model'}"}
