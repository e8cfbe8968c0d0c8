"""What a document claims, in a form that measurements can decide. One class per kind; the judge holds the statistics."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ganzoo.spec.metric_names import DIRECTION, EVENTS, direction, event_kinds, metric_name, only_at_the_end
from ganzoo.spec.schema import Strict

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"  # also a safe name for a folder
NAME_RULE = "letters, digits, '.', '_' and '-', a letter or digit first, at most 100"
Name = Annotated[str, Field(pattern=f"^{NAME}$")]
Text = Annotated[str, Field(min_length=1)]
Metric = Annotated[str, AfterValidator(metric_name), WithJsonSchema({"type": "string", "enum": list(DIRECTION)})]
ONE_EVENT = {"type": "string", "enum": list(EVENTS)}
Events = Annotated[Any, AfterValidator(event_kinds), WithJsonSchema({"anyOf": [ONE_EVENT, {"type": "array", "items": ONE_EVENT}]})]


class _Claim(Strict):
    id: Name = Field(description="the document's claim, as numbered in reference_results/published")
    text: Text = Field(description="what is claimed, in our words")
    where: Text = Field(description="where the document says so")
    reading: Literal["last", "best"] = Field("last", description="last evaluation, or the one best on other samples than those reported")
    alpha: float | None = Field(None, gt=0, lt=1, description="error rate of this claim's test; None: the judge's default")
    note: str | None = Field(None, description="how the claim was read, why this margin")

    case_fields: ClassVar[tuple[str, ...]] = ("cases",)

    @property
    def case_names(self) -> list[str]:
        """Every case whose runs decide the claim, in the claim's order."""
        named = [getattr(self, field) for field in self.case_fields]
        return [name for entry in named for name in (entry if isinstance(entry, list) else [entry])]

    @property
    def metrics(self) -> list[str]:
        """Every metric whose values decide the claim."""
        return [self.metric] if "metric" in type(self).model_fields else []

    @model_validator(mode="after")
    def _has_a_best(self):
        lasting = [metric for metric in self.metrics if only_at_the_end(metric)]
        if self.reading == "best" and lasting:
            raise ValueError(f"reading is best, but {lasting[0]} is measured at a case's last evaluation alone; leave the reading out")
        return self

    @model_validator(mode="after")
    def _distinct(self):
        names = self.case_names
        if len(set(names)) < len(names):
            raise ValueError(f"compares a case with itself: {', '.join(names)}")
        return self


class Ordering(_Claim):
    """`better` has the better metric."""

    case_fields = ("better", "worse")
    kind: Literal["ordering"]
    metric: Metric
    better: Name
    worse: Name


class NoDifference(_Claim):
    """All cases agree within the margin (equivalence, not a failure to reject). `relative`: share of the first case's mean."""

    kind: Literal["no-difference"]
    metric: Metric
    cases: list[Name] = Field(min_length=2)
    margin: float = Field(gt=0)
    margin_kind: Literal["absolute", "relative"]


class Trend(_Claim):
    """The metric improves, or worsens, along the cases as listed."""

    kind: Literal["trend"]
    metric: Metric
    cases: list[Name] = Field(min_length=2)
    direction: Literal["improves", "worsens"]


class Paired(_Claim):
    """Within each training of one case, the metric `better` beats the metric `worse`."""

    case_fields = ("case",)
    kind: Literal["paired"]
    case: Name
    better: Metric
    worse: Metric

    @property
    def metrics(self) -> list[str]:
        return [self.better, self.worse]

    @model_validator(mode="after")
    def _comparable(self):
        if self.better == self.worse:
            raise ValueError(f"compares {self.better} with itself")
        ways = [f"{metric} is better the {direction(metric)}" for metric in self.metrics]
        if direction(self.better) != direction(self.worse):
            raise ValueError(f"{', '.join(ways)}: expected two metrics that are better the same way")
        return self


class Event(_Claim):
    """Something happens, or never happens, in the runs of the cases. Of several kinds any will do; each counts where it is first seen."""

    kind: Literal["event"]
    event: Events = Field(description="one kind or a list of kinds; a list once loaded")
    cases: list[Name] = Field(min_length=1)
    expected: Literal["happens", "never"]
    within_epochs: float | None = Field(None, gt=0, description="counts only where it is first seen at this epoch or before")
    after_epochs: float | None = Field(None, ge=0, description="counts only where it is first seen at this epoch or later")

    @model_validator(mode="after")
    def _window(self):
        if None not in (self.within_epochs, self.after_epochs) and self.within_epochs < self.after_epochs:
            raise ValueError(f"after_epochs is {self.after_epochs:g}, beyond within_epochs {self.within_epochs:g}")
        return self


class Cost(_Claim):
    """quantity(numerator) / quantity(denominator) is at least so large."""

    case_fields = ("numerator", "denominator")
    kind: Literal["cost"]
    quantity: Literal["seconds_per_epoch", "parameters"]
    numerator: Name
    denominator: Name
    at_least: float = Field(gt=0)


Claim = Annotated[Ordering | NoDifference | Trend | Paired | Event | Cost, Field(discriminator="kind")]
