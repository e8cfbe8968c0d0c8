"""The dynamic weights and D's mean outputs of trainings by the rule self, terms beside a loss, and nothing of the kind for any other."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import report_builders as world
from parsed_page import Page

from ganzoo import report
from ganzoo.report import balance, render
from ganzoo.report.view import build

STYLES = {0: "s0", 1: "s1", 2: "s2"}
CASE = "width-128"
CHARTS = {"Dynamic weights over steps", "D's mean output over steps"}


@pytest.fixture
def spec(tmp_path):
    return world.spec(tmp_path)


@pytest.fixture
def records():
    return world.balanced(world.records())


def drawn(panel, tag, style):
    return [e for e in ElementTree.fromstring(panel.chart).iter(tag) if style in (e.get("class") or "").split()]


def charts(spec, tmp_path, records) -> set:
    """What the page calls its groups of panels."""
    page = Page(render(spec, world.judgement(records), records, tmp_path, results=None).read_text(encoding="utf-8"))
    return {attrs.get("aria-label") for attrs in page.all("div")} & CHARTS


def names(panel, style):
    return {path.findtext("title") for path in drawn(panel, "path", style)}


def test_every_seed_of_every_weight_is_a_line_of_its_weight_s_colour(records):
    (panel,) = balance.balances(records, {CASE: "narrow"}, STYLES).weights
    assert (panel.case, panel.title) == (CASE, "narrow")
    for name, style in (("v_g", "b"), ("v_r", "a"), ("v_f", "c")):
        assert names(panel, style) == {f"{name} seed {seed}" for seed in range(3)}
    assert len(drawn(panel, "path", "line")) == 9


def test_d_s_outputs_stand_with_their_threshold_and_the_event(records):
    (panel,) = balance.balances(records, {}, STYLES).outputs
    assert names(panel, "a") == {f"D on reals seed {s}" for s in range(3)}
    assert names(panel, "c") == {f"D on earlier fakes seed {s}" for s in range(3)}
    assert len(drawn(panel, "line", "level")) == 1 and "all real above 0.500" in panel.chart
    assert [mark.get("class") for mark in drawn(panel, "g", "mark")] == ["mark s0", "mark s1", "mark s2"]
    assert "seed 0: all-real at step 3,000" in panel.chart and "modes-lost" not in panel.chart


def test_thresholds_that_differ_between_seeds_are_both_drawn(records):
    other = records[[r["case"] for r in records].index(CASE)]
    other["resolved"] = {"watch": {"all_real_output": 0.6}}
    (panel,) = balance.balances(records, {}, STYLES).outputs
    assert len(drawn(panel, "line", "level")) == 2 and "all real above 0.600" in panel.chart


def test_a_window_without_a_mean_is_a_gap_in_its_line(records):
    def breaks(found):
        return [path.get("d").count("M") for path in drawn(found.weights[0], "path", "b")]

    one = next(r for r in records if r["case"] == CASE)
    whole = breaks(balance.balances([one], {}, STYLES))
    one["balance"]["v_g"][20] = None
    assert (whole, breaks(balance.balances([one], {}, STYLES))) == ([1], [2])


def test_weights_that_are_nowhere_finite_leave_the_outputs(spec, tmp_path, records):
    for record in records:
        if record["balance"]:
            record["balance"] |= {name: [None] * 40 for name in ("v_g", "v_r", "v_f")}
    found = balance.balances(records, {}, STYLES)
    assert found.weights == [] and len(found.outputs) == 1
    assert charts(spec, tmp_path, records) == {"D's mean output over steps"}


@pytest.mark.parametrize("table", ["no key", None, {}, {"step": [], "v_g": [], "v_r": [], "v_f": [], "d_real": [], "d_fake": []}])
def test_a_training_without_them_shows_nothing(spec, tmp_path, table):
    others = world.records() if table == "no key" else [r | {"balance": table} for r in world.records()]
    assert build(spec, world.judgement(others), others, None).balances is None
    assert charts(spec, tmp_path, others) == set()


def test_the_page_has_both_charts_for_that_training_alone(spec, tmp_path, records):
    page = Page(render(spec, world.judgement(records), records, tmp_path, results=None).read_text(encoding="utf-8"))
    assert charts(spec, tmp_path, records) == CHARTS
    told = [attrs["aria-label"] for attrs in page.all("svg") if attrs.get("aria-label", "").startswith(("weight over", "D's mean output"))]
    assert [words.split(":")[0] for words in told] == [f"weight over steps, {CASE}", f"D's mean output over steps, {CASE}"]


def test_every_line_s_colour_is_set_for_light_and_dark():
    style = (Path(report.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    for _, kind, _ in (*balance.WEIGHTS, *balance.OUTPUTS):
        assert f".chart .line.{kind} {{ stroke: var(--series-{kind}); }}" in style and f".swatch.{kind} {{" in style
        assert len(re.findall(rf"--series-{kind}: #", style)) == 2


def test_the_terms_of_a_translation_have_a_panel_of_their_own(spec, tmp_path):
    records = world.records()
    mine = [r for r in records if r["case"] == CASE]
    for record in mine:
        record["terms"] = {"step": [50, 100], "cycle": [0.4, 0.3], "identity": [0.2, None]}
    found = balance.balances(records, {CASE: "narrow"}, STYLES)
    (panel,) = found.terms
    assert panel.title == "narrow" and not found.weights and not found.outputs
    assert names(panel, "a") == {f"there and back seed {r['seed']}" for r in mine}
    page = render(spec, world.judgement(records), records, tmp_path, results=None).read_text(encoding="utf-8")
    assert "Distances in the loss over steps" in page and "Dynamic weights over steps" not in page


def test_mutual_information_has_a_panel_of_its_own_with_its_unit(spec, tmp_path):
    records = world.records()
    mine = [r for r in records if r["case"] == CASE]
    for record in mine:
        record["information"] = {"step": [50, 100, 150], "mi": [-0.01, 0.8, None]}
    found = balance.balances(records, {CASE: "narrow"}, STYLES)
    (panel,) = found.information
    assert (panel.case, panel.title) == (CASE, "narrow") and not found.weights and not found.outputs and not found.terms
    assert names(panel, "b") == {f"bound seed {r['seed']}" for r in mine}
    told = ElementTree.fromstring(panel.chart).get("aria-label")
    assert told.startswith(f"mutual information of z and G(z), lower bound, nats over steps, {CASE}: {len(mine)} lines, ending at 0.800")
    page = render(spec, world.judgement(records), records, tmp_path, results=None).read_text(encoding="utf-8")
    assert "Mutual information over steps" in page and "Distances in the loss over steps" not in page


@pytest.mark.parametrize("table", ["no key", None, {}, {"step": [], "mi": []}, {"step": [50], "mi": [None]}])
def test_without_an_estimate_there_is_no_panel_of_it(spec, tmp_path, table):
    records = world.records() if table == "no key" else [r | {"information": table} for r in world.records()]
    assert balance.balances(records, {}, STYLES) is None
    page = render(spec, world.judgement(records), records, tmp_path, results=None).read_text(encoding="utf-8")
    assert "Mutual information over steps" not in page
