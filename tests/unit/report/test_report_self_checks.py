"""What the document's own tables say, on the page: beside the re-run's verdict, with every pair."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import report_builders as world
from parsed_page import Page
from report_builders import HOSTILE

from ganzoo.judge.judgement import judge
from ganzoo.judge.references import load_document
from ganzoo.judge.self_consistency import self_checks
from ganzoo.report import render
from ganzoo.report.self_checks import same_claim, self_views
from ganzoo.report.view import build

IYENGAR = Path(__file__).resolve().parents[3] / "reference_results" / "published" / "iyengar.yaml"


@pytest.fixture(scope="module")
def document():
    return load_document(IYENGAR)


@pytest.fixture
def checks(document):
    return [check.as_dict() for check in self_checks(document)]


@pytest.fixture
def spec(tmp_path):
    return world.spec(tmp_path)


def test_rows_and_counts(checks):
    first = self_views(checks)[0]
    scores, distances = first.tables
    assert (first.id, first.look.word, scores.look.word, distances.look.word) == ("I1", "mixed", "consistent", "mixed")
    assert dict(distances.counts) == {
        "Pairs": "8: 4 as stated, 4 against", "First better": "0 of 8, worse in 8", "Sign test": "p = 0.008",
    }  # fmt: skip
    row = scores.rows[0]
    assert (row.place, row.first, row.second, row.difference) == ("batch 32, CIFAR-10", "4.92 ± 0.049", "4.66 ± 0.053", "+0.26")
    assert (row.better, row.goes.word, row.beyond, row.flags) == ("SN-DCGAN", "as stated", "yes", "")
    assert distances.rows[0].beyond == "–" and scores.rows[2].flags == "off-domain"


def test_the_chart_joins_the_cells_of_a_pair(checks):
    third = self_views(checks)[3]
    root = ElementTree.fromstring(third.tables[1].chart)
    full, open_ = ([c for c in root.iter("circle") if c.get("class").startswith(kind)] for kind in ("to", "from"))
    assert len(full) == len(open_) == 4
    assert [c.get("class") for c in full] == ["to bad", "to good", "to bad", "to bad"]
    assert [float(a.get("cx")) < float(b.get("cx")) for a, b in zip(full, open_, strict=True)] == [False, True, False, False]
    assert "CelebA-HQ is better than CelebA in 1 of 4 pairs" in root.get("aria-label")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("I2", "I2a", True), ("I2a", "I2", True), ("I1", "I1", True), ("L13", "L13-g", True), ("I1", "I10", False), ("I2a", "I2b", False)],
)
def test_ids_of_one_claim(one, other, same):
    assert same_claim(one, other) is same


def test_stands_beside_the_re_run(spec, checks, tmp_path):
    records = world.records()
    checks[0]["id"], checks[1]["id"] = "L2", "L9"
    judged = world.judgement(records) | {"self_checks": checks}
    report = build(spec, judged, records, None)
    assert [c.id for c in report.again["L2"]] == ["L2"] and report.again["L9"] == [] and [s.id for s in report.own["L9"]] == ["L9"]
    page = Page(render(spec, judged, records, tmp_path, results=None).read_text(encoding="utf-8"))
    assert "own-tables" in {s["aria-labelledby"] for s in page.all("section")}
    ids = [attrs["id"] for _, attrs in page.elements if attrs.get("id")]
    assert len(ids) == len(set(ids)) and {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")} <= set(ids)
    assert "re-run: holds" in page.text and "re-run: not judged here" in page.text and "own tables: mixed" in page.text
    assert "* off-domain: The authors remark" in page.text
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False))
    assert len(page.all("caption")) == len(page.all("table"))


def test_the_re_run_carries_its_caution(spec, checks, tmp_path):
    records = [r | {"tier": "cpu"} for r in world.records()]
    checks[0]["id"] = "L2"
    judged = world.judgement(records, tier="cpu", stand_in="MNIST") | {"self_checks": checks}
    text = render(spec, judged, records, tmp_path, results=None).read_text(encoding="utf-8")
    section = re.search(r'<section aria-labelledby="own-tables">.*?</section>', text, re.DOTALL).group(0)
    assert "stand-in data · tier cpu" in section


def test_a_document_without_any_run_has_its_page(tmp_path, document):
    spec = world.spec(tmp_path, world.SPEC.replace("document: liu", "document: iyengar"))
    judged = judge(spec, "full", [], {"iyengar": document}).as_dict()
    page = Page(render(spec, judged, [], tmp_path, results=None).read_text(encoding="utf-8"))
    assert "What the document's own tables say" in page.text and "CelebA-HQ against CelebA" in page.text


def test_hostile_words_stay_text(spec, checks, tmp_path):
    records = world.records()
    for check in checks:
        check |= {"text": HOSTILE, "first": HOSTILE, "second": HOSTILE, "note": HOSTILE, "where": HOSTILE}
        for table in check["tables"]:
            table |= {"label": HOSTILE, "where": HOSTILE, "reason": HOSTILE, "flags": {HOSTILE: HOSTILE}}
            for pair in table["pairs"]:
                pair |= {"place": HOSTILE, "flags": [HOSTILE]}
    judged = world.judgement(records) | {"self_checks": checks}
    page = Page(render(spec, judged, records, tmp_path, results=None).read_text(encoding="utf-8"))
    assert len(page.scripts) == 2 and "alert('x')" in page.text
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
