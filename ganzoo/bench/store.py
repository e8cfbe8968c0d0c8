"""Where results live: one folder a run, records written atomically under a lock. Torch-free."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ganzoo.errors import StoreError

SCHEMA = 1
REQUIRED = {"schema", "key", "spec", "case", "cases", "seed", "tier", "status", "resolved", "protocol", "evaluations"}


def write_text(path: Path, text: str) -> None:
    """Replace a file as a whole; a kill leaves the old one or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


TYPES = {
    "cases": dict, "evaluations": list, "resolved": dict, "protocol": dict, "seed": int, "case": str, "tier": str, "status": str,
    "losses": dict, "scalars": dict, "events": list, "environment": dict, "counts": dict, "timing": dict, "data": dict,
}  # fmt: skip


def _fault(record: dict) -> str | None:
    """What a reader of records could not bear, or None."""
    for name, kind in TYPES.items():
        if name in record and not isinstance(record[name], kind):
            return f"{name} is {record[name]!r:.40}, expected {kind.__name__}"
    if not all(isinstance(epoch, int | float) for epoch in record["cases"].values()):
        return "cases maps a name to something that is no epoch"
    for entry in record["evaluations"]:
        known = isinstance(entry, dict) and isinstance(entry.get("metrics"), dict)
        if not known or not isinstance(entry.get("epoch"), int | float) or not isinstance(entry.get("step"), int):
            return f"{entry!r:.40} is no evaluation"
    if not isinstance(record["resolved"].get("train"), dict):
        return "resolved has no train"
    if len({len(values) if isinstance(values, list) else -1 for values in record.get("losses", {}).values()}) > 1:
        return "losses are of unequal length"
    if not all(value is None or isinstance(value, int | float) for value in record.get("scalars", {}).values()):
        return "scalars hold something that is no number"
    if not all(isinstance(event, dict) and {"kind", "step"} <= event.keys() for event in record.get("events", [])):
        return "events hold something that is no event"
    return None


def read_record(path: Path) -> dict:
    """A record; StoreError where the file is not one."""
    remedy = "Delete it (the checkpoint beside it resumes the run), or restore it."
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"record {path} cannot be read: {error}. {remedy}") from error
    missing = sorted(REQUIRED - record.keys()) if isinstance(record, dict) else sorted(REQUIRED)
    if missing:
        raise StoreError(f"record {path} lacks {', '.join(missing)}. {remedy}")
    if fault := _fault(record):
        raise StoreError(f"record {path} is damaged: {fault}. {remedy}")
    if record["schema"] != SCHEMA:
        raise StoreError(f"record {path} has schema {record['schema']}, expected {SCHEMA}. {remedy}")
    return record


class Store:
    """A results folder: <root>/<spec>/<case>/<key12>-s<seed>/."""

    def __init__(self, root: Path):
        self.root = root

    def check_writable(self) -> None:
        """StoreError where nothing could be written, before any work is done."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".probe.{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"results folder {self.root} cannot be written ({error.strerror}). Choose another with --results DIR."
            ) from error

    def record(self, folder: Path) -> dict | None:
        """The record in a run's folder, if there is one."""
        path = self.root / folder / "record.json"
        return read_record(path) if path.exists() else None

    def write_record(self, folder: Path, record: dict) -> None:
        write_text(self.root / folder / "record.json", json.dumps(record, indent=1, allow_nan=False) + "\n")

    def records(self, spec: str, tier: str | None = None) -> list[dict]:
        """All records of a spec (at a tier), by case, seed, tier and key. Which of several for one case and seed counts, readers decide."""
        paths = (self.root / spec).glob("*/*-s*/record.json")
        found = [read_record(path) | {"folder": str(path.parent.relative_to(self.root))} for path in paths]
        kept = [record for record in found if tier in (None, record["tier"])]
        return sorted(kept, key=lambda record: (record["case"], record["seed"], record["tier"], record["key"]))

    @contextlib.contextmanager
    def lock(self, folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[Path]:
        """Hold a run's folder alone; another process' hold is waited for. A killed holder frees it."""
        path = self.root / folder
        path.mkdir(parents=True, exist_ok=True)
        with (path / ".lock").open("w") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    waiting()
                    time.sleep(0.5)
            yield path
