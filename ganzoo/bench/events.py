"""What happened in a training, and when: found in what was kept on the device while it ran, by the case's thresholds (`watch`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from statistics import median

from ganzoo.spec.schema import Watch
from ganzoo.variation import spread, variation

BEFORE, AFTER = 10, 5  # logged windows whose medians tell a fall from a waver
FEWEST_WINDOWS = 10  # of which half are the later half: fewer say nothing about flat losses


@dataclass(frozen=True)
class Seen:
    """A training so far. `windows`: means {"step", "d", "g"}; `d`, `g`: every step's loss; `looks`: {"step", "diversity"}.

    `balance`: {"step", "v_g", …, "d_real", "d_fake"} over the same windows, empty where the recipe has no dynamic weights.
    """

    windows: dict[str, list]
    d: list[float] = field(default_factory=list)
    g: list[float] = field(default_factory=list)
    looks: dict[str, list] = field(default_factory=lambda: {"step": [], "diversity": []})
    evaluations: list[dict] = field(default_factory=list)
    start: float | None = None  # the untrained generator's distance
    knows_classes: bool = True  # whether the protocol's classes are those of the data
    balance: dict[str, list] = field(default_factory=dict)

    def until(self, end: int) -> Seen:
        """What had been seen after `end` G steps."""
        windows, looks, balance = (_rows(table, end) for table in (self.windows, self.looks, self.balance))
        evaluations = [entry for entry in self.evaluations if entry["step"] <= end]
        return replace(self, windows=windows, d=self.d[:end], g=self.g[:end], looks=looks, evaluations=evaluations, balance=balance)


def _rows(table: dict[str, list], end: int) -> dict[str, list]:
    kept = sum(step <= end for step in table.get("step", ()))
    return {name: values[:kept] for name, values in table.items()}


def find_events(seen: Seen, watch: Watch, per_epoch: int) -> list[dict]:
    """Events {"kind", "step", "epoch", "detail"} in order of step, each kind at its first step.

    nan: a loss was not finite. d-saturated: D has won, and G's gradient is gone. samples-collapsed: the samples of fixed latents came to
    look alike, or never looked otherwise. modes-lost: an evaluation reached some classes of the data fewer than an earlier one did.
    loss-swing: both losses fell abruptly and swing widely since. losses-flat: both hardly move in the later half. nothing-learnt: no
    evaluation is nearer to the reals than the untrained generator was. all-real: D takes the reals and the fakes of the step before
    for real alike; looked for only where the recipe has dynamic weights.
    """
    events = []
    for kind, find in FINDERS.items():
        if (found := next(find(seen, watch), None)) is not None:
            step, detail = found
            events.append({"kind": kind, "step": step, "epoch": round(step / per_epoch, 4), "detail": detail})
    return sorted(events, key=lambda event: event["step"])


Found = Iterator[tuple[int, str]]  # the step, and what was seen


def _not_finite(seen: Seen, watch: Watch) -> Found:
    for step, (d, g) in enumerate(zip(seen.d, seen.g, strict=True), start=1):
        if not (math.isfinite(d) and math.isfinite(g)):
            yield step, "a loss was not finite"


def _saturated(seen: Seen, watch: Watch) -> Found:
    step = 1
    for low, group in groupby(seen.d, key=lambda loss: loss < watch.saturated_loss):
        length = sum(1 for _ in group)
        if low and length >= watch.saturated_steps:
            yield step, f"D's loss stayed below {watch.saturated_loss:g} for {length} steps"
        step += length


def _collapsed(seen: Seen, watch: Watch) -> Found:
    """Two looks in a row count, either way, so that a single one does not. Untrained samples look alike: they must rise first."""
    looks = [(step, value) for step, value in zip(seen.looks["step"], seen.looks["diversity"], strict=True) if value is not None]
    least = watch.collapsed_diversity
    if len(looks) > 2 and all(value < least for _, value in looks):
        yield looks[1][0], f"samples never spread over {least:.0%} of the reals' spread"
    pairs = list(enumerate(zip(looks, looks[1:], strict=False)))
    rose = next((place + 1 for place, ((_, now), (_, then)) in pairs if min(now, then) >= least), len(looks))
    for place, ((step, now), (_, then)) in pairs:
        if place > rose and max(now, then) < least:
            yield step, f"samples spread over {now:.0%} of the reals' spread, below {least:.0%}"


def _modes_lost(seen: Seen, watch: Watch) -> Found:
    if not seen.knows_classes:  # which of CIFAR-10's classes drawn faces are taken for says nothing
        return
    most = 0
    for entry in seen.evaluations:
        reached = entry["metrics"].get("modes")  # not every protocol's network knows classes
        if reached is not None and reached <= most - watch.lost_modes:
            yield entry["step"], f"{reached} classes reached, {most} before"
        most = max(most, reached or 0)


def _swing(seen: Seen, watch: Watch) -> Found:
    steps, curves = seen.windows["step"], (seen.windows["d"], seen.windows["g"])
    if not all(math.isfinite(loss) for curve in curves for loss in curve):
        return
    for place in range(BEFORE, len(steps) - AFTER + 1):
        floors = [watch.drop_share * median(curve[place - BEFORE : place]) for curve in curves]
        if any(median(curve[place : place + AFTER]) >= floor for curve, floor in zip(curves, floors, strict=True)):
            continue
        fell = place + next(i for i, loss in enumerate(curves[0][place:]) if loss < floors[0])  # a median sees it some windows ahead
        swings = [spread(curve[fell:]) or 0.0 for curve in curves]
        if min(swings) > watch.swing_variation:
            told = f"both losses fell below {watch.drop_share:.0%} of theirs and swing since (D {swings[0]:.0%}, G {swings[1]:.0%})"
            yield steps[fell], told


def _flat(seen: Seen, watch: Watch) -> Found:
    steps = seen.windows["step"]
    if len(steps) < FEWEST_WINDOWS:
        return
    swings = [variation(seen.windows[network]) for network in ("d", "g")]
    if all(swing is not None and swing < watch.flat_variation for swing in swings):
        yield steps[len(steps) // 2], f"both losses hardly move in the later half (D {swings[0]:.1%}, G {swings[1]:.1%})"


def _nothing_learnt(seen: Seen, watch: Watch) -> Found:
    if seen.start is None or not seen.evaluations:
        return
    found = [entry["select"].get("frechet") for entry in seen.evaluations]
    best = min((value for value in found if value is not None), default=math.inf)
    if best >= watch.learnt_share * seen.start:
        yield seen.evaluations[-1]["step"], f"distance {best:.4g} at best, {seen.start:.4g} before the first step"


def _all_real(seen: Seen, watch: Watch) -> Found:
    """Windows stand at their last step; the step told is that of the stretch's first window. One that is not finite ends a stretch."""
    if not seen.balance:
        return
    steps, least = seen.balance["step"], watch.all_real_output
    outputs = zip(seen.balance["d_real"], seen.balance["d_fake"], strict=True)
    fooled = [all(mean is not None and least < mean < math.inf for mean in pair) for pair in outputs]
    for high, group in groupby(range(len(steps)), key=fooled.__getitem__):
        places = list(group)
        first, last = places[0], places[-1]
        length = steps[last] - (steps[first - 1] if first else 0)
        if high and length >= watch.all_real_steps:
            yield steps[first], f"D's mean output stayed above {least:g} on reals and on fakes alike for {length} steps"


FINDERS = {
    "nan": _not_finite,
    "d-saturated": _saturated,
    "samples-collapsed": _collapsed,
    "modes-lost": _modes_lost,
    "loss-swing": _swing,
    "losses-flat": _flat,
    "nothing-learnt": _nothing_learnt,
    "all-real": _all_real,
}
