"""The page of one measurement: what each step of the evaluator does, in numbers, words and pictures; and its place in the index."""

from __future__ import annotations

import base64
import io
import json
import re

import evaluator_builders as world
import numpy as np
import pytest
import report_builders
from parsed_page import Page
from PIL import Image
from report_builders import HOSTILE

from ganzoo.errors import StoreError
from ganzoo.metrics import protocols
from ganzoo.report import read_entries, render, render_evaluation, render_index
from ganzoo.report.evaluator import build
from ganzoo.report.evaluator_steps import STEPS
from ganzoo.report.samples import strip


def rendered(folder, told=None, name="page.html") -> Page:
    path = render_evaluation(told or world.measured(), world.pictures(), folder / name)
    return Page(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["iyengar-2018", "iyengar-2018@cifar10-cnn", "iyengar-2018@digits-cnn"])
def test_every_step_of_the_evaluator_has_words(name):
    found = protocols.steps(protocols.get(name))
    assert len(found) >= 5 and found.keys() <= STEPS.keys()


def test_one_row_for_each_step_against_the_evaluator_as_it_is():
    view = build(world.measured(), [])
    assert [row.step for row in view.rows] == ["as it is", *world.STEPS]
    frechet = [(row.cells[0].value, row.cells[0].delta) for row in view.rows]
    assert frechet == [("100", ""), ("60", "−40"), ("100.2", "+0.250"), ("110", "+10"), ("99", "−1"), ("100", "0"), ("50", "−50")]
    labels = ["classifier Fréchet distance", "classifier kernel distance", "classifier score", "classes reached"]
    assert [c.label for c in view.columns] == labels
    assert [anchor for anchor, _ in view.steps] == [row.anchor for row in view.rows[1:-1]]
    assert view.rows[-1].anchor == "" and view.rows[0].anchor == ""


def test_bars_show_size_and_side():
    """Of the column's largest difference, 50, the bar takes the whole half of 31 units left of the middle at 32."""
    spans = []
    for row in build(world.measured(), []).rows[1:]:
        x, width = re.search(r'<rect x="([\d.]+)" y="1" width="([\d.]+)"', row.cells[0].bar).groups()
        spans.append((float(x), float(width)))
    assert spans[-1] == (1.0, 31.0)
    assert spans[0] == (pytest.approx(32 - 31 * 0.8, abs=0.06), pytest.approx(31 * 0.8, abs=0.06))
    assert spans[2] == (32.0, pytest.approx(31 * 0.2, abs=0.06))
    assert spans[4] == (32.0, 0.0)


def test_the_outcome_in_a_sentence():
    assert build(world.measured(), []).sentence == (
        "The classifier Fréchet distance is 100 with every step and 50 with none of them. Taken away alone, clipping moves it most, to 60; "
        "JPEG and the dropped reals by less than 0.5 %."
    )
    assert build(world.measured(steps=False), []).sentence == "The classifier Fréchet distance is 100."


def test_a_metric_that_a_row_lacks_is_a_dash():
    told = world.measured()
    told["steps"] = {"no JPEG": {"frechet": 90.0}}
    cells = build(told, []).rows[1].cells
    assert [cell.value for cell in cells] == ["90", "–", "–", "–"] and cells[1].bar == ""


def test_the_page_says_what_was_measured_and_how(tmp_path):
    page = rendered(tmp_path)
    for words in (
        "demo/original", "Seed 3", "Step 3,900", "Samples 10,240", "cifar10-jpeg, train, 49,984", "iyengar-2018@cifar10-cnn (eeeeeeeeeeee)",
        "real_count none", "2 of 64 features are constant", "model.hidden_g [8, 8]", "github.com/rikenmehta03/gan_mine, 3693ba3",
        "evaluation_metric/evaluate.py, _save_images", "--protocol iyengar-2018@cifar10-cnn --steps", "without clipping", "21 Nov 2026",
    ):  # fmt: skip
        assert words in page.text, words
    assert len(page.all("img")) == 2


def test_the_page_is_sound_and_needs_nothing_else(tmp_path):
    page = rendered(tmp_path)
    ids = [attrs["id"] for _, attrs in page.elements if attrs.get("id")]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")} | {u["href"][1:] for u in page.all("use")}
    assert targets <= set(ids), targets - set(ids)
    for _, attrs in page.elements:
        for value in (attrs.get("src"), attrs.get("href")):
            assert value is None or value.startswith(("#", "data:")) or value == "index.html"
    assert len(page.all("caption")) == len(page.all("table")) and all(th.get("scope") for th in page.all("th"))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.all("svg"))


def test_a_stand_in_network_is_told_at_the_top(tmp_path):
    page = rendered(tmp_path)
    assert "Stand-in network. iyengar-2018 looks through torchvision-inception; here cifar10-cnn stands in for it." in page.text
    assert any(attrs.get("class") == "banner" for attrs in page.all("aside"))


def test_other_counts_are_told_at_the_top(tmp_path):
    told = world.measured(departures={"num_fake": [10240, 500], "real_count": [None, 300], "channel_shift": [True, False]})
    page = rendered(tmp_path, told)
    assert "500 samples, where iyengar-2018 takes 10,240. 300 reals, where iyengar-2018 takes all of them." in page.text
    assert "Channel shift is false, where iyengar-2018 has true." in page.text and "Stand-in" not in page.text


def test_no_banner_where_the_protocol_is_its_own(tmp_path):
    page = rendered(tmp_path, world.measured(departures={}))
    assert not page.all("aside")


def test_a_smaller_tier_is_told_at_the_top(tmp_path):
    told = world.measured(departures={})
    told["fake"]["tier"] = "smoke"
    assert "Tier smoke. The generator was trained below its document's scale." in rendered(tmp_path, told).text


def test_without_steps_there_is_no_table_of_them(tmp_path):
    page = rendered(tmp_path, world.measured(steps=False))
    assert {s["aria-labelledby"] for s in page.all("section")} == {"findings", "samples", "protocol", "again"}
    assert "demo/original under iyengar-2018@cifar10-cnn" in page.text


def test_hostile_words_stay_words(tmp_path):
    told = world.measured(steps=False, stored=f"photos/{HOSTILE}")
    told["command"], told["warnings"] = HOSTILE, [{"code": "x", "message": HOSTILE}]
    told["protocol"] |= {"name": f"own@{HOSTILE}", "labels": {"frechet": HOSTILE}}
    page = rendered(tmp_path, told)
    assert len(page.all("script")) == 2 and len(page.all("style")) == 1 and len(page.scripts) == 2
    assert page.text.count("alert('x')") > 4
    for tag, attrs in page.elements:
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
    assert json.loads(page.scripts[0])["protocol"] == f"own@{HOSTILE}"
    index = Page(render_index(read_entries(tmp_path), tmp_path).read_text(encoding="utf-8"))
    assert len(index.all("script")) == 1 and "alert('x')" in index.text


def test_the_index_lists_it_after_the_reports(tmp_path):
    records = report_builders.records()
    render(report_builders.spec(tmp_path), report_builders.judgement(records), records, tmp_path / "out", results=None)
    rendered(tmp_path / "out", name="a-page.html")
    entries = read_entries(tmp_path / "out")
    assert [(e.file, e.measured) for e in entries] == [("demo.html", ""), ("a-page.html", "demo/original")]
    index = Page(render_index(entries, tmp_path / "out").read_text(encoding="utf-8"))
    assert "evaluator protocol iyengar-2018@cifar10-cnn of demo/original 21 Nov 2026 stand-in network The classifier" in index.text
    assert {a["href"] for a in index.all("a")} == {"demo.html", "a-page.html", "#findings"}


def test_a_page_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"page\.html cannot be written .*--page"):
        render_evaluation(world.measured(), [], tmp_path / "file" / "page.html")


def decoded(found) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found.uri.partition(",")[2]))))


@pytest.mark.parametrize("channels", [1, 3])
def test_small_samples_are_enlarged_pixel_by_pixel(channels):
    images = np.random.default_rng(0).integers(0, 256, (8, channels, 8, 8), dtype=np.uint8)
    found = strip("", images)
    assert (found.width, found.height, found.count) == (512, 64, 8)
    for i, image in enumerate(images):
        tile = decoded(found)[::8, i * 64 : (i + 1) * 64 : 8]
        assert np.array_equal(tile, image[0] if channels == 1 else image.transpose(1, 2, 0))


def test_large_samples_are_made_to_fit():
    found = strip("", np.full((8, 3, 256, 256), 7, dtype=np.uint8))
    assert (found.width, found.height) == (512, 64) and np.all(decoded(found) == 7)
