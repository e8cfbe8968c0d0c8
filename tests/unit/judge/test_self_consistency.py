"""A document against its own tables: the counts of iyengar's notes, the rule of every verdict, and what a wrong self_check is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml

from ganzoo.commands.compare import print_self_checks
from ganzoo.commands.terminal import console
from ganzoo.errors import ReferencesError
from ganzoo.judge.judgement import judge
from ganzoo.judge.references import Published, load_document
from ganzoo.judge.self_consistency import self_checks
from ganzoo.spec import load_spec

PUBLISHED = Path(__file__).resolve().parents[3] / "reference_results" / "published"
ORDERING = {"tables": ["t"], "axis": "row.net", "first": "new", "second": "old", "expects": "ordering"}
EQUAL = {**ORDERING, "expects": "no-difference", "margin": 0.1, "margin_kind": "relative"}


@pytest.fixture(scope="module")
def iyengar():
    checks = self_checks(load_document(PUBLISHED / "iyengar.yaml"))
    return {check.id: check for check in checks}


def document(values, check, metric="frechet", spreads=None, more=()):
    """A table `t` with a column a pair, (new, old) each."""
    cells = [
        {"id": f"{net}-{i}", "row": {"net": net, "batch": 32}, "column": f"data {i}", "value": value}
        | ({"spread": spreads[i][place], "flags": ["odd"] if i == 0 else []} if spreads else {})
        for i, pair in enumerate(values)
        for place, (net, value) in enumerate(zip(("new", "old"), pair, strict=True))
    ]
    table = {"id": "t", "title": "T", "where": "Table 1", "metric": metric, "label": "distance", "protocol": "p", "cells": [*cells, *more]}
    if spreads:
        table |= {"spread": {"over": "splits", "kind": "std over splits"}, "flags": {"odd": "An odd one."}}
    claim = {"id": "E1", "where": "§1", "kind": "ordering", "text": "new beats old", "self_check": check}
    return {"document": "example", "title": "E", "tables": [table], "claims": [claim]}


def checked(values, check=ORDERING, **more):
    (found,) = self_checks(Published.model_validate(document(values, check, **more)))
    return found


@pytest.mark.parametrize(
    ("claim", "table", "better", "n"),
    [
        ("I1", "table-1", 1, 8), ("I1", "table-2", 0, 8), ("I2a", "table-1", 4, 8), ("I2b", "table-2", 5, 8),
        ("I3", "table-1", 1, 4), ("I3", "table-2", 1, 4),
    ],
)  # fmt: skip
def test_the_counts_of_the_notes(iyengar, claim, table, better, n):
    (found,) = [one for one in iyengar[claim].tables if one.table == table]
    assert (found.better, found.worse, len(found.pairs), found.unpaired) == (better, n - better, n, [])


def test_verdicts_of_iyengar(iyengar):
    assert {name: check.verdict for name, check in iyengar.items()} == {"I1": "mixed", "I2a": "mixed", "I2b": "mixed", "I3": "inconsistent"}
    scores, distances = iyengar["I1"].tables
    assert (scores.verdict, scores.as_stated, scores.beyond_spread) == ("consistent", 8, 6)
    assert (distances.verdict, distances.as_stated, distances.against, distances.p) == ("mixed", 4, 4, 2 / 2**8)
    assert distances.beyond_spread is None and distances.spread is None


def test_a_pair_tells_its_cells_and_their_flags(iyengar):
    scores = iyengar["I1"].tables[0]
    pair = scores.pairs[0]
    assert (pair.place, pair.cells, pair.values) == ("batch 32, CIFAR-10", ("sn-dcgan-32-cifar10", "dcgan-32-cifar10"), (4.92, 4.66))
    assert pair.difference == pytest.approx(0.26) and (pair.better, pair.goes, pair.beyond_spread) == ("first", "as stated", True)
    assert sum("off-domain" in one.flags for one in scores.pairs) == 4 and list(scores.flags) == ["off-domain"]
    assert "4 of 8 pairs hold a cell with the flag 'off-domain'; of the others SN-DCGAN is better in 1 of 4." in scores.reason
    assert "batch 64 is better than batch 32 in 5 of 8 pairs" in iyengar["I2b"].reason


def pairs(with_, against, ties=0):
    """Of a metric whose lower value is better."""
    return [(1.0, 2.0)] * with_ + [(2.0, 1.0)] * against + [(1.0, 1.0)] * ties


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((1, 0), "consistent"), ((8, 1), "consistent"), ((6, 0, 2), "consistent"), ((7, 1), "mixed"), ((5, 0, 1), "mixed"),
        ((2, 2), "mixed"), ((0, 0, 3), "mixed"), ((1, 2), "inconsistent"), ((0, 1, 5), "inconsistent"),
    ],
)  # fmt: skip
def test_the_rule_of_an_ordering(counts, verdict):
    assert checked(pairs(*counts)).verdict == verdict


def test_what_is_better_is_the_metrics_affair():
    assert checked(pairs(3, 0), metric="is").verdict == "inconsistent"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([(11.0, 10.0), (9.0, 10.0)], "consistent"),  # on the margin exactly
        ([(11.1, 10.0), (9.0, 10.0)], "mixed"),
        ([(11.1, 10.0), (8.0, 10.0), (10.0, 10.0)], "inconsistent"),
        ([(9.5, 10.0)] * 8, "consistent"),  # always to one side, and little
    ],
)
def test_the_rule_of_no_difference(values, verdict):
    assert checked(values, EQUAL).verdict == verdict


def test_an_absolute_margin():
    check = {**EQUAL, "margin": 0.3, "margin_kind": "absolute"}
    assert checked([(1.3, 1.0)], check).verdict == "consistent" and checked([(10.4, 10.0)], check).verdict == "inconsistent"


def test_no_difference_is_not_decided_by_a_sign_test():
    many_within = [(10.5, 10.0)] * 19 + [(20.0, 10.0)]
    assert checked(many_within, EQUAL).tables[0].p < 0.001 and checked(many_within, EQUAL).verdict == "mixed"


def test_spreads_are_counted_and_decide_nothing():
    wide, narrow = [(0.8, 0.8)] * 2, [(0.6, 0.8)] * 2
    assert [checked(pairs(1, 1), spreads=spreads).tables[0].beyond_spread for spreads in (wide, narrow)] == [0, 0]
    assert checked(pairs(1, 1), spreads=[(0.5, 0.8), (0.6, 0.81)]).tables[0].beyond_spread == 1
    assert {checked(pairs(2, 0), spreads=spreads).verdict for spreads in (wide, narrow)} == {"consistent"}


def test_cells_without_a_counterpart_are_named():
    more = [{"id": "lone", "row": {"net": "new", "batch": 64}, "column": "data 0", "value": 9.0}]
    table = checked(pairs(2, 0), more=more).tables[0]
    assert table.unpaired == ["lone"] and len(table.pairs) == 2


def test_tables_that_disagree_are_mixed_and_never_added_up():
    told = document(pairs(9, 0), {**ORDERING, "tables": ["t", "u"]})
    other = copy.deepcopy(told["tables"][0]) | {"id": "u"}
    other["cells"] = document(pairs(0, 1), ORDERING)["tables"][0]["cells"]
    (found,) = self_checks(Published.model_validate(told | {"tables": [told["tables"][0], other]}))
    assert [one.verdict for one in found.tables] == ["consistent", "inconsistent"] and found.verdict == "mixed"
    assert "The tables do not agree" in found.reason


def test_without_a_run_the_judgement_has_them_and_is_strict_json(spec_of):
    told = document(pairs(2, 0), ORDERING) | {"document": "liu"}
    judgement = judge(spec_of(), "full", [], {"liu": Published.model_validate(told)})
    assert [(check.id, check.verdict) for check in judgement.self_checks] == [("E1", "consistent")]
    text = json.dumps(judgement.as_dict(), allow_nan=False)
    assert json.loads(text)["self_checks"][0]["tables"][0]["pairs"][0]["goes"] == "as stated"
    assert judge(spec_of(), "full", [], {}).self_checks == []


def test_a_spec_of_iyengar_that_runs_nothing_is_judged(tmp_path, spec_of):
    spec = yaml.safe_load(spec_of().path.read_text()) | {"document": "iyengar"}
    path = tmp_path / "iyengar.yaml"
    path.write_text("# a header\n" + yaml.safe_dump(spec, sort_keys=False))
    judgement = judge(load_spec(path), "full", [], {"iyengar": load_document(PUBLISHED / "iyengar.yaml")})
    assert {check.id for check in judgement.self_checks} == {"I1", "I2a", "I2b", "I3"} and judgement.cases[0].status == "not run"


def test_the_terminal_tells_verdict_and_counts(iyengar, capsys):
    print_self_checks(list(iyengar.values()), console())
    said = " ".join(capsys.readouterr().out.split())
    assert "I3 inconsistent" in said and "own tables" in said
    print_self_checks([], console())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tables": ["s"]}, "self_check of E1 names 's', which is no table.*Valid: t"),
        ({"tables": ["t", "t"]}, "self_check's table 't' stands twice"),
        ({"axis": "row.nett"}, "t has no axis 'row.nett'. Did you mean 'row.net'"),
        ({"axis": "net"}, r"t has no axis 'net'\. .*row\.net"),
        ({"first": "newer"}, "t has no net newer. Did you mean 'new'"),
        ({"second": "new"}, "sets new against itself"),
        ({"axis": "row.batch", "first": 32, "second": 64}, "t has no batch 64"),
        ({"margin": 0.1, "margin_kind": "relative"}, "expects ordering: margin and margin_kind belong to no-difference"),
        ({"expects": "no-difference"}, "margin and margin_kind belong to no-difference, both of them"),
        ({"expects": "no-difference", "margin": 0.1}, "both of them"),
        ({"expects": "order"}, "expects"),
    ],
)
def test_a_wrong_self_check_is_named(tmp_path, change, says):
    path = tmp_path / "example.yaml"
    path.write_text(yaml.safe_dump(document(pairs(1, 0), {**ORDERING, **change})))
    with pytest.raises(ReferencesError, match=says) as caught:
        load_document(path)
    assert "README.md" in str(caught.value)


def test_two_entries_that_never_meet_are_no_check():
    told = document([(1.0, 2.0)], ORDERING)
    told["tables"][0]["cells"][1]["column"] = "elsewhere"
    with pytest.raises(ValueError, match="no two cells of t differ in row.net only"):
        Published.model_validate(told)
