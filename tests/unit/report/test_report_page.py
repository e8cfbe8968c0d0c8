"""The file itself: offline, escaped, sound HTML, written whole; and the index."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil

import pytest
import report_builders as world
from parsed_page import Page
from report_builders import HOSTILE

from ganzoo.errors import StoreError
from ganzoo.judge.judgement import judge
from ganzoo.report import page as page_module
from ganzoo.report import read_entries, render, render_index


@pytest.fixture
def spec(tmp_path):
    return world.spec(tmp_path)


@pytest.fixture
def records():
    return world.records()


def test_the_page_says_that_a_claim_rests_on_different_code(spec, records, tmp_path):
    made = [r | {"resolved": spec.resolve(r["case"]).as_dict()} for r in records]
    later = {"code": "f" * 64, "environment": records[0]["environment"] | {"git": "def5678", "torch": "2.16.0"}}
    made = [r | later if r["seed"] == 2 else r for r in made]
    text = Page(render(spec, judge(spec, "full", made, {}).as_dict(), made, tmp_path, results=None).read_text(encoding="utf-8")).text
    assert "Records of 2 code revisions: abc1234 with code " in text and "def5678 with code fffffffff (2 runs)" in text
    assert "Records of different torch: 2.15.0 (4 runs) and 2.16.0 (2 runs)." in text


def test_the_page_gives_every_reason_of_a_blessing(spec, records, tmp_path):
    whys = [{"when": "2026-11-21T03:40:09Z", "reason": "first runs"}, {"when": "2026-11-30T03:40:09Z", "reason": f"more {HOSTILE}"}]
    blessed = [r | {"blessing": whys[r["seed"] > 1]} for r in records]
    page = Page(render(spec, world.judgement(records), blessed, tmp_path, results=None).read_text(encoding="utf-8"))
    assert "Blessed 21 Nov 2026, 10 runs, seeds 0 and 1: first runs" in page.text
    assert "Blessed 30 Nov 2026, 5 runs, seed 2: more <script>" in page.text


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """The whole page, once: (path, parsed). Tests that write beside it take a copy."""
    folder = tmp_path_factory.mktemp("report")
    records = world.records()
    world.write_samples(folder / "results", records)
    path = render(world.spec(folder), world.judgement(records, numbers=True), records, folder / "out", results=folder / "results")
    return path, Page(path.read_text(encoding="utf-8"))


def test_one_file_named_after_spec_and_tier(tmp_path, spec):
    for tier in ("full", "cpu"):
        path = render(spec, judge(spec, tier, [], {}).as_dict(), [], tmp_path / "out", results=None)
        assert path == tmp_path / "out" / {"full": "demo.html", "cpu": "demo-cpu.html"}[tier]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["demo-cpu.html", "demo.html"]


def test_everything_is_inside_the_file(full):
    path, page = full
    for tag, attrs in page.elements:
        for name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:")) or (tag, value) == ("a", "index.html"), (tag, name, value)
    style = re.search(r"<style>(.*?)</style>", path.read_text(), re.DOTALL).group(1)
    assert "url(" not in style and "@import" not in style
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:")


def test_the_policy_allows_exactly_the_one_script(full):
    page = full[1]
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    summary, script = page.scripts
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert json.loads(summary)["claims"] == {"holds": 2, "contradicted": 1, "inconclusive": 2, "no evidence": 1}


def test_sound_and_accessible(full):
    page = full[1]
    ids = [attrs["id"] for _, attrs in page.elements if attrs.get("id")]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")} | {u["href"][1:] for u in page.all("use")}
    assert targets <= set(ids), targets - set(ids)
    assert len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False)), "a heading level is skipped"
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(th.get("scope") for th in page.all("th"))
    assert all(img.get("alt") and img.get("width") and img.get("height") for img in page.all("img"))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.all("svg"))
    assert page.all("html")[0]["lang"] == "en"


def test_every_part_is_there(full):
    page = full[1]
    sections = {s["aria-labelledby"] for s in page.all("section")}
    assert sections == {"findings", "numbers", "claims", "coverage", "cases", "samples", "curves", "settings", "protocol", "runs"}
    assert {a["href"][1:] for a in page.all("a") if a["href"][1:] in sections} == sections, "the navigation misses a section"
    assert len(page.all("img")) == 6
    assert "Traceback" not in page.text, "a trace names paths of the machine; it stays in the record"
    for words in (
        "classifier Fréchet distance", "std over 10 splits of one sample", "Differs in: extractor, num_fake.",
        "exact permutation, two-sided", "Lower optim.d.lr, or read the log beside the record.", "7 of 10 classes reached",
        "the report is silent; the habit of the time", "a convolutional generator differs little", "no case of the spec",
        world.sha("protocol"), world.sha("code"), "1,503,632", "torch 2.15.0",
    ):  # fmt: skip
        assert words in page.text, words


def test_records_set_aside_are_listed_with_their_reason(tmp_path, spec, records):
    aside = [{"case": "d-sgd", "seed": 0, "key": "f" * 64, "reason": "run with another optim.d.lr than the spec has now"}]
    page = Page(render(spec, world.judgement(records) | {"set_aside": aside}, records, tmp_path, results=None).read_text(encoding="utf-8"))
    assert f"d-sgd 0 {'f' * 12} run with another optim.d.lr than the spec has now" in page.text


def test_a_classifier_s_distance_is_never_called_fid(full):
    assert "FID" not in full[1].text


@pytest.mark.parametrize("stand_in", [None, "MNIST"])
def test_caution_stands_beside_every_number(tmp_path, spec, records, stand_in):
    cpu = [r | {"tier": "cpu"} for r in records]
    path = render(spec, world.judgement(cpu, tier="cpu", stand_in=stand_in), cpu, tmp_path, results=None)
    text = path.read_text(encoding="utf-8")
    said = "stand-in data · tier cpu" if stand_in else "tier cpu"
    for section in ("claims", "cases", "curves"):
        heading = re.search(rf'<h2 id="{section}">.*?</h2>', text).group(0)
        assert said in heading
    assert said in re.search(r"<nav.*?</nav>", text, re.DOTALL).group(0)
    assert ("The document used MNIST." in text) is bool(stand_in)


def test_no_caution_at_the_document_s_own_scale(full):
    assert 'class="caution"' not in full[0].read_text() and 'class="banner"' not in full[0].read_text()


COMPARED = {"tier", "status", "verdict", "kind", "spec", "key", "finished", "samples", "metric", "case", "cases", "reading", "direction"}


def hostile(thing):
    """Every string of records and judgement replaced, save those that the report compares."""
    if isinstance(thing, dict):
        return {k if k.isidentifier() else HOSTILE: v if k in COMPARED else hostile(v) for k, v in thing.items()}
    if isinstance(thing, list):
        return [hostile(entry) for entry in thing]
    return HOSTILE if isinstance(thing, str) else thing


def test_hostile_strings_stay_text(tmp_path):
    quoted = json.dumps(HOSTILE)
    text = world.SPEC.replace("title: Dense GAN on MNIST, one change at a time", f"title: {quoted}")
    text = text.replace('{title: "the dense GAN, 30 epochs"}', f"{{title: {quoted}}}")
    text = text.replace('"the report is silent; the habit of the time"', quoted)
    text = text.replace("# Dense GANs on MNIST.", f"# {HOSTILE}")
    spec = world.spec(tmp_path, text)
    records = [hostile(r) for r in world.records()]
    judgement = hostile(world.judgement(world.records(), numbers=True))
    judgement["claims"][0]["verdict"] = records[0]["status"] = HOSTILE
    page = Page(render(spec, judgement, records, tmp_path / "out", results=None).read_text(encoding="utf-8"))
    assert len(page.scripts) == 2 and len(page.all("script")) == 2 and len(page.all("style")) == 1
    assert "alert('x')" in page.text, "the hostile text should be visible as text"
    for tag, attrs in page.elements:
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
        assert "evil.example" not in attrs.get("src", "") + attrs.get("href", "")
    index = render_index(read_entries(tmp_path / "out"), tmp_path / "out")
    assert len(Page(index.read_text(encoding="utf-8")).scripts) == 1


def test_twenty_cases_with_colour_grids_stay_below_three_megabytes(tmp_path, records):
    cases = "\n".join(f"  case-{i:02d}: {{title: case {i}, train.epochs: {31 + i}, source: {{stated: here}}}}" for i in range(20))
    spec = world.spec(tmp_path, world.SPEC.partition("cases:\n")[0] + f"cases:\n{cases}\n")
    many = []
    for i in range(20):
        for seed in range(3):
            name = f"case-{i:02d}"
            many.append(world.record("original", seed) | {"case": name, "cases": {name: 30}, "key": world.sha(f"{name}{seed}")})
    with_pictures = [r | {"evaluations": r["evaluations"][-1:]} for r in many if r["seed"] == 0]
    world.write_samples(tmp_path / "results", with_pictures, side=300, colour=True)
    path = render(spec, judge(spec, "full", [], {}).as_dict(), many, tmp_path / "out", results=tmp_path / "results")
    assert path.read_text().count("data:image/png") == 20
    assert path.stat().st_size < 3_000_000


def test_unwritable_folder_is_a_user_error(tmp_path, spec, records):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"report .*demo\.html cannot be written .*--out"):
        render(spec, world.judgement(records), records, tmp_path / "file", results=None)


def test_a_failed_write_leaves_the_old_page(tmp_path, monkeypatch):
    path = page_module.write(tmp_path / "a.html", "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganzoo.bench.store.os.fsync", fail)
    with pytest.raises(StoreError, match="No space left"):
        page_module.write(path, "new and longer")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.html"]


def test_same_input_same_bytes(tmp_path, spec, records):
    first = render(spec, world.judgement(records), records, tmp_path / "a", results=None)
    second = render(spec, world.judgement(records), list(reversed(records)), tmp_path / "b", results=None)
    assert first.read_bytes() == second.read_bytes()


def test_index_lists_the_reports_of_the_folder(tmp_path, spec, records, full):
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(full[0], out)
    cpu = [r | {"tier": "cpu"} for r in records]
    render(spec, world.judgement(cpu, tier="cpu", stand_in="MNIST"), cpu, out, results=None)
    (out / "notes.html").write_text("<p>not a report</p>")
    entries = read_entries(out)
    assert [(e.file, e.tier, e.runs, e.seeds, e.day) for e in entries] == [
        ("demo.html", "full", 15, 3, "21 Nov 2026"),
        ("demo-cpu.html", "cpu", 15, 3, "21 Nov 2026"),
    ]
    page = Page(render_index(entries, out).read_text(encoding="utf-8"))
    assert [t.look.word for t in entries[0].claims] == ["holds", "contradicted", "inconclusive", "no evidence"]
    assert {a["href"] for a in page.all("a")} == {"demo.html", "demo-cpu.html", "#findings"}
    assert page.text.count("stand-in data · tier cpu") == 1 and "1 reproduced" in page.text
    assert [e.file for e in read_entries(out)] == ["demo.html", "demo-cpu.html"], "the index must not list itself"


def test_empty_index_says_how_to_fill_it(tmp_path):
    assert "ganzoo run quickstart" in Page(render_index([], tmp_path).read_text()).text
