"""A small spec to spoil, and a catalogue that needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ganzoo.errors import UserError

SMALL = """\
# A small spec.
#
#     ganzoo run small

document: small
title: A small spec

base:
  model: {name: dense, latent: {dim: 8}, width: 16}
  data: {name: digits, range: [-1, 1]}
  optim:
    g: {name: adam, lr: 2.0e-4, betas: [0.5, 0.999]}
    d: {name: adam, lr: 2.0e-4, betas: [0.5, 0.999]}
  train:
    batch_size: 32
    epochs: 10
  eval: {protocol: digits-cnn, truncations: [0.5, 1.0], probe: true}

sources:
  model: {stated: "§1"}
  model.latent.dim: {assumed: "nothing is said"}
  data: {stated: "§2"}
  optim: {assumed: "habit"}
  train: {code: "nets.py at 0a1b2c"}
  eval: {suite: "our protocol"}

cases:
  original: {}
  longer:
    title: twice the length
    train.epochs: 20
    source: {stated: "§3"}
  sgd:
    optim.d: {name: sgd, lr: 0.01}
    source:
      optim.d.name: {stated: "§4"}
      optim.d: {assumed: "a default of the time"}

tiers:
  smoke:
    cost: seconds
    train.max_steps: 5
    data.limit: 64

claims:
  - {id: C1, text: longer is better, where: "§3", kind: ordering, metric: frechet, better: longer, worse: original}
  - id: C2
    text: the optimiser does not matter
    where: "§4"
    kind: no-difference
    metric: kid
    cases: [original, sgd]
    margin: 0.1
    margin_kind: relative
"""


class _Dense(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    width: int = Field(64, gt=0)
    slope: float = 0.2
    init: Literal["small", "large"] = "small"


class _Conv(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    filters: list[int] = [8, 16]


class SmallCatalogue:
    """Two models, one data set, one protocol."""

    models: dict[str, type[BaseModel]] = {"dense": _Dense, "conv": _Conv}

    def check_model(self, name: str, options: dict) -> dict:
        if name not in self.models:
            raise UserError(f"unknown model '{name}'")
        return self.models[name].model_validate(options).model_dump(mode="json")

    def dataset_names(self) -> list[str]:
        return ["digits", "mnist"]

    def check_protocol(self, name: str) -> None:
        if name != "digits-cnn":
            raise UserError(f"unknown protocol '{name}'")


def spoilt(*edits: tuple[str, str]) -> str:
    """The small spec with texts replaced, each of which must be there exactly once."""
    text = SMALL
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the small spec"
        text = text.replace(old, new)
    return text


def line_of(text: str, part: str) -> int:
    """The line, counted from 1, on which `part` first stands."""
    return text[: text.index(part)].count("\n") + 1
