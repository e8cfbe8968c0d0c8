"""What went wrong, and when: found in the logged losses and the evaluations, outside the hot loop."""

from __future__ import annotations

import math
from itertools import groupby

SATURATED_LOSS = 0.01  # D's loss below this ...
SATURATED_WINDOWS = 5  # ... over so many logged windows in a row: D has won, G's gradient is gone


def find_events(losses: dict[str, list], evaluations: list[dict]) -> list[dict]:
    """Events {"kind", "step", "detail"} of a run, in order of step; each kind at its first step.

    nan: a logged loss was not finite. d-saturated: D's loss stayed at the floor. modes-lost: an evaluation reached fewer
    classes than an earlier one did.
    """
    events = []
    rows = list(zip(losses["step"], losses["d"], losses["g"], strict=True))
    broken = next((row for row in rows if not (math.isfinite(row[1]) and math.isfinite(row[2]))), None)
    if broken:
        events.append({"kind": "nan", "step": broken[0], "detail": "a loss was not finite"})
    for low, group in groupby(rows, key=lambda row: row[1] < SATURATED_LOSS):
        window = list(group)
        if low and len(window) >= SATURATED_WINDOWS:
            detail = f"D's loss stayed below {SATURATED_LOSS} for {len(window)} logged windows"
            events.append({"kind": "d-saturated", "step": window[0][0], "detail": detail})
            break
    most = 0
    for entry in evaluations:
        reached = entry["metrics"].get("modes")  # not every protocol's network knows classes
        if reached is not None and reached < most:
            events.append({"kind": "modes-lost", "step": entry["step"], "detail": f"{reached} classes reached, {most} before"})
            break
        most = max(most, reached or 0)
    return sorted(events, key=lambda event: event["step"])
