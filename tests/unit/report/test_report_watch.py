"""Events on the curves and in the list, diversity over steps, truncated z, probes, paired claims, epochs of events."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest
import report_builders as world
from parsed_page import Page
from report_builders import HOSTILE

from ganzoo.report import curves, evidence, measures, render, truncation, watch
from ganzoo.report.view import build


@pytest.fixture
def spec(tmp_path):
    return world.spec(tmp_path)


@pytest.fixture
def records():
    return world.watched(world.records())


def drawn(panel, tag, style):
    return [e for e in ElementTree.fromstring(panel.chart).iter(tag) if style in (e.get("class") or "").split()]


def test_every_event_is_marked_at_its_step_in_its_seed_s_colour(spec, records):
    report = build(spec, world.judgement(records), records, None)
    (panel,) = [p for p in report.losses if p.case == "width-128"]
    marks = drawn(panel, "g", "mark")
    assert len(marks) == 9 and len(drawn(panel, "line", "drop")) == 9
    assert {m.get("class") for m in marks} == {"mark s0", "mark s1", "mark s2"}
    words = ElementTree.fromstring(panel.chart).get("aria-label")
    assert "seed 0: modes-lost at step 2,340, epoch 5: 7 of 10 classes reached" in words and "and 1 more events" in words
    (other,) = [p for p in report.losses if p.case == "d-sgd"]
    assert not drawn(other, "g", "mark")


def test_a_mark_stands_at_its_place_and_marks_of_one_name_share_a_lane():
    marks = {"a": [curves.Mark(x, name, name, "s0") for x, name in ((5, "nan"), (10, "nan"), (5, "modes-lost"), (math.nan, "x"))]}
    lines = {"a": [curves.Line([(0, 1.0), (10, 2.0)], "seed 0")]}
    (panel,) = curves.panels(lines, {}, "steps", "loss", marks=marks)
    drops = drawn(panel, "line", "drop")
    assert [float(d.get("x1")) for d in drops] == [147.0, 252.0, 147.0]
    assert len({d.get("y1") for d in drops}) == 2 and len({d.get("y2") for d in drops}) == 1
    (axis,) = drawn(panel, "line", "axis")
    assert axis.get("y1") == drops[0].get("y2")
    assert [t.text for t in ElementTree.fromstring(panel.chart).iter("text") if "small" in t.get("class")] == ["nan", "modes-lost"]


def test_pointers_of_seeds_at_one_step_stand_side_by_side():
    marks = {"a": [curves.Mark(5, "nan", f"seed {s}", f"s{s}") for s in range(3)]}
    (panel,) = curves.panels({"a": [curves.Line([(0, 1.0), (10, 2.0)], "")]}, {}, "steps", "loss", marks=marks)
    tips = [next(iter(g.iter("path"))).get("d").split("L")[1].split()[0] for g in drawn(panel, "g", "mark")]
    assert tips == ["142.0", "147.0", "152.0"] and {d.get("x1") for d in drawn(panel, "line", "drop")} == {"147"}


def test_an_event_behind_the_last_loss_widens_the_axis():
    lines = {"a": [curves.Line([(0, 1.0), (10, 2.0)], "seed 0")]}
    (panel,) = curves.panels(lines, {}, "steps", "loss", marks={"a": [curves.Mark(20, "nan", "nan", "s0")]})
    (course,) = drawn(panel, "path", "line")
    assert drawn(panel, "line", "drop")[0].get("x1") == "252" and course.get("d").split("L")[1].startswith("147.0 ")


@pytest.mark.parametrize("at", [0.0, 5.0, 9.9, 10.0])
def test_the_name_of_a_mark_stays_inside_its_panel(at):
    name = "samples-collapsed"
    lines = {"a": [curves.Line([(0, 1.0), (10, 2.0)], "seed 0")]}
    (panel,) = curves.panels(lines, {}, "steps", "loss", marks={"a": [curves.Mark(at, name, name, "s0")]})
    (label,) = drawn(panel, "text", "small")
    wide, x = len(name) * curves.LETTER, float(label.get("x"))
    left, right = (x - wide, x) if label.get("text-anchor") == "end" else (x, x + wide)
    assert left >= 0 and right <= curves.WIDTH


def test_the_list_tells_step_epoch_and_detail(records):
    rows = [row for row in watch.rows(records, watch.seed_styles(records)) if row["seed"] == "1"]
    assert [row["kind"] for row in rows] == ["d-saturated", "modes-lost", "samples-collapsed"], "in the order of steps"
    assert (rows[1]["step"], rows[1]["epoch"], rows[1]["detail"], rows[1]["style"]) == ("2,340", "5", "7 of 10 classes reached", "s1")


def test_an_event_without_epoch_or_step_is_told_all_the_same():
    old = [world.record("d-sgd", 0, events=[{"kind": "nan", "step": None, "detail": None}, {"kind": "modes-lost", "step": 7}])]
    rows = watch.rows(old, {0: "s0"})
    assert [(row["kind"], row["step"], row["epoch"], row["detail"]) for row in rows] == [
        ("modes-lost", "7", "–", ""),
        ("nan", "–", "–", ""),
    ]
    assert [mark.told for mark in watch.marks(old, {0: "s0"})["d-sgd"]] == ["seed 0: modes-lost at step 7"]


def test_seeds_keep_their_colour_and_begin_again_after_six():
    styles = watch.seed_styles([{"seed": seed} for seed in (9, 0, 3, 3, 1, 2, 5, 4)])
    assert styles[0] == "s0" and styles[5] == "s5" and styles[9] == "s0"


def test_diversity_is_drawn_with_its_threshold(records):
    panels = {p.case: p for p in watch.diversity(records, {}, watch.seed_styles(records))}
    assert len(panels) == 5
    for panel in panels.values():
        assert len(drawn(panel, "line", "level")) == 1 and "collapsed below 0.250" in panel.chart
    assert len(drawn(panels["width-128"], "g", "mark")) == 3 and "samples-collapsed" in panels["width-128"].chart
    assert "d-saturated" not in panels["width-128"].chart
    level = {name: float(drawn(panel, "line", "level")[0].get("y1")) for name, panel in panels.items()}
    assert len(set(level.values())) == 1


def test_records_of_older_versions_have_neither_marks_nor_a_watch(spec, tmp_path):
    old = [r | {"events": []} for r in world.records()]
    report = build(spec, world.judgement(old), old, None)
    assert not (report.diversity or report.events or report.truncations or report.probes or report.self_checks)
    page = Page(render(spec, world.judgement(old), old, tmp_path, results=None).read_text(encoding="utf-8"))
    sections = {s["aria-labelledby"] for s in page.all("section")}
    assert not sections & {"truncation", "own-tables"} and "Diversity of the samples" not in page.text and "Events" not in page.text


def test_events_are_listed_even_where_no_loss_was_logged(spec, tmp_path, records):
    crashed = [r | {"losses": {"step": [], "d": [], "g": []}, "evaluations": [], "watch": None} for r in records]
    page = Page(render(spec, world.judgement(records), crashed, tmp_path, results=None).read_text(encoding="utf-8"))
    assert "samples-collapsed" in page.text and "#curves" in {a["href"] for a in page.all("a")}


def test_truncation_table_and_charts(records):
    judged = world.ended(world.judgement(records))
    found = truncation.truncations(judged["cases"], {})
    assert [[(row.case, row.threshold, row.n) for row in group] for group in found.groups] == [
        [("original", "0.5", 3), ("original", "1", 3), ("original", "none", 3)],
        [("d-dropout-30", "0.5", 3), ("d-dropout-30", "1", 3), ("d-dropout-30", "none", 3)],
    ]
    assert [column.metric for column in found.columns] == ["frechet", "precision", "recall"]
    whole = judged["cases"][0]["metrics"]["frechet"]
    assert found.groups[0][2].cells[0] == measures.summed_up(whole)
    assert found.columns[0].label == "classifier Fréchet distance" and found.better == "lower is better"
    for panels, dots in ((found.quality, ["0.5", "1", "none"]), (found.trade, ["0.5", "1", "none"])):
        assert [p.case for p in panels] == ["original", "d-dropout-30"]
        assert len(drawn(panels[0], "path", "faint")) == 3 and len(drawn(panels[0], "circle", "a")) == 3
        texts = [t.text for t in ElementTree.fromstring(panels[0].chart).iter("text")]
        assert set(dots) <= set(texts)


def test_a_diverged_seed_takes_the_mean_of_its_threshold_away(records):
    judged = world.ended(world.judgement(records))
    entry = judged["cases"][0]["metrics"]["frechet@0.5"]
    entry |= {"values": entry["values"] | {"1": None}, "mean": None, "std": None, "diverged": 1}
    found = truncation.truncations(judged["cases"], {})
    assert found.groups[0][0].cells[0] == "1 of 3 diverged"
    assert len(drawn(found.quality[0], "circle", "a")) == 2


def test_case_without_distance_still_has_its_table():
    summed = world.summary({"0": 3.0}, "classes reached")
    found = truncation.truncations([{"case": "a", "metrics": {"modes": summed, "modes@1.0": summed}}], {})
    assert found.quality == [] and found.trade == [] and len(found.groups[0]) == 2


def test_probes_have_a_table_of_their_own(spec, records):
    report = build(spec, world.ended(world.judgement(records)), records, None)
    assert report.probes.columns == ["D", "G", "untrained D", "untrained G", "raw pixels"]
    (row,) = report.probes.cases
    assert (row.case, row.n, row.cells[0], row.cells[4]) == ("original", 3, "0.9550 ± 0.0050", "0.9050 ± 0.0050")
    assert not [c.metric for c in report.metrics.columns if "probe" in c.metric or "@" in c.metric]


def test_a_metric_of_the_end_has_no_curve(records):
    records[0]["evaluations"][-1]["metrics"]["probe_d"] = 0.9
    assert "probe accuracy on D's features" not in [c.label for c in measures.metric_curves(records, {}, {}, ["probe_d"])]


def test_a_paired_claim_shows_both_metrics(spec, records):
    judged = world.ended(world.judgement(records))
    shown = evidence.claim_views(judged["claims"], judged["cases"])[-1]
    assert [name for name, _ in shown.values] == ["probe accuracy on D's features", "probe accuracy on raw pixels"]
    assert shown.strip.count("<circle") == 6 and shown.strip.count('class="range"') == 2 and "higher is better" in shown.strip
    assert "probe_d − probe_pixels" in shown.difference and shown.lanes == "Metric"
    assert dict(shown.facts)["Within"] == "every training of original" and dict(shown.facts)["Seeds"] == "probe_d 3, probe_pixels 3"


def test_an_event_that_never_came_did_not_diverge(records):
    metric = "epoch_of_samples_collapsed"
    values = {"width-128": {"0": 9.0, "1": 9.5, "2": 8.5}, "original": {"0": None, "1": None, "2": 12.0}}
    claim = world.claim("L2", "holds", ["width-128", "original"], [], metric=metric, values=values, never={"width-128": 0, "original": 2})
    (shown,) = evidence.claim_views([claim], [])
    assert "2 of 3 never" in shown.strip and "diverged" not in shown.strip and "never is best" in shown.strip
    assert dict(shown.values)["original"][0] == ("0", "never")


def test_descriptions_have_no_better_side():
    assert [evidence.better(m) for m in ("d_loss_mean", "frechet@1.0", "probe_d", "unheard", None)] == [
        "", "lower is better", "higher is better", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize(("precisions", "caution"), [(["fp32"], ""), (["bf16"], "bf16"), (["fp32", "bf16"], "fp32 and bf16"), ([None], "")])
def test_reduced_precision_stands_beside_every_number(spec, precisions, caution):
    records = [world.record("original", s, resolved={"train": {"precision": p} if p else {}}) for s, p in enumerate(precisions)]
    report = build(spec, world.judgement(records), records, None)
    assert report.caution == caution and dict(report.facts).get("Precision", "") == " and ".join(filter(None, precisions))


def test_reduced_precision_alone_is_no_smaller_tier(spec, tmp_path):
    records = [world.record("original", 0, resolved={"train": {"precision": "bf16"}})]
    text = render(spec, world.judgement(records), records, tmp_path, results=None).read_text(encoding="utf-8")
    assert 'class="banner"' not in text and 'class="caution"' in text


def test_a_hostile_event_stays_text(spec, tmp_path, records):
    records[0]["events"] = [{"kind": HOSTILE, "step": 100, "epoch": 1.0, "detail": HOSTILE}]
    page = Page(render(spec, world.ended(world.judgement(records)), records, tmp_path, results=None).read_text(encoding="utf-8"))
    assert len(page.scripts) == 2 and len(page.all("script")) == 2 and page.text.count("alert('x')") >= 3
    for _, attrs in page.elements:
        assert not any(name.startswith("on") for name in attrs)
