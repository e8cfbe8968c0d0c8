"""Sample grids: which, from where, how large."""

from __future__ import annotations

import base64
import io

import pytest
import report_builders as world
from parsed_page import Page
from PIL import Image
from report_builders import crash, record, write_samples

from ganzoo.report import render, samples


def folder_of(results, run):
    return results / run["spec"] / run["case"] / f"{run['key'][:12]}-s{run['seed']}"


def embedded(grid):
    kind, _, text = grid.uri.partition(",")
    assert kind == "data:image/png;base64"
    return base64.b64decode(text)


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def test_same_seed_for_every_case_and_each_at_its_own_epoch(results):
    runs = [record("original", seed, epochs=50, cases={"original": 30, "epochs-50": 50}) for seed in (0, 1)] + [record("width-128", 1)]
    write_samples(results, runs)
    grids = samples.grids({"original": "", "epochs-50": "", "width-128": "", "d-sgd": ""}, runs, results)
    assert [(g.case, g.seed, g.epoch) for g in grids] == [("original", 1, "30"), ("epochs-50", 1, "50"), ("width-128", 1, "30")]
    assert embedded(grids[0]) != embedded(grids[1]) != embedded(grids[2])


def test_a_grid_of_classes_says_what_its_rows_are(results):
    plain, told = record("original", 0), record("width-128", 0)
    told["resolved"] = {**told["resolved"], "model": {"name": "biggan", "num_classes": 10}}
    write_samples(results, [plain, told])
    one, other = samples.grids({"original": "Base", "width-128": "Told"}, [plain, told], results)
    assert one.title == "Base" and other.title.startswith("Told; a row is a class")


def test_small_grid_is_embedded_pixel_by_pixel(results):
    run = record("original", 0)
    write_samples(results, [run], side=96)
    (grid,) = samples.grids({"original": ""}, [run], results)
    shown = Image.open(io.BytesIO(embedded(grid)))
    source = Image.open(folder_of(results, run) / "samples/epoch-0030.png")
    assert (grid.width, grid.height) == shown.size == (96, 96)
    assert shown.convert("L").tobytes() == source.tobytes()


def test_large_colour_grids_fit_the_budget(results, monkeypatch):
    monkeypatch.setattr(samples, "TOTAL_BYTES", 4 * 80_000)  # what a grid has of twenty
    cases = [f"case-{i}" for i in range(4)]
    runs = []
    for case in cases:
        runs.append(record("original", 0) | {"case": case, "cases": {case: 30}})
        runs[-1]["evaluations"] = runs[-1]["evaluations"][-1:]
    write_samples(results, runs, side=560, colour=True)
    grids = samples.grids(dict.fromkeys(cases, ""), runs, results)
    assert len(grids) == 4 and all(g.uri for g in grids)
    assert sum(len(embedded(g)) for g in grids) <= samples.TOTAL_BYTES
    assert min(g.width for g in grids) >= 150, "too small to see anything"


def test_crashed_run_shows_no_samples_of_an_epoch_it_never_reached(results):
    run = crash("d-sgd", 2)
    write_samples(results, [run])
    assert samples.grids({"d-sgd": ""}, [run], results) == []


def missing(results, run):
    (grid,) = samples.grids({"original": ""}, [run], results)
    assert not grid.uri
    return grid.missing


def test_without_a_results_folder_the_caption_says_so():
    assert "records alone" in missing(None, record("original", 0))


def test_missing_and_broken_files_are_captions(results):
    run = record("original", 0)
    assert "is not in the run directory" in missing(results, run)
    path = folder_of(results, run) / "samples/epoch-0030.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a picture")
    assert "cannot be read as a PNG" in missing(results, run)
    Image.new("RGB", (8, 8)).save(path, format="JPEG")
    assert "cannot be read as a PNG" in missing(results, run)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    assert "cannot be read as a PNG" in missing(results, run)


LEAVING = ["../../../../secret.png", "../secret.png", "samples/../../secret.png", "{absolute}", "link.png", "a\0b.png", ""]


@pytest.mark.parametrize("name", LEAVING)
def test_a_path_that_leaves_the_run_directory_is_not_read(results, name):
    run = record("original", 0)
    folder = folder_of(results, run)
    folder.mkdir(parents=True)
    for place in (results.parent, results / "demo" / "original", results / "demo"):
        Image.new("L", (8, 8)).save(place / "secret.png")
    (folder / "link.png").symlink_to(results.parent / "secret.png")
    run["evaluations"][-1]["samples"] = name.format(absolute=results.parent / "secret.png")
    grids = samples.grids({"original": ""}, [run], results)
    assert not any(g.uri for g in grids)
    assert samples.sample_file(results, run, run["evaluations"][-1]["samples"]) is None


@pytest.mark.parametrize("field", ["spec", "case", "key"])
@pytest.mark.parametrize("value", ["..", "../..", "/etc", "", "a/../../..", "a\0"])
def test_a_record_whose_names_leave_the_results_folder_has_no_run_directory(results, field, value):
    run = record("original", 0) | {field: value}
    found = samples.run_dir(results, run)
    assert found is None or (found.is_relative_to(results) and found != results)


def test_run_directory_is_where_the_runner_writes(results):
    run = record("original", 3)
    assert samples.run_dir(results, run) == results / "demo" / "original" / f"{run['key'][:12]}-s3"


def translated(run, name):
    """The run as if its data set were one of two sides."""
    return run | {"data": run["data"] | {"name": name}}


@pytest.mark.parametrize(
    ("name", "columns"),
    [("pairs", "input → output → target"), ("domains", "input → output, the first domain into the second"), ("mnist", ""), ("folder", "")],
)
def test_a_strip_says_what_its_rows_are(results, name, columns):
    run = translated(record("original", 0), name)
    write_samples(results, [run])
    (grid,) = samples.grids({"original": ""}, [run], results)
    assert (grid.columns, bool(grid.uri)) == (columns, True)


@pytest.mark.parametrize(
    ("name", "columns"), [("pairs", "input → output → target"), ("domains", "input → output, the first domain into the second")]
)
def test_the_page_names_the_columns_and_speaks_of_no_latents(tmp_path, results, name, columns):
    runs = [translated(run, name) for run in world.records()]
    write_samples(results, runs)
    page = Page(render(world.spec(tmp_path), world.judgement(runs), runs, tmp_path, results=results).read_text(encoding="utf-8"))
    assert f"a row each: {columns}; each at its last epoch" in page.text
    assert "latent vectors" not in page.text
    assert page.text.count(f"{columns}; seed") == len(samples.grids(dict.fromkeys(world.spec(tmp_path).cases, ""), runs, results))
    alts = [attrs["alt"] for tag, attrs in page.elements if tag == "img" and "alt" in attrs]
    assert alts and all(f"a row each, {columns}, seed" in alt for alt in alts)
