"""Claims and published numbers: their fields, and the cases that they are about."""

from __future__ import annotations

import pytest
from small_spec import SMALL, line_of

from ganzoo.spec import Cost, Event, NoDifference, Ordering, Trend

HEAD = "  - {id: C9, text: t, where: w, "
MORE = [
    ("kind: trend, metric: is, cases: [original, longer], direction: improves}", Trend, ["original", "longer"]),
    ("kind: event, event: modes-lost, cases: [sgd], expected: never}", Event, ["sgd"]),
    ("kind: cost, quantity: parameters, numerator: longer, denominator: sgd, at_least: 1.5}", Cost, ["longer", "sgd"]),
    ("kind: ordering, metric: kid, better: sgd, worse: longer, alpha: 0.01, reading: best, note: n}", Ordering, ["sgd", "longer"]),
    (
        "kind: no-difference, metric: modes, cases: [sgd, longer, original], margin: 1, margin_kind: absolute}",
        NoDifference,
        ["sgd", "longer", "original"],
    ),
]


@pytest.mark.parametrize(("fields", "kind", "cases"), MORE, ids=[kind.__name__ for _, kind, _ in MORE])
def test_kinds(load, fields, kind, cases):
    claim = load(text=f"{SMALL}{HEAD}{fields}\n").claims[-1]
    assert isinstance(claim, kind)
    assert claim.case_names == cases
    assert claim.id == "C9"


def test_defaults(load):
    claim = load().claims[0]
    assert (claim.reading, claim.alpha, claim.note) == ("last", None, None)


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("ordering", "metric: kid, better: sdg, worse: longer", "claim 'C9': better is 'sdg', which is no case. Did you mean 'sgd'?"),
        ("ordering", "metric: kid, better: sgd, worse: lnger", "claim 'C9': worse is 'lnger', which is no case. Did you mean 'longer'?"),
        ("trend", "metric: is, cases: [original, long], direction: improves", "claim 'C9': cases is 'long', which is no case."),
        ("cost", "quantity: parameters, numerator: longer, denominator: sg, at_least: 1.5", "claim 'C9': denominator is 'sg'"),
        ("trend", "metric: is, cases: [sgd], direction: improves", "claims[2].cases is ['sgd'], expected a list of at least 2"),
        ("trend", "metric: is, cases: [sgd, sgd], direction: improves", "claims[2]: compares a case with itself: sgd, sgd."),
        ("event", "event: boredom, cases: [sgd], expected: never", "claims[2].event is 'boredom'. Valid: all-real, d-saturated, "),
        ("cost", "quantity: parameters, numerator: longer, denominator: sgd, at_least: 0", "claims[2].at_least is 0, expected a number"),
        ("ordering", "metric: kid, better: sgd, worse: longer, alpha: 1", "claims[2].alpha is 1, expected a number above 0 and below 1"),
        ("ordering", "metric: kid, better: sgd, worse: longer, margin: 1", "unknown key 'claims[2].margin'."),
        ("no-difference", "metric: kid, cases: [sgd, longer], margin: -1, margin_kind: absolute", "claims[2].margin is -1, expected"),
    ],
)
def test_refused_at_its_line(refusal, kind, fields, says):
    text = f"{SMALL}{HEAD}kind: {kind}, {fields}}}\n"
    assert refusal(text=text).startswith(f"small.yaml:{line_of(text, 'C9')}: {says}")


def test_an_id_stands_once(refusal):
    assert "a second claim is called 'C1'" in refusal(("id: C2", "id: C1"))


def test_numbers_name_a_cell_and_a_case(load, refusal):
    row = "numbers:\n  - {table: t1, cell: c1, case: %s, metric: is}\n"
    number = load(text=SMALL + row % "longer").numbers[0]
    assert (number.table, number.cell, number.case, number.metric, number.reading) == ("t1", "c1", "longer", "is", "last")
    assert "number 't1/c1': case is 'long', which is no case. Did you mean 'longer'?" in refusal(text=SMALL + row % "long")
    twice = row % "longer" + (row % "sgd").partition("\n")[2]
    assert "cell 'c1' of table 't1' stands twice" in refusal(text=SMALL + twice)


@pytest.mark.parametrize(
    ("seeds", "says"),
    [
        ("[0, 1, 1]", "seeds: a seed stands twice in [0, 1, 1]."),
        ("[]", "seeds is [], expected a list of at least 1"),
        ("[-1]", "seeds[0] is -1, expected a whole number at least 0"),
        ("3", "seeds is 3, expected a list of at least 1"),
    ],
)
def test_seeds(refusal, seeds, says):
    assert says in refusal(text=f"{SMALL}seeds: {seeds}\n")


def test_three_seeds_unless_said_otherwise(load):
    assert load().seeds == [0, 1, 2]
    assert load(text=f"{SMALL}seeds: [7, 3]\n").seeds == [7, 3]
