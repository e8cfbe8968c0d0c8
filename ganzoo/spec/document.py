"""The spec file itself: which keys it may have. What its cases resolve to is schema.py's and resolve.py's matter."""

from __future__ import annotations

import itertools
import math
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ganzoo.spec.claims import Claim, Metric, Name, Text
from ganzoo.spec.schema import Strict

KINDS = ("stated", "code", "assumed", "suite")
MAX_CASES = 1000

Overrides = dict[str, object]


class Provenance(Strict):
    """Where a value comes from: exactly one kind, with the place or the reason."""

    stated: Text | None = Field(None, description="the document says so: its section")
    code: Text | None = Field(None, description="the authors' code says so: repository, revision, file")
    assumed: Text | None = Field(None, description="neither says: our choice and its reason")
    suite: Text | None = Field(None, description="how this suite measures; not the document's matter")

    @model_validator(mode="after")
    def _one(self):
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"a source has exactly one of {', '.join(KINDS)}, got {', '.join(given) or 'none'}")
        return self

    def as_dict(self) -> dict[str, str]:
        kind = next(kind for kind in KINDS if getattr(self, kind) is not None)
        return {"kind": kind, "text": getattr(self, kind)}


class _Block(BaseModel):
    """A few named keys; every other key is the dotted path of an override."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    @property
    def overrides(self) -> Overrides:
        return dict(self.model_extra or {})


class CaseBlock(_Block):
    title: Text | None = Field(None, description="what the case is, in a few words")
    source: dict[str, object] | None = Field(None, description="where the overrides come from: one source, or dotted path → source")


class StandInBlock(_Block):
    stand_in: Text = Field(description="what the document used, where the tier puts other data in its place")


class ModelBlock(_Block):
    """Options of one model at a tier."""


class TierBlock(_Block):
    stand_in: Text | None = Field(None, description="what the document used, where the tier puts other data in its place")
    stand_ins: dict[Name, StandInBlock] = Field(default_factory=dict, description="the same for each data set of the cases, by its name")
    models: dict[Text, ModelBlock] = Field(default_factory=dict, description="settings for the cases of one model, by its name")
    cost: Text | None = Field(None, description="rough time of a case")


class Matrix(Strict):
    """A product of axes. `name` holds each axis in braces: "dcgan-{batch}-{data}"."""

    name: Text
    title: Text | None = None
    axes: dict[Name, Annotated[dict[Name, Overrides], Field(min_length=1)]] = Field(min_length=1)
    source: dict[str, object] | None = None

    @model_validator(mode="after")
    def _placeholders(self):
        found = re.findall(r"{([^{}]*)}", self.name)
        if sorted(found) != sorted(self.axes):
            raise ValueError(f"name '{self.name}' must hold each axis once in braces: {', '.join(f'{{{axis}}}' for axis in self.axes)}")
        if (size := math.prod(map(len, self.axes.values()))) > MAX_CASES:
            raise ValueError(f"the axes give {size} cases, expected at most {MAX_CASES}")
        return self

    def points(self) -> list[dict[str, str]]:
        """Axis → chosen value, for every combination."""
        return [dict(zip(self.axes, values, strict=True)) for values in itertools.product(*self.axes.values())]

    @staticmethod
    def filled(template: str, point: dict[str, str]) -> str:
        return re.sub(r"{([^{}]*)}", lambda match: point.get(match.group(1), match.group(0)), template)


class Number(Strict):
    """A published table cell and the case that re-runs it."""

    table: Text
    cell: Text
    case: Name
    metric: Metric
    reading: Literal["last", "best", "each-best"] = "last"


def _unique_seeds(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"a seed stands twice in {seeds}")
    return seeds


Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Document(Strict):
    """The whole file. Every leaf written in `base` needs a source; what is not written takes the schema's default."""

    document: Name = Field(description="key in reference_results/published")
    title: Text
    base: dict[str, object] = Field(description="the case that every other case differs from")
    cases: dict[Name, CaseBlock] = Field(default_factory=dict)
    matrix: Matrix | None = None
    tiers: dict[Name, TierBlock] = Field(default_factory=dict)
    sources: dict[str, Provenance] = Field(description="dotted path, or the path of a branch, → where the value comes from")
    claims: list[Claim] = Field(default_factory=list)
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_unique_seeds)] = Field([0, 1, 2])
    numbers: list[Number] = Field(default_factory=list, description="published numbers and the cases that re-run them")
