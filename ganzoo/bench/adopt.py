"""The same run under another name: a training that another spec or case has done, or begun, is taken over instead of done again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ganzoo.bench.plan import Run
from ganzoo.bench.run import CHECKPOINT
from ganzoo.bench.store import Store, read_record
from ganzoo.errors import StoreError


def adopt(run: Run, store: Store) -> str | None:
    """Copy checkpoint and samples of a run of equal key below the same results folder; "spec/case" it was, None without one.

    What is missing to this run's stops is then trained, as after an interruption. The caller holds the run's lock; the other folder is
    only read, and its checkpoint is replaced as a whole whenever it changes.
    """
    folder = store.root / run.folder
    if (folder / CHECKPOINT).exists():
        return None
    for path in sorted(store.root.glob(f"*/*/{run.folder.name}/record.json")):
        found = path.parent
        if found != folder and (found / CHECKPOINT).exists() and _key(path) == run.key:
            if (found / "samples").is_dir():
                shutil.copytree(found / "samples", folder / "samples", dirs_exist_ok=True)
            _copy_whole(found / CHECKPOINT, folder / CHECKPOINT)
            return found.parent.relative_to(store.root).as_posix()
    return None


def _key(path: Path) -> str | None:
    try:
        return read_record(path)["key"]
    except StoreError:  # damaged, or of another schema: its owner will be told
        return None


def _copy_whole(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
