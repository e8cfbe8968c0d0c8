"""What a loss is made of, over G steps: dynamic weights and D's mean outputs, and the terms beside the adversarial one."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.report.curves import Panel, panels
from ganzoo.report.measures import Series, courses
from ganzoo.report.watch import marks, thresholds

WEIGHTS: list[Series] = [("v_g", "b", "v_g"), ("v_r", "a", "v_r"), ("v_f", "c", "v_f")]  # the networks' colours: v_g is G's own
OUTPUTS: list[Series] = [("d_real", "a", "D on reals"), ("d_fake", "c", "D on earlier fakes")]
TERMS: list[Series] = [("pixel", "a", "to the target"), ("cycle", "a", "there and back"), ("identity", "c", "of what should stay")]
INFORMATION: list[Series] = [("mi", "b", "bound")]
NATS = "mutual information of z and G(z), lower bound, nats"


@dataclass(frozen=True)
class Balances:
    """`weights`: v_g, v_r and v_f; `outputs`: D's mean on the reals and on the fakes of the step before, with the events on them.

    `terms`: mean distances of pixels that a translation keeps small, without their factors.
    `information`: bounds on the mutual information that G maximises beside its loss, without their weight.
    """

    weights: list[Panel]
    outputs: list[Panel]
    terms: list[Panel]
    information: list[Panel]


def balances(records: list[dict], titles: dict[str, str], styles: dict[int, str]) -> Balances | None:
    """A panel for each training with such columns; None where no record has any. Records of older versions do not tell."""
    mine = [record for record in records if record.get("balance")]
    weights = panels(courses(mine, "balance", WEIGHTS), titles, "steps", "weight")
    events, levels = marks(mine, styles, "all-real"), thresholds(mine, "all_real_output", "all real above")
    outputs = panels(courses(mine, "balance", OUTPUTS), titles, "steps", "D's mean output", marks=events, levels=levels, log=False)
    found = {}
    for series in TERMS:
        kept = [record for record in records if series[0] in (record.get("terms") or {})]
        for case, lines in courses(kept, "terms", [series]).items():
            found.setdefault(case, []).extend(lines)
    terms = panels(found, titles, "steps", "distance of pixels")
    informed = [record for record in records if record.get("information")]
    information = panels(courses(informed, "information", INFORMATION), titles, "steps", NATS, log=False)
    return Balances(weights, outputs, terms, information) if weights or outputs or terms or information else None
