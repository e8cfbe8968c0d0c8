"""Charts: scales, seeds as dots, small multiples."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from report_builders import HOSTILE

from ganzoo.report import charts, curves
from ganzoo.report.svg import caption, element, fit, tick_label

SVG_TAGS = re.compile(r"<(\w+)")


def lane(name, *values, **more):
    return charts.Lane(name, {str(seed): value for seed, value in enumerate(values)}, **more)


def circles(svg):
    return list(ElementTree.fromstring(svg).iter("circle"))


@pytest.mark.parametrize(
    ("values", "log"), [([10, 300], False), ([10, 320], True), ([-10, 500], False), ([0, 500], False), ([3, 3], False)]
)
def test_axis_is_logarithmic_beyond_one_and_a_half_decades(values, log):
    assert fit(values, 0, 100).log is log


def test_scale_keeps_order_and_stays_on_its_pixels():
    for values in ([1.0, 2.0, 4.0], [1.0, 50.0, 4000.0]):
        scale = fit(values, 20, 300)
        pixels = [scale(v) for v in values]
        assert pixels == sorted(pixels) and pixels[0] >= 20 and pixels[-1] <= 300
        assert scale(-1e9) == pytest.approx(20) and scale(1e9) == pytest.approx(300)


@pytest.mark.parametrize("values", [[0.1, 0.11], [3, 3], [0, 0], [1e-9, 2e-9], [1, 1e6], [5e7, 5.1e7], [-3, 8]])
def test_ticks_lie_on_the_axis_and_are_few(values):
    scale = fit(values, 0, 300)
    ticks = [value for value, _ in scale.ticks()]
    assert 2 <= len(ticks) <= 7
    assert all(scale.lo <= tick <= scale.hi for tick in ticks)
    assert len({label for _, label in scale.ticks()}) == len(ticks), "two ticks read alike"


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.05, "0.05"), (1500, "1,500"), (20000, "20k"), (2.5e6, "2.5M"), (2e-5, "2e−5"), (-400, "−400"), (0, "0"), (3e9, "3e9")],
)
def test_tick_labels_are_short(value, told):
    assert tick_label(value) == told


def test_interval_that_nears_zero_does_not_stretch_a_log_axis():
    scale = fit([10.0, 1000.0], 0, 300, extra=[1e-30, -5.0, 1200.0])
    assert scale.log and scale.lo > 0.5


def test_strip_has_a_dot_for_every_finite_seed():
    svg = charts.strip([lane("a", 1.0, 2.0, math.nan), lane("b", 1.5, None)], "distance")
    assert len(circles(svg)) == 3
    assert "a: 1 of 3 diverged" in svg and "b: 1 of 2 diverged" in svg


def test_strip_tells_a_log_axis():
    assert "log scale" in charts.strip([lane("a", 1.0, 2.0), lane("b", 900.0)], "distance")
    assert "log scale" not in charts.strip([lane("a", 1.0, 2.0)], "distance")


def test_strip_draws_mean_and_interval():
    svg = charts.strip([lane("a", 1.0, 2.0, mean=1.5, interval=(0.5, 2.5))], "distance")
    root = ElementTree.fromstring(svg)
    (bar,) = [r for r in root.iter("rect") if r.get("class") == "range"]
    (mean,) = [m for m in root.iter("line") if m.get("class") == "mean"]
    left, right = float(bar.get("x")), float(bar.get("x")) + float(bar.get("width"))
    dots = sorted(float(c.get("cx")) for c in circles(svg))
    assert left < dots[0] < float(mean.get("x1")) < dots[1] < right


def test_equal_values_are_not_hidden_behind_one_another():
    places = {(c.get("cx"), c.get("cy")) for c in circles(charts.strip([lane("a", 2.0, 2.0, 2.0)], "distance"))}
    assert len(places) == 3


@pytest.mark.parametrize("values", [[2.0] * 6, [2.0] * 12, [2.0, 2.0, 2.0, 2.01, 2.01, 2.01, 9.0]])
def test_six_seeds_and_more_stay_apart(values):
    svg = charts.strip([lane("a", *values), lane("b", 1.0, 9.0)], "distance")
    places = [(float(c.get("cx")), float(c.get("cy"))) for c in circles(svg)]
    nearest = min(math.dist(a, b) for i, a in enumerate(places) for b in places[:i])
    assert len(places) == len(values) + 2 and nearest > 1.5 * charts.DOT
    heights = [float(t.get("y")) for t in ElementTree.fromstring(svg).iter("text")]
    assert all(abs(y - name) > charts.DOT for _, y in places for name in heights), "no dot on a line of text"
    assert max(y for _, y in places) < max(heights)


def test_few_seeds_keep_their_true_place_and_the_lane_its_height():
    for count, height in ((1, 44), (3, 44), (5, 57)):
        svg = charts.strip([lane("a", *[2.0] * count, mean=2.0)], "distance")
        assert len({c.get("cx") for c in circles(svg)}) == 1
        assert [float(x.get("y1")) for x in ElementTree.fromstring(svg).iter("line") if x.get("class") == "axis"] == [height + 6]


def test_events_are_counted_not_averaged():
    svg = charts.strip([lane("a", 1, 1, 0, mean=0.67)], "nan", happened=True)
    assert "2 of 3 seeds" in svg and "did not happen" in svg and "mean" not in svg


def test_difference_shows_zero_interval_and_margin():
    svg = charts.difference(2.0, (1.0, 3.0), 4.0, "difference")
    root = ElementTree.fromstring(svg)
    (band,) = [r for r in root.iter("rect") if r.get("class") == "margin"]
    (zero,) = [z for z in root.iter("line") if z.get("class") == "zero"]
    middle = float(band.get("x")) + float(band.get("width")) / 2
    assert float(zero.get("x1")) == pytest.approx(middle, abs=0.2)
    assert "interval 1 to 3" in root.get("aria-label")
    assert charts.difference(None, (1.0, 3.0), None, "difference") is None
    assert charts.difference(math.nan, None, None, "difference") is None


def test_charts_escape_what_they_are_given():
    for svg in (
        charts.strip([lane(HOSTILE, 1.0, 2.0)], HOSTILE),
        charts.difference(1.0, None, None, HOSTILE, HOSTILE),
        curves.panels({HOSTILE: [curves.Line([(1, 2.0), (2, 3.0)], HOSTILE)]}, {}, "epochs", HOSTILE)[0].chart,
        element("text", HOSTILE, x=HOSTILE),
    ):
        ElementTree.fromstring(svg)  # well-formed
        assert set(SVG_TAGS.findall(svg)) <= {"svg", "g", "line", "text", "circle", "rect", "path", "title"}


def test_caption_breaks_between_its_parts():
    lines = caption(0, 0, ["a" * 40, "b" * 30, "", "c" * 90])
    assert [ElementTree.fromstring(line).text for line in lines] == ["a" * 40, "b" * 30, "c" * 55 + "…"]


def test_panels_share_their_axes():
    lines = {"a": [curves.Line([(0, 1.0), (10, 2.0)], "seed 0")], "b": [curves.Line([(0, 1.0), (5, 4.0)], "seed 0")]}
    a, b = (ElementTree.fromstring(p.chart) for p in curves.panels(lines, {}, "epochs", "distance"))
    labels = [[t.text for t in root.iter("text") if "tick" in t.get("class")] for root in (a, b)]
    assert labels[0] == labels[1]
    start = [next(p for p in root.iter("path")).get("d").split("L")[0] for root in (a, b)]
    assert start[0] == start[1], "the same point stands elsewhere in another panel"


def test_panels_leave_out_what_has_no_finite_point():
    lines = {"a": [curves.Line([(0, math.nan)], "seed 0")], "b": [curves.Line([(3, 1.0)], "seed 0")]}
    (panel,) = curves.panels(lines, {}, "epochs", "distance")
    assert panel.case == "b" and "circle" in panel.chart, "a single point must be visible"
    assert curves.panels({"a": []}, {}, "epochs", "distance") == []


def test_a_missing_value_breaks_the_line():
    (panel,) = curves.panels({"a": [curves.Line([(0, 1.0), (1, 2.0), (2, None), (3, 2.0), (4, 1.0)], "")]}, {}, "steps", "loss")
    path = next(ElementTree.fromstring(panel.chart).iter("path")).get("d")
    assert path.count("M") == 2 and path.count("L") == 2


def test_thinning_keeps_spikes_and_order():
    points = [(x, 1.0) for x in range(5000)]
    points[1234], points[4321] = (1234, 99.0), (4321, -99.0)
    thinned = curves.thin(points)
    assert len(thinned) <= curves.MOST_POINTS
    assert {(1234, 99.0), (4321, -99.0)} <= set(thinned)
    assert thinned == sorted(thinned)
    assert curves.thin(points[:100]) == points[:100]
