"""What a document claims, in a form that measurements can decide. One class per kind; the judge holds the statistics."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ganzoo.spec.schema import Strict

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"  # also a safe name for a folder
NAME_RULE = "letters, digits, '.', '_' and '-', a letter or digit first, at most 100"
Name = Annotated[str, Field(pattern=f"^{NAME}$")]
Text = Annotated[str, Field(min_length=1)]
Metric = Literal[
    "frechet", "kid", "is", "precision", "recall", "density", "coverage", "modes", "entropy",
    "d_loss_variation", "g_loss_variation", "seconds_per_epoch",
]  # fmt: skip


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


class Event(_Claim):
    """Something happens, or never happens, in the runs of the cases."""

    kind: Literal["event"]
    event: Literal["nan", "modes-lost", "d-saturated"]
    cases: list[Name] = Field(min_length=1)
    expected: Literal["happens", "never"]


class Cost(_Claim):
    """quantity(numerator) / quantity(denominator) is at least so large."""

    case_fields = ("numerator", "denominator")
    kind: Literal["cost"]
    quantity: Literal["seconds_per_epoch", "parameters"]
    numerator: Name
    denominator: Name
    at_least: float = Field(gt=0)


Claim = Annotated[Ordering | NoDifference | Trend | Event | Cost, Field(discriminator="kind")]
