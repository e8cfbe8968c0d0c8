"""The regression gate: does a fresh run lie where the blessed ones say that one more run should?

The interval is Student's prediction interval from k blessed seeds (99 % by default: one false alarm in a hundred rows), two-
sided, since a sudden gain is as suspicious as a loss. k seeds that agree exactly (a saturated metric) would give no width, so the
half-width is at least 2 % of the mean, and 1e-4. One blessed seed gives no interval: such a row says so and passes no judgement.
Seconds are not gated: they belong to the machine.

A fresh run of the very key and seed of a blessed one, in the same environment, must moreover have the same weights to the bit at
every epoch that both evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ganzoo.judge.comparable import changed_settings, differing_fields
from ganzoo.judge.metrics import label, listed
from ganzoo.judge.mixtures import moves_bits
from ganzoo.judge.readings import Reading, read, values
from ganzoo.judge.stats.intervals import Interval, prediction_interval
from ganzoo.judge.summaries import error_of
from ganzoo.judge.verdicts import Plain
from ganzoo.judge.words import figure, listing, seeds, span

LEVEL = 0.99
FLOOR_SHARE = 0.02  # of |mean|: rounding and other machines move a number that much
FLOOR = 1e-4
NOT_GATED = "seconds_per_epoch"


@dataclass(frozen=True)
class GateRow(Plain):
    """One metric of one fresh run. `ok`: True, False, or None where the blessed runs cannot say."""

    case: str
    seed: int
    metric: str | None  # None: the run as a whole
    label: str
    fresh: float | None
    blessed: Mapping[int, float]  # seed → value
    interval: Interval | None
    ok: bool | None
    reason: str


def gate(blessed: Iterable[Mapping], fresh: Iterable[Mapping], level: float = LEVEL) -> list[GateRow]:
    """A row for every case, seed and metric of the fresh records; blessed records count where spec and tier are the same."""
    blessed, rows = list(blessed), []
    for record in fresh:
        references = read(one for one in blessed if (one["spec"], one["tier"]) == (record["spec"], record["tier"]))
        for case, of_seeds in read([record]).items():
            for reading in of_seeds.values():
                rows.extend(_rows(reading, references.get(case) or {}, level))
    return rows


def _rows(fresh: Reading, references: Mapping[int, Reading], level: float) -> list[GateRow]:
    finished = {seed: one for seed, one in references.items() if one.status == "finished"}
    why, ok = _refusal(fresh, finished)
    if why:
        return [GateRow(fresh.case, fresh.seed, None, "whole run", None, {}, None, ok, why)]
    protocol = fresh.record.get("protocol")
    return _bit_row(fresh, finished.get(fresh.seed)) + [
        _row(fresh, metric, label(metric, protocol), values(finished, metric), level)
        for metric in listed({*fresh.last, *(name for one in finished.values() for name in one.last)} - {NOT_GATED})
    ]


def _refusal(fresh: Reading, finished: Mapping[int, Reading]) -> tuple[str, bool | None]:
    """(why no metric can be compared, whether that fails the gate); empty if they can."""
    if fresh.status == "crashed":
        return f"The run crashed: {error_of(fresh)}.", False
    if fresh.status == "partial":
        return "The run stopped before its end.", False
    if not finished:
        return "No blessed run of this case at this tier; bless some to gate it.", None
    settings = fresh.record["resolved"]
    settings = {**settings, "train": {**settings["train"], "epochs": fresh.epoch, "max_steps": None}}  # the case, not its trajectory
    for one in finished.values():
        if changed := changed_settings(one.record, fresh.case, settings):
            return f"Blessed with another {listing(changed)}; bless anew if the change is meant.", False
    if differs := differing_fields([fresh.record.get("protocol"), *(one.record.get("protocol") for one in finished.values())]):
        return (
            f"Incomparable with the blessed runs: their protocols differ in {listing(differs)}; bless anew if the change is meant.",
            False,
        )
    return "", None


def _bit_row(fresh: Reading, blessed: Reading | None) -> list[GateRow]:
    """At most one row: none where another key (settings, data, code, protocol), torch or machine allows other weights."""
    if blessed is None or blessed.record["key"] != fresh.record["key"] or moves_bits(blessed.record) != moves_bits(fresh.record):
        return []
    ours, theirs = _weights(fresh), _weights(blessed)
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        return []
    parted = next((epoch for epoch in common if ours[epoch] != theirs[epoch]), None)
    if parted is None:
        why = f"Bit-exact: the weights of the blessed run at {len(common)} epochs, {common[-1]:g} the last."
    else:
        why = (
            f"Not bit-exact: at epoch {parted:g} the weights are {ours[parted][:12]}, those of the blessed run of the same key, seed and "
            f"environment {theirs[parted][:12]}; find out what moved them, or bless anew if the change is meant."
        )
    return [GateRow(fresh.case, fresh.seed, None, "whole run", None, {}, None, parted is None, why)]


def _weights(reading: Reading) -> dict[float, str]:
    """epoch → digest of the weights, up to the case's epoch."""
    evaluations = reading.record.get("evaluations") or []
    return {entry["epoch"]: entry["weights"] for entry in evaluations if entry.get("weights") and entry["epoch"] <= reading.epoch}


def _row(fresh: Reading, metric: str, name: str, blessed: Mapping[int, float], level: float) -> GateRow:
    value, interval = fresh.last.get(metric), prediction(list(blessed.values()), level)
    known = f"{seeds(len(blessed))} blessed"
    if value is None:
        ok, why = False, f"The blessed runs have '{metric}', the fresh one does not."
    elif not blessed:
        ok, why = None, f"No blessed run has '{metric}'."
    elif not all(map(math.isfinite, blessed.values())):
        ok, why = None, f"Some of {known} diverged: no interval."
    elif not math.isfinite(value):
        ok, why = False, f"Diverged; {known} did not."
    elif interval is None:
        ok, why = None, f"One blessed seed ({figure(next(iter(blessed.values())))}) gives no interval; bless a second one to gate it."
    else:
        ok = interval[0] <= value <= interval[1]
        why = f"{figure(value)} {'lies in' if ok else 'lies outside'} {span(interval)}, the {level:.0%} prediction interval of {known}."
    return GateRow(fresh.case, fresh.seed, metric, name, value, blessed, interval, ok, why)


def prediction(blessed: list[float], level: float = LEVEL) -> Interval | None:
    """The prediction interval, no narrower than the floor; None for fewer than two finite values."""
    interval = prediction_interval(blessed, level)
    if interval is None:
        return None
    centre = (interval[0] + interval[1]) / 2
    half = max((interval[1] - interval[0]) / 2, FLOOR_SHARE * abs(centre), FLOOR)
    return centre - half, centre + half
