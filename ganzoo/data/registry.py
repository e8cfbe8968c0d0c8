"""The data sets by name: what they are, whether they are at hand, and `load`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganzoo.data import digits, mnist
from ganzoo.data.decode import Progress, resized
from ganzoo.data.folder import open_folder
from ganzoo.data.image_files import OpenSource, load_image_files
from ganzoo.data.raw_set import RawSet, raw_set
from ganzoo.data.roots import find, search_roots
from ganzoo.data.zip_file import open_zip
from ganzoo.errors import DataError, nearest
from ganzoo.paths import cache_dir

if TYPE_CHECKING:
    from ganzoo.data.image_set import ImageSet

LARGEST_SIDE = 2048  # pixels; a mistyped resize would fill the memory
LIMIT_SEED = 0  # of the shuffle behind `limit`


@dataclass(frozen=True)
class Builtin:
    """A data set of known content, with splits 'train' and 'test'."""

    summary: str
    shape: tuple[int, int, int]  # channels, height, width
    load: Callable[[str], RawSet]
    is_available: Callable[[], bool]
    looked_in: Callable[[], list[Path]]
    how_to_get: Callable[[], str]


@dataclass(frozen=True)
class ImageFiles:
    """Whatever class folders the user's `path` holds."""

    summary: str
    open_source: OpenSource
    how_to_get: str


DATASETS: dict[str, Builtin | ImageFiles] = {
    "digits": Builtin(
        "1,437 + 360 grey 8x8 handwritten digits, part of scikit-learn",
        (1, 8, 8),
        digits.load_digits,
        digits.is_installed,
        list,
        digits.how_to_get,
    ),
    "mnist": Builtin(
        "60,000 + 10,000 grey 28x28 handwritten digits",
        (1, 28, 28),
        mnist.load_mnist,
        mnist.is_available,
        mnist.places,
        mnist.how_to_get,
    ),
    "folder": ImageFiles(
        "your images in class folders: PATH/SPLIT/CLASS/* or PATH/CLASS/*",
        open_folder,
        "Set data.path to the folder, absolute or relative to GANZOO_DATA.",
    ),
    "zip": ImageFiles(
        "the same inside a zip, or a folder with one SPLIT.zip each",
        open_zip,
        "Set data.path to the zip, or to the folder that holds SPLIT.zip, absolute or relative to GANZOO_DATA.",
    ),
}


def load(
    name: str,
    split: str = "train",
    *,
    path: str | Path | None = None,
    resize: int | None = None,
    limit: int | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """One split of data set `name`. Every failure is a DataError that says what to do.

    path: for 'folder' and 'zip', where: absolute, or relative to GANZOO_DATA
    resize: side in pixels of the square that images are resized to, antialiased bilinear, proportions not kept
    limit: only so many images: the first of a fixed shuffle, the same for everyone, kept in the set's own order
    cache: where decoded images are kept, instead of GANZOO_CACHE
    progress: called with (images done, images in all) while images are decoded
    """
    known = _known(name)
    _check_size("resize", resize, LARGEST_SIDE)
    if isinstance(known, Builtin):
        if path is not None:
            raise DataError(f"data set '{name}' takes no path, got {str(path)!r}. Remove data.path, or use 'folder' or 'zip'.")
        if split not in ("train", "test"):
            raise DataError(f"data set '{name}' has no split '{split}'." + nearest(split, ("train", "test")))
        raw = known.load(split)
        if resize is not None:
            raw = raw_set(resized(raw.pixels, resize), raw.labels, raw.classes)
    else:
        if not split or split.startswith(".") or "/" in split or "\0" in split:
            raise DataError(f"split {split!r} is not the name of a folder. Expected one such as 'train' or 'test'.")
        found = find(None if path is None else str(path), name)
        raw = load_image_files(known.open_source, found, split, resize, cache or cache_dir(), progress)
    if limit is not None:
        raw = limited(raw, limit, f"data set '{name}' ({split})")

    from ganzoo.data.image_set import image_set  # torch is imported only where data is loaded

    return image_set(raw, name, split)


def limited(raw: RawSet, limit: int, what: str) -> RawSet:
    """The first `limit` images of the fixed shuffle, in the set's own order, so that limit = N changes nothing."""
    count = len(raw.pixels)
    _check_size("limit", limit, count, f" images, which is all that {what} has")
    if limit == count:
        return raw
    shuffled = np.random.RandomState(LIMIT_SEED).permutation(count)  # this generator's stream is frozen across numpy versions
    kept = np.sort(shuffled[:limit])
    return raw_set(raw.pixels[kept], raw.labels[kept], raw.classes)


def names() -> list[str]:
    return list(DATASETS)


def describe(name: str) -> dict:
    """For `ganzoo list` and `doctor`: JSON-ready, cheap (looks whether files exist, reads none)."""
    known = _known(name)
    if isinstance(known, Builtin):
        available, looked_in, how_to_get = known.is_available(), known.looked_in(), known.how_to_get()
    else:
        available, looked_in, how_to_get = True, search_roots(), known.how_to_get
    return {
        "name": name,
        "summary": known.summary,
        "needs_path": isinstance(known, ImageFiles),
        "shape": list(known.shape) if isinstance(known, Builtin) else None,
        "available": available,
        "looked_in": [str(place) for place in looked_in],
        "how_to_get": how_to_get,
    }


def _known(name: str) -> Builtin | ImageFiles:
    if name not in DATASETS:
        raise DataError(f"unknown data set '{name}'." + nearest(name, DATASETS))
    return DATASETS[name]


def _check_size(setting: str, value: int | None, largest: int, unit: str = "") -> None:
    if value is not None and not 1 <= value <= largest:
        raise DataError(f"{setting} is {value}, expected a whole number from 1 to {largest:,}{unit}.")
