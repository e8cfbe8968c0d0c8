"""The data sets by name: what they are, whether they are at hand, and `load`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganzoo.data import celeba, cifar10, classes, digits, imagenet, mnist, points
from ganzoo.data.decode import Progress, resized
from ganzoo.data.folder import open_folder
from ganzoo.data.image_files import OpenSource, load_image_files
from ganzoo.data.raw_set import RawSet, raw_set
from ganzoo.data.roots import find, located, places, search_roots
from ganzoo.data.stacked import stack
from ganzoo.data.zip_file import open_zip
from ganzoo.errors import DataError, nearest
from ganzoo.paths import cache_dir

if TYPE_CHECKING:
    from ganzoo.data.image_set import ImageSet

LARGEST_SIDE = 2048  # pixels; a mistyped resize would fill the memory
SPLITS = ("train", "test")  # of every Builtin
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
    stacked: bool = False  # what `load` gives is stacked, three at random in the three channels
    points: bool = False  # float32 points, not images


@dataclass(frozen=True)
class Collection:
    """A published set of image files, in its own layout at one of `paths` below a folder that may hold data."""

    summary: str
    shape: tuple[int, int | None, int | None]  # channels, height, width; None where it is that of the copy, or the images differ
    splits: tuple[str, ...]
    labelled: bool
    open_source: OpenSource
    paths: tuple[str, ...]
    how_to_get: Callable[[], str]


@dataclass(frozen=True)
class ImageFiles:
    """Whatever class folders the user's `path` holds."""

    summary: str
    open_source: OpenSource
    how_to_get: str


@dataclass(frozen=True)
class TwoSides:
    """Whatever pairs, or images of two domains, the user's `path` holds: for translation, loaded by ganzoo.data.pairs."""

    summary: str
    how_to_get: str


DATASETS: dict[str, Builtin | Collection | ImageFiles | TwoSides] = {
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
    "cifar10": Builtin(
        "50,000 + 10,000 colour 32x32 photographs of ten classes",
        (3, 32, 32),
        cifar10.load_cifar10,
        cifar10.is_available,
        cifar10.looked_at,
        cifar10.how_to_get,
    ),
    "ring": Builtin(
        "50,000 + 10,000 points of the plane, 8 Gaussians on a circle of radius 1; no pixels: used as they are",
        (2, 1, 1),
        partial(points.load_points, "ring"),
        lambda: True,
        list,
        lambda: "It is computed.",
        points=True,
    ),
    "grid": Builtin(
        "50,000 + 10,000 points of the plane, 25 Gaussians on a grid from -4 to 4, beyond a tanh; no pixels: used as they are",
        (2, 1, 1),
        partial(points.load_points, "grid"),
        lambda: True,
        list,
        lambda: "It is computed.",
        points=True,
    ),
    "stacked-digits": Builtin(
        "50,000 + 10,000 colour 8x8 images of 1,000 classes, a digit of 'digits' in each channel",
        (3, 8, 8),
        digits.load_digits,
        digits.is_installed,
        list,
        digits.how_to_get,
        stacked=True,
    ),
    "stacked-mnist": Builtin(
        "50,000 + 10,000 colour 28x28 images of 1,000 classes, a digit of MNIST in each channel",
        (3, 28, 28),
        mnist.load_mnist,
        mnist.is_available,
        mnist.places,
        mnist.how_to_get,
        stacked=True,
    ),
    "celeba": Collection(
        "202,599 colour 178x218 faces, aligned; splits train, valid, test, all",
        (3, 218, 178),
        celeba.SPLITS,
        False,
        celeba.open_celeba,
        celeba.PLACES,
        celeba.how_to_get,
    ),
    "celeba-hq": Collection(
        "30,000 colour faces, square, of the size of your copy; no splits",
        (3, None, None),
        ("train",),
        False,
        celeba.open_celeba_hq,
        celeba.PLACES_HQ,
        celeba.how_to_get_hq,
    ),
    "imagenet": Collection(
        "ILSVRC 2012: 1,281,167 + 50,000 colour photographs of 1,000 classes, or the classes that are there; splits train, val",
        (3, None, None),
        imagenet.SPLITS,
        True,
        imagenet.open_imagenet,
        imagenet.PLACES,
        imagenet.how_to_get,
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
    "pairs": TwoSides(
        "your pairs for translation, the two images of a pair side by side in one file: PATH/SPLIT/*, in a folder or zip as above",
        "Set data.path to the folder, the zip, or the folder that holds SPLIT.zip, and data.source to the half that is the input.",
    ),
    "domains": TwoSides(
        "your images of two domains, unpaired: PATH/SPLIT/A/* and PATH/SPLIT/B/*, or PATH/trainA/* and PATH/trainB/*, likewise",
        "Set data.path to the folder, the zip, or the folder that holds SPLIT.zip, and data.domains to the names of both sides.",
    ),
}


def load(
    name: str,
    split: str = "train",
    *,
    path: str | Path | None = None,
    resize: int | None = None,
    classes: Sequence[str] | None = None,
    limit: int | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """One split of data set `name`, of one side. Every failure is a DataError that says what to do.

    path: for 'folder' and 'zip', where: absolute, or relative to GANZOO_DATA
    resize: side in pixels of the square that images are resized to, antialiased bilinear, proportions not kept
    classes: only the images of these classes, by name, labelled anew in the set's own order; before `limit`
    limit: only so many images: the first of a fixed shuffle, the same for everyone, kept in the set's own order
    cache: where decoded images are kept, instead of GANZOO_CACHE
    progress: called with (images done, images in all) while images are decoded
    """
    known = _known(name)
    if isinstance(known, TwoSides):
        raise DataError(f"data set '{name}' has two sides, expected one side. Use a model that translates images, or 'folder' or 'zip'.")
    check_size("resize", resize, LARGEST_SIDE)
    if path is not None and not isinstance(known, ImageFiles):
        raise DataError(f"data set '{name}' takes no path, got {str(path)!r}. Remove data.path, or use 'folder' or 'zip'.")
    if isinstance(known, Builtin):
        raw = _load_builtin(known, name, split, resize, classes)
    else:
        place = _place_of(known, name, split, path, classes)
        raw = load_image_files(known.open_source, place, split, resize, cache or cache_dir(), progress, classes)
    if limit is not None:
        raw = limited(raw, limit, f"data set '{name}' ({split})")

    from ganzoo.data.image_set import image_set  # torch is imported only where data is loaded

    return image_set(raw, name, split)


def _load_builtin(known: Builtin, name: str, split: str, resize: int | None, asked: Sequence[str] | None) -> RawSet:
    _check_split(name, split, SPLITS)
    if known.points and resize is not None:
        raise DataError(f"data set '{name}' holds points, not images, got resize {resize}. Remove data.resize.")
    raw = known.load(split)
    if known.stacked:  # resized before, as each digit is in many stacks
        raw = stack(_resized(raw, resize), split)
    if asked is not None:
        raw = classes.only(raw, asked, f"data set '{name}'")
    return raw if known.stacked else _resized(raw, resize)


def _resized(raw: RawSet, side: int | None) -> RawSet:
    return raw if side is None else raw_set(resized(raw.pixels, side), raw.labels, raw.classes)


def _place_of(known: Collection | ImageFiles, name: str, split: str, path: str | Path | None, asked: Sequence[str] | None) -> Path:
    """Where the image files are, once what can be refused without looking has been."""
    if isinstance(known, ImageFiles):
        check_split_folder(split)
        return find(None if path is None else str(path), name)
    _check_split(name, split, known.splits)
    if asked is not None and not known.labelled:
        raise DataError(f"data set '{name}' has no classes, got classes {asked!r}. Remove data.classes.")
    return located(known.paths, name, known.how_to_get())


def limited(raw: RawSet, limit: int, what: str) -> RawSet:
    """The first `limit` images of the fixed shuffle, in the set's own order, so that limit = N changes nothing."""
    count = len(raw.pixels)
    check_size("limit", limit, count, f" images, which is all that {what} has")
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
    pointed_at = isinstance(known, ImageFiles | TwoSides)
    if isinstance(known, Builtin):
        available, looked_in, how_to_get = known.is_available(), known.looked_in(), known.how_to_get()
    elif isinstance(known, Collection):
        looked_in = places(known.paths)
        available, how_to_get = any(os.access(place, os.R_OK) for place in looked_in), known.how_to_get()
    else:
        available, looked_in, how_to_get = True, search_roots(), known.how_to_get
    return {
        "name": name,
        "summary": known.summary,
        "needs_path": pointed_at,
        "splits": None if pointed_at else list(SPLITS if isinstance(known, Builtin) else known.splits),
        "shape": None if pointed_at else list(known.shape),
        "available": available,
        "looked_in": [str(place) for place in looked_in],
        "how_to_get": how_to_get,
    }


def _known(name: str) -> Builtin | Collection | ImageFiles | TwoSides:
    if name not in DATASETS:
        raise DataError(f"unknown data set '{name}'." + nearest(name, DATASETS))
    return DATASETS[name]


def _check_split(name: str, split: str, splits: tuple[str, ...]) -> None:
    if split not in splits:
        raise DataError(f"data set '{name}' has no split '{split}'." + nearest(split, splits))


def check_split_folder(split: str) -> None:
    """Where the user's own folders are the splits."""
    if not split or split.startswith(".") or "/" in split or "\0" in split:
        raise DataError(f"split {split!r} is not the name of a folder. Expected one such as 'train' or 'test'.")


def check_size(setting: str, value: int | None, largest: int, unit: str = "") -> None:
    if value is not None and not 1 <= value <= largest:
        raise DataError(f"{setting} is {value}, expected a whole number from 1 to {largest:,}{unit}.")
