"""Class folders in a directory."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ganzoo.data.class_folders import LARGEST_FILE, Arrange, ClassFolders, Source, arrange, is_litter, restricted
from ganzoo.data.roots import check_stays_below
from ganzoo.errors import DataError

DEPTH = 3  # SPLIT/CLASS/image; a folder below that is listed, which the layout then refuses, but not entered


@contextmanager
def open_folder(
    root: Path, split: str, classes: Sequence[str] | None = None, *, arranged: Arrange = arrange, depth: int = DEPTH
) -> Iterator[Source]:
    """The images of one split below `root`, of these classes (None: all). Links are followed as long as they stay below it."""
    if not root.is_dir():
        raise DataError(f"{root} is not a folder. Expected class folders with images; use data set 'zip' for a zip file.")
    root = root.resolve()
    try:
        folders = restricted(arranged(_walk(root, root, "", depth), split, str(root)), classes)
        key = _key(root, folders)
    except OSError as error:
        raise DataError(f"{root} cannot be listed: {error}") from None
    yield Source(folders, key, lambda name: (root / name).read_bytes())


def _walk(root: Path, folder: Path, prefix: str, depth: int) -> Iterator[str]:
    """Every file down to `depth` levels below `folder`, relative to `root`, and every folder with a '/' at the end."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_litter(entry.name):
                continue
            name = prefix + entry.name
            if not entry.is_dir():
                yield name
                continue
            yield name + "/"
            if depth > 1:
                if entry.is_symlink():
                    check_stays_below(root, Path(entry.path))
                yield from _walk(root, Path(entry.path), name + "/", depth - 1)


def _key(root: Path, folders: ClassFolders) -> str:
    """Identifies the files without reading them: place, name, size, and the times of last change.

    Sizes and modification times alone would not do: unpacked archives carry fixed times, and uncompressed images equal sizes.
    """
    rows = []
    for name in folders.files:
        path = root / name
        if path.is_symlink():
            check_stays_below(root, path)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is not a regular file.")
        if status.st_size > LARGEST_FILE:
            raise DataError(f"{path} holds {status.st_size:,} bytes, an image at most {LARGEST_FILE:,}.")
        rows.append((name, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return hashlib.sha256(json.dumps(["folder", str(root), rows]).encode()).hexdigest()
