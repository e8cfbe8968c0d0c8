"""Data sets 'pairs' and 'domains': images of two sides, for translation from one to the other."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganzoo.data.class_folders import Source
from ganzoo.data.decode import Progress
from ganzoo.data.folder import open_folder
from ganzoo.data.image_files import load_image_files
from ganzoo.data.raw_set import content_digest
from ganzoo.data.registry import DATASETS, LARGEST_SIDE, LIMIT_SEED, TwoSides, check_size, check_split_folder
from ganzoo.data.roots import find
from ganzoo.data.side_folders import arrange_domains, arrange_pairs
from ganzoo.data.zip_file import open_zip
from ganzoo.errors import DataError, nearest
from ganzoo.paths import cache_dir

if TYPE_CHECKING:
    from ganzoo.data.pair_set import PairSet

HALVES = ("left", "right")
PARTS = ("train", "held-out")


def load_pairs(
    name: str,
    split: str = "train",
    *,
    path: str | Path | None = None,
    resize: int | None = None,
    enlarge: float = 1.0,
    source: str | None = None,
    domains: Sequence[str] | None = None,
    limit: int | None = None,
    holdout: int = 0,
    part: str = "train",
    cache: Path | None = None,
    progress: Progress | None = None,
) -> PairSet:
    """One part of one split of 'pairs' or 'domains'. Every failure is a DataError that says what to do.

    path: a folder, a zip, or a folder with one SPLIT.zip each: absolute, or relative to GANZOO_DATA
    resize: side in pixels of the square that images (of a pair: each half for itself) are resized to, antialiased bilinear
    enlarge: factor on `resize`, rounded down to whole pixels, where training takes its crops from larger images; 1 for measuring
    source: for 'pairs': the half that is the input, 'left' (also where none is given) or 'right'
    domains: for 'domains': the folders of both sides, the input first
    holdout: so many pairs (of 'domains': images of each side), the last of a fixed shuffle, are kept from training
    part: 'train', or 'held-out': those that `holdout` keeps
    limit: of the part 'train' only so many pairs (images of each side), the first of that shuffle; what is held out stays the same
    cache, progress: as for `load`
    """
    paired = _check(name, source, domains)
    check_split_folder(split)
    if part not in PARTS:
        raise DataError(f"no part '{part}' of data set '{name}'." + nearest(part, PARTS))
    side = enlarged(resize, enlarge)
    place = find(None if path is None else str(path), name)
    raw = load_image_files(_open_sides, place, split, side, cache or cache_dir(), progress, domains)
    if paired:
        a, b = raw.pixels if source != "right" else raw.pixels[::-1]
    else:
        first = raw.labels.tolist().count(0)
        a, b = raw.pixels[:first], raw.pixels[first:]
    units = ("pairs",) * 2 if paired else tuple(f"images of side '{domain}'" for domain in domains)
    a, b = (_part(pixels, limit, holdout, part, unit) for pixels, unit in zip((a, b), units, strict=True))

    import torch  # only where data is loaded

    from ganzoo.data.pair_set import PairSet

    return PairSet(torch.from_numpy(a), torch.from_numpy(b), paired, name, split, _digest(paired, a, b))


def enlarged(resize: int | None, enlarge: float) -> int | None:
    """The side at which images are held: int(resize · enlarge), but for the error of the product in binary."""
    check_size("resize", resize, LARGEST_SIDE)
    if not (math.isfinite(enlarge) and enlarge >= 1):
        raise DataError(f"enlarge is {enlarge}, expected a factor from 1 on: crops are taken from images enlarged by it.")
    if resize is None:
        if enlarge != 1:
            raise DataError(f"enlarge is {enlarge} without a resize. Set data.resize to the side that crops should have.")
        return None
    side = math.floor(resize * enlarge + 1e-6)
    if side > LARGEST_SIDE:
        raise DataError(f"resize {resize} enlarged by {enlarge} is {side}, expected at most {LARGEST_SIDE:,}. Lower either.")
    return side


def _check(name: str, source: str | None, domains: Sequence[str] | None) -> bool:
    """Whether the set is one of pairs, once its own settings make sense."""
    valid = [known for known, kind in DATASETS.items() if isinstance(kind, TwoSides)]
    if name in DATASETS and name not in valid:
        raise DataError(f"data set '{name}' has one side, expected one of two sides, for translation: {' or '.join(valid)}.")
    if name not in valid:
        raise DataError(f"unknown data set '{name}' of two sides." + nearest(name, valid))
    if name == "pairs":
        if domains is not None:
            raise DataError(f"data set 'pairs' takes no domains, got {domains!r}. Remove data.domains, or use data set 'domains'.")
        if source is not None and source not in HALVES:
            raise DataError(f"source is {source!r}, expected the half that is the input." + nearest(str(source), HALVES))
        return True
    if source is not None:
        raise DataError(f"data set 'domains' takes no source, got {source!r}. Remove data.source: the first of data.domains is the input.")
    two = not isinstance(domains, str) and domains is not None and len(domains) == 2 and domains[0] != domains[1]
    if not two or not all(isinstance(side, str) and side and not side.startswith(".") and "/" not in side for side in domains):
        raise DataError(f"domains is {domains!r}, expected the names of two different folders. Set data.domains, such as [A, B].")
    return False


@contextmanager
def _open_sides(place: Path, split: str, domains: Sequence[str] | None) -> Iterator[Source]:
    """The pairs of one split (`domains` None), or the images of both sides, in the folder or zip `place` or in `place`/SPLIT.zip."""
    arranged = arrange_pairs if domains is None else partial(arrange_domains, domains=tuple(domains))
    opened = open_zip if _is_zipped(place, split) else open_folder
    with opened(place, split, arranged=arranged) as source:
        yield replace(source, halves=domains is None)


def _is_zipped(place: Path, split: str) -> bool:
    if place.is_file() or (place / f"{split}.zip").exists():
        return True
    others = sorted(entry.name for entry in place.glob("*.zip"))
    if others and not any(entry.is_dir() for entry in place.iterdir()):
        raise DataError(f"{place}: no split '{split}'. It holds: {', '.join(others)}. Expected {split}.zip or the folder {split}.")
    return False


def _part(pixels: np.ndarray, limit: int | None, holdout: int, part: str, unit: str) -> np.ndarray:
    """One part of the images of a side, in the set's own order. `unit`: what there are so many of, for messages."""
    count = len(pixels)
    if not 0 <= holdout < count:
        told = f"there are {count:,} {unit}, and one must be left to train on"
        raise DataError(f"holdout is {holdout}, expected a whole number from 0 to {count - 1:,}: {told}.")
    shuffled = np.random.RandomState(LIMIT_SEED).permutation(count)  # the shuffle behind `limit` in ganzoo.data.registry
    if part == "held-out":
        if not holdout:
            raise DataError(f"nothing is held out of {count:,} {unit}. Set data.holdout, or measure on another split.")
        kept = shuffled[count - holdout :]
    else:
        held = f", besides the {holdout:,} held out" if holdout else ""
        check_size("limit", limit, count - holdout, f" {unit}, which is all that there are{held}")
        kept = shuffled[: count - holdout if limit is None else limit]
    return pixels if len(kept) == count else pixels[np.sort(kept)]


def _digest(paired: bool, a: np.ndarray, b: np.ndarray) -> str:
    sides = [content_digest(pixels, np.zeros(len(pixels), np.int64)) for pixels in (a, b)]
    return hashlib.sha256(json.dumps(["paired" if paired else "unpaired", *sides]).encode()).hexdigest()
