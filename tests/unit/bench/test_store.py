"""Records on disk: whole or not at all, one holder at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from ganzoo.bench.store import REQUIRED, SCHEMA, Store, read_record, write_text
from ganzoo.errors import StoreError

FOLDER = Path("tiny/short/abc-s0")


def blank(**changes) -> dict:
    whole = {"cases": {"short": 2}, "evaluations": [], "resolved": {"train": {}}, "protocol": {}}
    return {**dict.fromkeys(REQUIRED, "x"), **whole, "schema": SCHEMA, "case": "short", "seed": 0, "tier": "full", **changes}


def put(store: Store, folder: Path, record: dict) -> None:
    with store.lock(folder):
        store.write_record(folder, record)


def test_a_record_comes_back(store):
    put(store, FOLDER, blank(status="finished"))
    assert store.record(FOLDER)["status"] == "finished"
    assert store.record(Path("tiny/none/abc-s0")) is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", "null", '{"schema": 1}', "\x00\x01"])
def test_a_corrupt_record_is_named_with_a_remedy(tmp_path, text):
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"record\.json .*Delete it"):
        read_record(path)


@pytest.mark.parametrize(
    "damage",
    [
        {"evaluations": 5},
        {"evaluations": [5]},
        {"evaluations": [{"epoch": 1, "metrics": {}}]},
        {"cases": []},
        {"cases": {"short": "two"}},
        {"resolved": {}},
        {"seed": "zero"},
        {"protocol": "x"},
        {"losses": {"step": [1], "d": [], "g": [1.0]}},
        {"scalars": {"seconds_per_epoch": "x"}},
        {"events": [1]},
        {"environment": None},
    ],
)
def test_a_record_of_the_wrong_shape_is_refused(store, damage):
    put(store, FOLDER, blank(**damage))
    with pytest.raises(StoreError, match="is damaged: .*Delete it"):
        store.record(FOLDER)


def test_deeply_nested_rubbish_is_refused(tmp_path):
    (tmp_path / "record.json").write_text("[" * 100_000)
    with pytest.raises(StoreError, match="cannot be read"):
        read_record(tmp_path / "record.json")


def test_a_record_of_another_schema_is_refused(store):
    put(store, FOLDER, blank(schema=99))
    with pytest.raises(StoreError, match="schema 99, expected 1"):
        store.record(FOLDER)


def test_nan_never_reaches_a_record(store):
    with pytest.raises(ValueError, match="not JSON compliant"):
        put(store, FOLDER, blank(value=float("nan")))
    assert store.record(FOLDER) is None


def test_a_failed_write_leaves_the_old_text_and_no_scraps(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    write_text(path, "old")

    def no_space(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_every_record_is_given_two_keys_of_one_case_and_seed_too(store):
    """Which of them counts is the readers' to say: the older one may be what the spec is again."""
    put(store, Path("tiny/short/old-s0"), blank(key="old"))
    put(store, Path("tiny/short/new-s0"), blank(key="new"))
    os.utime(store.root / "tiny/short/old-s0/record.json", (1, 1))
    put(store, Path("tiny/short/smo-s0"), blank(key="smoke", tier="smoke"))
    assert [record["key"] for record in store.records("tiny", "full")] == ["new", "old"]
    assert [record["key"] for record in store.records("tiny")] == ["new", "old", "smoke"]
    assert store.records("tiny", "full")[0]["folder"] == "tiny/short/new-s0"


def test_an_unwritable_folder_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written.*--results"):
        Store(tmp_path / "file" / "results").check_writable()


def _hold(root: Path, ready, release) -> None:
    with Store(root).lock(FOLDER):
        ready.set()
        release.wait(30)


@pytest.mark.parametrize("end", ["release", "kill"])
def test_a_second_holder_waits_until_the_first_is_done_or_dead(store, end):
    context = multiprocessing.get_context("fork")
    ready, release = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(store.root, ready, release))
    holder.start()
    assert ready.wait(10)
    waits = []

    def waiting() -> None:
        waits.append(time.monotonic())
        if len(waits) == 1:
            release.set() if end == "release" else os.kill(holder.pid, signal.SIGKILL)

    with store.lock(FOLDER, waiting=waiting):
        assert waits  # it did not get in at once
    holder.join(10)
