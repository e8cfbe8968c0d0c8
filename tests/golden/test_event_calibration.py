"""How often the events cry wolf: counted on blessed runs that were healthy by their outcome, whatever happened on the way.

Healthy: the last evaluation's distance (on other samples than those reported) is less than 60 % of the untrained generator's, and no
evaluation before it was twice as near. Events are found anew from what a blessed record keeps: the looks, the evaluations, the start,
and losses at 60 points; those that need every step's loss are the run's own.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ganzoo.bench.events import Seen, find_events
from ganzoo.spec.metric_names import EVENTS
from ganzoo.spec.schema import Watch

MEASURED = Path(__file__).resolve().parents[2] / "reference_results" / "measured"
EVERY_STEP = ("nan", "d-saturated")
LEARNT, LOST = 0.6, 2.0
KNOWN = "cifar10-jpeg"  # the pack whose classes the protocol's classifier has learnt
MOST_ALARMS = 0.05  # of the healthy runs, for each kind


def watched() -> list[dict]:
    """Finished blessed runs that had a watch over them."""
    records = [record for path in MEASURED.glob("*.json") for record in json.loads(path.read_text())["records"]]
    return [record for record in records if record["status"] == "finished" and record.get("watch") and record["start"]["frechet"]]


def distances(record: dict) -> list[float]:
    return [entry["select"]["frechet"] or float("inf") for entry in record["evaluations"]]


def is_healthy(record: dict) -> bool:
    found = distances(record)
    return found[-1] < LEARNT * record["start"]["frechet"] and found[-1] < LOST * min(found)


def events_of(record: dict) -> set[str]:
    per_epoch = record["data"]["count"] // record["resolved"]["train"]["batch_size"]
    known = record["resolved"]["data"]["path"] == KNOWN
    seen = Seen(record["losses"], [], [], record["watch"], record["evaluations"], record["start"]["frechet"], knows_classes=known)
    found = find_events(seen, Watch.model_validate(record["resolved"]["watch"]), per_epoch)
    return {event["kind"] for event in found} | {event["kind"] for event in record["events"] if event["kind"] in EVERY_STEP}


@pytest.fixture(scope="module")
def healthy() -> list[dict]:
    return [record for record in watched() if is_healthy(record)]


def test_there_are_enough_runs_to_count_on(healthy):
    assert len(healthy) >= 40


@pytest.mark.parametrize("kind", EVENTS)
def test_false_alarms(healthy, kind):
    alarms = Counter(record["case"] for record in healthy if kind in events_of(record))
    assert alarms.total() <= MOST_ALARMS * len(healthy), f"{alarms.total()} of {len(healthy)} healthy runs: {dict(alarms)}"


def test_what_learnt_nothing_is_told():
    """The other side: every run that ended no nearer than it began has an event that says something went wrong."""
    sick = [record for record in watched() if min(distances(record)) >= record["start"]["frechet"]]
    assert all("nothing-learnt" in events_of(record) for record in sick)
