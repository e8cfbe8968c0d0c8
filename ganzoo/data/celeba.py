"""CelebA and CelebA-HQ: faces without classes, from the files that their authors publish.

    <data folder>/celeba/img_align_celeba/000001.jpg …     or celeba/img_align_celeba.zip
    <data folder>/celeba/list_eval_partition.txt           the official split
    <data folder>/celeba-hq/*                              or celeba_hq/; no official split

CelebA's aligned images are 178x218. `resize` squeezes them to squares, as torchvision's Resize((side, side)) does; nothing is cropped.
Copies of CelebA-HQ come in several sizes (1024, 512, 256, 128), so only their number is checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from ganzoo.data.class_folders import ClassFolders, Source, arrange_loose
from ganzoo.data.folder import open_folder
from ganzoo.data.roots import check_stays_below
from ganzoo.data.zip_file import open_zip
from ganzoo.errors import DataError

IMAGES, ZIP, PARTITION = "img_align_celeba", "img_align_celeba.zip", "list_eval_partition.txt"
PLACES = (f"celeba/{IMAGES}", f"celeba/{ZIP}")
PLACES_HQ = ("celeba-hq", "celeba_hq")
SPLITS = ("train", "valid", "test", "all")  # by their numbers in the partition; 'all' pays it no heed
SIZE = (178, 218)  # width, height
COUNT, COUNT_HQ = 202_599, 30_000
PARTITION_MD5 = "d32c9cbf5e040fd4025c592c306e6668"  # as torchvision lists it
LARGEST_PARTITION = 16 * 2**20  # bytes; the published file has less than 4 MiB
DEPTH = 2  # packs hold the images in one more folder of the same name
REPLACE = "Replace it with the original file."


@contextmanager
def open_celeba(place: Path, split: str, classes: Sequence[str] | None = None) -> Iterator[Source]:
    """The images of one split. Without a partition file all of them are 'train', as in a folder that has no split folders."""
    number_of = _partition(place.parent / PARTITION)
    if number_of is None and split in ("valid", "test"):
        raise DataError(f"{place}: no split '{split}' without {PARTITION}. Put that file into {place.parent}, or use split 'all'.")
    arranged = partial(_arrange, count=COUNT, chosen=split, number_of=None if split == "all" else number_of)
    opened = (
        open_folder(place, "", classes, arranged=arranged, depth=DEPTH)
        if place.is_dir()
        else open_zip(place, "", classes, arranged=arranged)
    )
    with opened as source:
        yield replace(source, size=SIZE)


@contextmanager
def open_celeba_hq(place: Path, split: str, classes: Sequence[str] | None = None) -> Iterator[Source]:
    """All images: the set has no official split, so that all of it is 'train'."""
    with open_folder(place, "", classes, arranged=partial(_arrange, count=COUNT_HQ, chosen=split), depth=DEPTH) as source:
        yield source


def how_to_get() -> str:
    return (
        f"Get {ZIP} (aligned and cropped images) and {PARTITION} from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, and put both "
        f"into GANZOO_DATA/celeba/; the zip may also be unpacked there, as {IMAGES}/."
    )


def how_to_get_hq() -> str:
    return (
        "Get the 30,000 images of CelebA-HQ (https://github.com/tkarras/progressive_growing_of_gans) as JPEG or PNG files of one size, "
        f"and put them into GANZOO_DATA/{PLACES_HQ[0]}/."
    )


def _arrange(names, split: str, where: str, *, count: int, chosen: str, number_of: dict[str, int] | None = None) -> ClassFolders:
    """The images of the split `chosen`, in the order of their names, once their number has been checked."""
    found = arrange_loose(names, split, where)
    if len(found.files) != count:
        raise DataError(f"{where} holds {len(found.files):,} images, expected the published {count:,}. For a part, use data set 'folder'.")
    if number_of is None:
        return found
    if strange := next((name for name in found.files if PurePosixPath(name).name not in number_of), None):
        raise DataError(f"{where}: {strange!r} is not in {PARTITION}. Remove it, or leave that file out and use split 'all'.")
    files = tuple(name for name in found.files if number_of[PurePosixPath(name).name] == SPLITS.index(chosen))
    if not files:
        raise DataError(f"{where}: {PARTITION} puts no image into split '{chosen}'. {REPLACE}")
    return ClassFolders(where, files, (0,) * len(files), found.classes)


def _partition(path: Path) -> dict[str, int] | None:
    """Image name → 0 (train), 1 (valid) or 2 (test), from lines such as '000001.jpg 0'; None where there is no such file."""
    if not path.exists() and not path.is_symlink():
        return None
    try:
        check_stays_below(path.parent.resolve(), path)
        if not path.is_file():
            raise DataError(f"{path} is not a regular file. {REPLACE}")
        with path.open("rb") as file:
            content = file.read(LARGEST_PARTITION + 1)
        lines = content.decode("ascii").splitlines()
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}. {REPLACE}") from None
    number_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        name, _, split = line.partition(" ")
        if split.strip() not in ("0", "1", "2") or name in number_of:
            raise DataError(f"{path}, line {number:,}: {line[:80]!r}, expected an image's name, once, and 0, 1 or 2. {REPLACE}")
        number_of[name] = int(split)
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != PARTITION_MD5:
        raise DataError(f"{path} is not the published file: MD5 {found}, expected {PARTITION_MD5}. {REPLACE}")
    return number_of
