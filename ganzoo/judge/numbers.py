"""Published numbers against ours.

The document's number is one more training, or so it is judged: it is compared with where one further training of ours would
land (t prediction interval of our seeds at 1 − alpha, its ± added in squares). Outside: better or worse. Inside: reproduced,
if that interval stays within 10 % of the number (or within its ±) and so could have told; inconclusive otherwise. A cell is
judged alone: of twenty right ones about one falls outside at alpha 0.05. Other protocols, stand-in data and smaller tiers are incomparable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ganzoo.judge.comparable import differing_fields
from ganzoo.judge.evidence import left_out
from ganzoo.judge.metrics import direction
from ganzoo.judge.mixtures import mixtures
from ganzoo.judge.readings import Reading, values
from ganzoo.judge.references import Cell, Published, Table
from ganzoo.judge.stats.intervals import prediction_interval
from ganzoo.judge.summaries import error_of, summary
from ganzoo.judge.verdicts import NumberVerdict, Summary
from ganzoo.judge.words import figure, listing, scale, seeds, sentences, span
from ganzoo.spec import Spec

EACH_BEST = "each-best"  # a protocol's `checkpoint`, and the reading that goes with it
TELLING = 0.10  # a prediction interval that leaves the published number by more than this share could hold anything


def judge_numbers(
    spec: Spec, tier: str, readings: Mapping[str, Mapping[int, Reading]], published: Published, alpha: float
) -> list[NumberVerdict]:
    """Every cell of the document, in its order; those no case stands for as "not run". ReferencesError for an unknown table or cell.

    None at all for a spec that names no number: it is about something else of the document.
    """
    if not spec.numbers:
        return []
    asked: dict[tuple[str, str], list] = {}
    for number in spec.numbers:
        table = published.table(number.table)
        asked.setdefault((table.id, table.cell(number.cell).id), []).append(number)
    found = []
    for table in published.tables:
        for cell in table.cells:
            open_ = _open(table, cell, tier)
            if (table.id, cell.id) not in asked:
                found.append(replace(open_, reason="No case of this spec stands for this cell."))
            for number in asked.get((table.id, cell.id), []):
                stand_in = stand_in_of(spec, tier, [number.case], readings)
                row = replace(open_, case=number.case, metric=number.metric, reading=number.reading, stand_in=stand_in)
                found.append(_judge(row, table, cell, readings.get(number.case) or {}, alpha))
    return found


def stand_in_of(spec: Spec, tier: str, cases: list[str], readings: Mapping[str, Mapping[int, Reading]]) -> str | None:
    """What the document used where these cases, as resolved or as run, took other data."""
    stated = [spec.resolve(case, tier).stand_in for case in cases]
    run = [reading.record.get("stand_in") for case in cases for reading in (readings.get(case) or {}).values()]
    return next((text for text in [*stated, *run] if text), None)


def _open(table: Table, cell: Cell, tier: str) -> NumberVerdict:
    """The cell before anything of ours is looked at."""
    kind = table.spread.kind if table.spread else None
    return NumberVerdict(
        table=table.id,
        cell=cell.id,
        case="",
        metric=table.metric,
        label=table.label,
        reading="last",
        verdict="not run",
        ours=None,
        theirs={"value": cell.value, "spread": cell.spread, "spread_kind": kind, "flags": [table.flags[flag] for flag in cell.flags]},
        delta=None,
        predicted=None,
        reason="",
        differs=[],
        source=table.place(cell),
        tier=tier,
        stand_in=None,
    )


def _judge(row: NumberVerdict, table: Table, cell: Cell, readings: Mapping[int, Reading], alpha: float) -> NumberVerdict:
    found = values(readings, row.metric, row.reading)
    if not found:
        return _without_values(row, readings)
    used = [reading.record for seed, reading in readings.items() if seed in found]
    protocols = [record.get("protocol") for record in used]
    ours = summary(found, row.metric, protocols[0])
    row = replace(row, ours=ours, delta=None if ours.mean is None else ours.mean - cell.value)
    differs, why = _incomparable(row, table, protocols)
    if differs:
        return replace(row, verdict="incomparable", differs=differs, reason=why)
    compared = _compare(row, cell, ours, alpha)
    return replace(compared, reason=sentences([compared.reason, *left_out([row.case], {row.case: readings}), *mixtures(used)]))


def _without_values(row: NumberVerdict, readings: Mapping[int, Reading]) -> NumberVerdict:
    crashed = [reading for reading in readings.values() if reading.status == "crashed"]
    if crashed:
        return replace(row, verdict="crashed", reason=f"No run reached its end: {error_of(crashed[0])} (seed {crashed[0].seed}).")
    if any(reading.status == "finished" for reading in readings.values()):
        return replace(row, reason=f"The runs did not measure '{row.metric}' at the {row.reading} evaluation.")
    return replace(row, reason="The runs stopped before their end; run them again to go on." if readings else f"No run of '{row.case}'.")


def _incomparable(row: NumberVerdict, table: Table, protocols: list) -> tuple[list[str], str]:
    """(fields, reason) that forbid the comparison; empty if nothing does."""
    differs, why = differing_fields(protocols), []
    if differs:
        why.append(f"Our own seeds were measured under different protocols (they differ in {listing(differs)}).")
    name = (protocols[0] or {}).get("name")
    if name != table.protocol:
        differs, why = ["protocol", *differs], [f"Ours is measured under protocol '{name}', the document's under '{table.protocol}'.", *why]
    if ((protocols[0] or {}).get("fields") or {}).get("checkpoint") == EACH_BEST and row.reading != EACH_BEST:
        differs = ["reading", *differs]
        why = [f"Under '{name}' each metric is read at its own best evaluation, ours is the {row.reading} one.", *why]
    if row.metric != table.metric:
        differs, why = ["metric", *differs], [f"Ours is '{row.metric}', the table's '{table.metric}'.", *why]
    if row.stand_in:
        differs = ["data", *differs]
    if row.tier != "full":
        differs = ["tier", *differs]
    return differs, " ".join([*why, scale(row.tier, row.stand_in)]).strip()


def _compare(row: NumberVerdict, cell: Cell, ours: Summary, alpha: float) -> NumberVerdict:
    found = list(ours.values.values())
    theirs = figure(cell.value) + (f" ± {figure(cell.spread)}" if cell.spread else "")
    if ours.never:
        spared = f"It never happened in {ours.never} of {seeds(ours.n)}, so ours has no mean; the document has {theirs}."
        return replace(row, verdict="better" if ours.never == ours.n else "inconclusive", reason=spared)
    if ours.diverged:
        lost = f"{ours.diverged} of {seeds(ours.n)} diverged, so ours has no mean; the document has {theirs}."
        return replace(row, verdict="worse" if ours.diverged == ours.n else "inconclusive", reason=lost)
    predicted = prediction_interval(found, 1 - alpha, cell.spread or 0.0)
    if predicted is None:
        return replace(
            row, verdict="inconclusive", reason=f"Ours {figure(ours.mean)}, theirs {theirs}: one seed has no spread to judge by; two would."
        )
    told = f"Ours {figure(ours.mean)} over {seeds(ours.n)}, theirs {theirs}: a further training of ours would land in {span(predicted)}"
    row = replace(row, predicted=predicted)
    if not predicted[0] <= cell.value <= predicted[1]:
        verdict = "better" if (row.delta < 0) == (direction(row.metric) == "lower") else "worse"
        return replace(row, verdict=verdict, reason=f"{told}, and the published number lies outside.")
    reach = max(abs(end - cell.value) for end in predicted)
    if reach <= max(TELLING * abs(cell.value), cell.spread or 0.0):
        return replace(row, verdict="reproduced", reason=f"{told}, around the published number.")
    share = f", up to {reach / abs(cell.value):.0%} away from it" if cell.value else ""
    return replace(
        row, verdict="inconclusive", reason=f"{told}: that holds the published number but is too wide to tell{share}; more seeds narrow it."
    )
