"""The evaluator without each of its steps, as a table: values, differences, and bars for their size."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ganzoo.report.evaluator_steps import AS_IT_IS, step_of
from ganzoo.report.evidence import anchor, better
from ganzoo.report.measures import Column
from ganzoo.report.svg import element, line
from ganzoo.report.text import NONE, is_number, number

WIDTH, HEIGHT = 64, 8  # of a bar's picture


@dataclass(frozen=True)
class Cell:
    """`delta` and `bar` are empty in the row that the others are held against."""

    value: str
    delta: str = ""
    bar: Markup = Markup("")


@dataclass(frozen=True)
class Row:
    step: str
    name: str
    note: str
    anchor: str  # of the step's words; empty where there are none
    cells: list[Cell]


def columns(metrics: dict, labels: dict[str, str]) -> list[Column]:
    return [Column(name, labels.get(name, name), better(name)) for name in metrics]


def rows(metrics: dict, without: dict[str, dict]) -> list[Row]:
    """The evaluator as it is, then without each step: {step: {metric: value}}. No rows where nothing was switched off."""
    if not without:
        return []
    deltas = {name: [_delta(found, metrics, name) for found in without.values()] for name in metrics}
    largest = {name: max((abs(d) for d in of if d is not None), default=0.0) for name, of in deltas.items()}
    first = Row(AS_IT_IS, AS_IT_IS, "every step as the authors' code takes it", "", [Cell(number(value, 4)) for value in metrics.values()])
    return [first, *(_row(step, found, metrics, largest) for step, found in without.items())]


def _row(step: str, found: dict, metrics: dict, largest: dict[str, float]) -> Row:
    words = step_of(step)
    cells = [_cell(found.get(name), _delta(found, metrics, name), largest[name]) for name in metrics]
    return Row(step, words.row, words.off, anchor("step", step) if words.does else "", cells)


def _delta(found: dict, metrics: dict, name: str) -> float | None:
    value, own = found.get(name), metrics[name]
    return value - own if is_number(value) and is_number(own) else None


def _cell(value: object, delta: float | None, largest: float) -> Cell:
    if delta is None:
        return Cell(number(value, 4) if is_number(value) else NONE)
    return Cell(number(value, 4), ("+" if delta > 0 else "") + number(delta), bar(delta / largest if largest else 0.0))


def bar(share: float) -> Markup:
    """−1..1 as a bar to the left or right of a middle line; the number beside it says the same, so it is hidden from readers of text."""
    middle, length = WIDTH / 2, abs(share) * (WIDTH / 2 - 1)
    drawn = element("rect", x=middle - length if share < 0 else middle, y=1.0, width=length, height=HEIGHT - 2.0, class_="effect")
    return element(
        "svg", drawn, line(middle, 0, middle, HEIGHT, "axis"), class_="chart bar", viewBox=f"0 0 {WIDTH} {HEIGHT}", aria_hidden="true"
    )
