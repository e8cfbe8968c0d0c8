"""The same run under another name: a training that another spec or case has done, or begun, is taken over instead of done again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ganzoo.bench.plan import Run
from ganzoo.bench.run import CHECKPOINT
from ganzoo.bench.store import Store, read_record
from ganzoo.errors import StoreError


def adopt(run: Run, store: Store, device: str) -> str | None:
    """Copy checkpoint and samples of a run of equal key and kind of device ("cpu", "cuda") below the same results folder.

    "spec/case" it was, None without one. What is missing to this run's stops is then trained, as after an interruption. The caller holds
    the run's lock; the other folder is only read, and its checkpoint is replaced as a whole whenever it changes.
    """
    folder = store.root / run.folder
    if (folder / CHECKPOINT).exists():
        return None
    for path in sorted(store.root.glob(f"*/*/{run.folder.name}/record.json")):
        found = path.parent
        if found != folder and (found / CHECKPOINT).exists() and _identity(path) == (run.key, device):
            _copy(found, folder)
            return found.parent.relative_to(store.root).as_posix()
    return None


def _identity(path: Path) -> tuple[str, str | None] | None:
    try:
        record = read_record(path)
    except StoreError:  # damaged, or of another schema: its owner will be told
        return None
    return record["key"], (record.get("environment") or {}).get("device")


def _copy(found: Path, folder: Path) -> None:
    """The checkpoint is taken first, so that all samples that it knows are there, and put in place last."""
    partial = folder / f".{CHECKPOINT}.{os.getpid()}.part"
    try:
        shutil.copyfile(found / CHECKPOINT, partial)
        if (found / "samples").is_dir():
            shutil.copytree(found / "samples", folder / "samples", dirs_exist_ok=True)
        partial.replace(folder / CHECKPOINT)
    finally:
        partial.unlink(missing_ok=True)
