"""Decoded images on disk, so that the second run starts at once and runs side by side share the memory.

    <cache>/images/<key>/pixels.npy      the images, opened as a memory map
    <cache>/images/<key>/digest.json     what they must hash to
    <cache>/images/<key>.lock            held while the entry is built

An entry appears by one rename, complete or not at all. It is checked in full each time it is opened, which reads it once,
and built again where the check fails. Deleting any of it is always safe.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ganzoo.errors import DataError


def cached(cache: Path, key: str, build: Callable[[Path], None], digest: Callable[[np.ndarray], str]) -> tuple[np.ndarray, str]:
    """The uint8 array stored under `key` and its digest; where there is none, `build` writes it to the path it is given, once.

    The array is mapped copy-on-write: it may be written to, and the file never changes.
    """
    folder = cache / "images"
    entry = folder / key
    found = _open(entry, digest)
    if found is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f"{key}.lock"):
            found = _open(entry, digest)  # another process may have built it while this one waited
            if found is not None:
                return found
            partial = folder / f"{key}.partial"
            for leftover in (partial, entry):  # of a killed process; damaged
                if leftover.exists():
                    shutil.rmtree(leftover)
            partial.mkdir()
            try:
                build(partial / "pixels.npy")
                content = digest(_mapped(partial / "pixels.npy"))
                (partial / "digest.json").write_text(json.dumps({"sha256": content}) + "\n")
                partial.rename(entry)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    except OSError as error:
        raise DataError(f"the cache {folder} cannot be written: {error}. Set GANZOO_CACHE to a writable folder.") from None
    found = _open(entry, digest)
    if found is None:
        raise DataError(f"the cache entry {entry} read back damaged right after it was written. Check the disk, or move GANZOO_CACHE.")
    return found


def _open(entry: Path, digest: Callable[[np.ndarray], str]) -> tuple[np.ndarray, str] | None:
    """The entry if it is there and whole, else None."""
    try:
        expected = json.loads((entry / "digest.json").read_text())["sha256"]
        pixels = _mapped(entry / "pixels.npy")
        whole = pixels.dtype == np.uint8 and digest(pixels) == expected
    except Exception:  # missing, cut short, overwritten: whatever is wrong with an entry, building it again mends it
        return None
    return (pixels, expected) if whole else None


def _mapped(path: Path) -> np.ndarray:
    """open_memmap, unlike np.load, has no way to unpickle anything."""
    return np.lib.format.open_memmap(path, mode="c").view(np.ndarray)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock when its holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
