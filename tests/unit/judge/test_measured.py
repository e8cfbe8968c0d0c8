"""Blessed runs: what is kept, what a new blessing replaces, and what a wrong file is answered with."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest

from ganzoo.errors import ReferencesError
from ganzoo.judge.layout import laid_out
from ganzoo.judge.measured import Merged, load_blessings, load_measured, save_measured, thinned

BLESSING = {"when": "2026-01-02T03:04:05Z", "reason": "first runs", "tier": "full", "git": "abc123"}


def record(case: str = "original", seed: int = 0, *, tier: str = "full", cases: dict | None = None, frechet: float | None = 12.5) -> dict:
    """A record in the store's shape, with 900 logged losses."""
    steps = list(range(50, 45050, 50))
    return {
        "schema": 1, "key": f"{case}-{seed}-{tier}-{frechet}".ljust(64, "0"), "spec": "liu", "document": "liu", "case": case,
        "cases": cases or {case: 30}, "seed": seed, "tier": tier, "status": "finished", "error": None,
        "resolved": {"model": {"name": "mlp-gan", "hidden_g": [128, 256, 512, 1024]}, "train": {"batch_size": 128, "epochs": 30}},
        "protocol": {"name": "mnist-cnn", "hash": "0" * 64, "labels": {"frechet": "classifier Fréchet distance"}},
        "evaluations": [{"epoch": 30, "step": 45000, "metrics": {"frechet": frechet, "is": 7.25}, "samples": "samples/epoch-0030.png"}],
        "losses": {"step": steps, "d": [0.6931471824645996 + i / 7 for i in range(900)], "g": [float(i) for i in range(900)]},
        "scalars": {"d_loss_variation": 0.125}, "events": [], "folder": "liu/original/abc-s0",
    }  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "measured" / "liu.json"


def held(path: Path) -> dict[tuple[str, int, str], float | None]:
    """(case, seed, tier) → its last distance, for everything the file speaks for."""
    return {(case, r["seed"], r["tier"]): r["evaluations"][-1]["metrics"]["frechet"] for r in load_measured(path) for case in r["cases"]}


def test_what_is_saved_is_loaded_in_the_stores_shape(path):
    given = [record(seed=seed) for seed in (2, 0, 1)]
    before = copy.deepcopy(given)
    assert save_measured(path, BLESSING, given) == Merged(added=3, replaced=0, kept=0)
    loaded = load_measured(path)
    assert [entry["seed"] for entry in loaded] == [0, 1, 2]
    assert [entry.pop("blessing")["reason"] for entry in loaded] == ["first runs"] * 3
    assert loaded == sorted(map(thinned, given), key=lambda entry: entry["seed"])
    assert loaded[0]["resolved"] == given[1]["resolved"] and loaded[0]["scalars"] == given[1]["scalars"]
    assert given == before, "the caller's records are left alone"
    assert [entry.records for entry in load_blessings(path)] == [3]


def test_a_new_blessing_replaces_its_own_and_keeps_the_others(path):
    save_measured(path, BLESSING, [record(seed=0), record(seed=1), record("width-128", 0), record(seed=0, tier="cpu")])
    changed = save_measured(path, BLESSING | {"reason": "faster step"}, [record(seed=1, frechet=9.0), record(seed=2, frechet=8.0)])
    assert changed == Merged(added=1, replaced=1, kept=3)
    assert held(path) == {
        ("original", 0, "full"): 12.5, ("original", 1, "full"): 9.0, ("original", 2, "full"): 8.0,
        ("width-128", 0, "full"): 12.5, ("original", 0, "cpu"): 12.5,
    }  # fmt: skip
    assert [entry.reason for entry in load_blessings(path)] == ["first runs", "faster step"]


def test_a_shared_trajectory_goes_on_speaking_for_the_cases_not_blessed_again(path):
    save_measured(path, BLESSING, [record(cases={"original": 30, "epochs-50": 50, "epochs-100": 100})])
    save_measured(path, BLESSING, [record(frechet=9.0)])
    assert held(path) == {("original", 0, "full"): 9.0, ("epochs-50", 0, "full"): 12.5, ("epochs-100", 0, "full"): 12.5}
    assert sorted(entry["case"] for entry in load_measured(path)) == ["epochs-50", "original"]
    save_measured(path, BLESSING, [record("epochs-100", cases={"epochs-50": 50, "epochs-100": 100}, frechet=7.0)])
    assert held(path) == {("original", 0, "full"): 9.0, ("epochs-50", 0, "full"): 7.0, ("epochs-100", 0, "full"): 7.0}
    assert len(load_measured(path)) == 2


def reasons(path: Path) -> dict[tuple[str, int], str | None]:
    return {(r["case"], r["seed"]): r["blessing"] and r["blessing"]["reason"] for r in load_measured(path)}


def test_every_record_tells_the_blessing_that_brought_it(path):
    first = [record(seed=seed) for seed in range(3)]
    save_measured(path, BLESSING, first)
    more = [record(seed=seed) for seed in (3, 4)]
    save_measured(path, BLESSING | {"reason": "two more seeds, planned"}, [*first, *more])
    assert reasons(path) == {("original", s): "first runs" if s < 3 else "two more seeds, planned" for s in range(5)}
    assert [(entry.reason, entry.records) for entry in load_blessings(path)] == [("first runs", 3), ("two more seeds, planned", 5)]
    again = first[1] | {"started": "2026-02-03T04:05:06Z"}
    save_measured(path, BLESSING | {"reason": "trained again"}, [again])
    assert reasons(path)["original", 1] == "trained again" and reasons(path)["original", 0] == "first runs"


def test_files_from_before_records_told_their_blessing_are_read(path):
    save_measured(path, BLESSING, [record(), record("width-128"), record("width-128", tier="cpu")])
    document = json.loads(path.read_text(encoding="utf-8"))
    for entry in document["records"]:
        del entry["blessing"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert [r["blessing"] and r["blessing"]["reason"] for r in load_measured(path)] == [None, "first runs", "first runs"], "cpu: not known"
    save_measured(path, BLESSING | {"reason": "more seeds"}, [record(seed=1)])
    assert reasons(path)["original", 0] == "first runs" and reasons(path)["original", 1] == "more seeds", "written down before it is lost"
    assert len(load_blessings(path)) == 2


def test_thinning_picks_points_and_keeps_the_ends():
    whole = record()
    slim = thinned(whole)
    assert {len(points) for points in slim["losses"].values()} == {60}
    assert slim["losses"]["step"][0] == 50 and slim["losses"]["step"][-1] == 45000
    assert [step // 50 - 1 for step in slim["losses"]["step"]] == [int(value) for value in slim["losses"]["g"]], "points stay together"
    assert slim["losses"]["d"][0] == 0.693147
    assert "folder" not in slim and "samples" not in slim["evaluations"][0]
    assert slim["evaluations"][0]["metrics"] == whole["evaluations"][0]["metrics"]
    assert thinned(slim) == slim, "thinning again changes nothing"


def test_thinning_leaves_short_curves_and_drops_tracebacks():
    crashed = record() | {"status": "crashed", "losses": {"step": [50, 100], "d": [0.5, None], "g": [1.5, 2.5]}, "evaluations": []}
    crashed["error"] = {"type": "RuntimeError", "message": "out of memory", "trace": "File ...", "hint": "smaller batch"}
    slim = thinned(crashed)
    assert slim["losses"] == crashed["losses"]
    assert slim["error"] == {"type": "RuntimeError", "message": "out of memory", "hint": "smaller batch"}


def test_a_blessing_is_a_small_diff(path):
    save_measured(path, BLESSING, [record(seed=seed) for seed in range(4)])
    before = path.read_text(encoding="utf-8").splitlines()
    save_measured(path, BLESSING | {"reason": "one seed again"}, [record(seed=2, frechet=11.0)])
    after = path.read_text(encoding="utf-8").splitlines()
    gone = [line for line in before if line not in after]
    assert len(gone) <= 3, "the key, the metrics, and the comma after the last blessing"
    assert len(after) == len(before) + 1


def test_a_failed_write_leaves_the_old_file(path, monkeypatch):
    save_measured(path, BLESSING, [record()])
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ReferencesError, match="liu.json: cannot be written .No space left on device"):
        save_measured(path, BLESSING, [record(frechet=1.0)])
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["liu.json"], "no partial file is left"


@pytest.mark.parametrize(
    ("blessing", "records", "says"),
    [
        (BLESSING, [], r"blessings\[0\]\.records is 0"),
        (BLESSING | {"reason": ""}, [record()], r"blessings\[0\]\.reason is ''"),
        (BLESSING, [record(), record(frechet=3.0)], r"case 'original', seed 0, tier 'full' stands in two records"),
        (BLESSING, [record(cases={"original": 30, "b": 50}), record("b")], r"case 'b', seed 0, tier 'full' stands in two records"),
        (BLESSING, [record() | {"spec": "iyengar"}], r"holds runs of 'iyengar', expected those of 'liu'"),
        (BLESSING, [record() | {"status": "done"}], r"records\[0\]\.status is 'done'.*finished"),
    ],
)
def test_what_cannot_be_blessed_writes_nothing(path, blessing, records, says):
    with pytest.raises(ReferencesError, match=says):
        save_measured(path, blessing, records)
    assert not path.exists()


def saved(path: Path, **changes: object) -> Path:
    """A good file with some of its top keys exchanged."""
    save_measured(path, BLESSING, [record()])
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": 2}, "schema is 2, expected 1"),
        ({"spec": "iyengar"}, "holds runs of 'iyengar', expected those of 'liu'"),
        ({"records": 3}, "records is 3, expected a list"),
        ({"records": [record() | {"seed": "zero"}]}, r"records\[0\]\.seed is 'zero', expected a whole number"),
        ({"records": [record() | {"cases": {"epochs-50": 50}}]}, "a record of 'original' speaks only for epochs-50"),
        ({"records": [record() | {"evaluations": [{"metrics": {}}]}]}, r"records\[0\]\.evaluations\[0\]\.epoch is missing"),
        ({"records": [record(frechet="low")]}, r"records\[0\]\.evaluations\[0\]\.metrics\.frechet is 'low'"),
        ({"records": [record(frechet=math.nan)]}, "NaN is no JSON number"),
        ({"records": [record() | {"blessing": 1}]}, "a record came with blessing 1, expected one of the 1"),
        ({"recordz": []}, "unknown key 'recordz'.*Did you mean 'records'"),
    ],
)
def test_a_wrong_file_is_named_with_its_remedy(path, changes, says):
    saved(path, **changes)
    before = path.read_bytes()
    with pytest.raises(ReferencesError, match=says) as caught:
        load_measured(path)
    assert "ganzoo bless liu --reason TEXT" in str(caught.value)
    with pytest.raises(ReferencesError, match=says):
        save_measured(path, BLESSING, [record()])
    assert path.read_bytes() == before, "a corrupt file is never overwritten"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"schema": 1, "spec": "liu",\n "bless', b"\xff\xfe\x00", b"[" * 100_000])
def test_a_corrupt_file_is_named_with_its_remedy(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ReferencesError, match=r"(?s)liu\.json.*Restore it from git"):
        load_measured(path)


def test_a_truncated_file_is_named_with_its_line(path):
    save_measured(path, BLESSING, [record()])
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(ReferencesError, match=r"liu\.json:\d+: not valid JSON"):
        load_measured(path)


def test_missing_runs_say_how_to_get_them(path):
    with pytest.raises(ReferencesError, match="no blessed runs of 'liu'.*ganzoo bless liu"):
        load_measured(path)


def test_the_committed_files_load():
    folder = Path(__file__).resolve().parents[3] / "reference_results" / "measured"
    for path in sorted(folder.glob("*.json")):
        records = load_measured(path)
        assert records and laid_out(json.loads(path.read_text(encoding="utf-8"))) + "\n" == path.read_text(encoding="utf-8"), path.name


def test_layout_keeps_lists_of_numbers_and_small_mappings_on_one_line():
    runs = [{"n": 1, "seeds": [1, 2]}, {"n": 2, "seeds": []}]
    value = {"curve": [0.5] * 100, "small": {"a": 1, "b": "é"}, "runs": runs, "none": None, "empty": {}}
    text = laid_out(value)
    assert json.loads(text) == value
    assert [line.strip().split(":")[0] for line in text.splitlines()] == [
        "{", '"curve"', '"small"', '"runs"', "{", '"n"', '"seeds"', "},", "{", '"n"', '"seeds"', "}", "],", '"none"', '"empty"', "}"
    ]  # fmt: skip
    assert '"small": {"a": 1, "b": "é"},' in text


def test_layout_breaks_a_mapping_too_long_for_a_line_and_refuses_nan():
    wide = {f"metric_{i}": 1.2345678901234567 for i in range(8)}
    assert len(laid_out(wide).splitlines()) == 10
    with pytest.raises(ValueError, match="not JSON compliant"):
        laid_out({"loss": math.nan})
