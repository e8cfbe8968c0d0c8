"""The layouts of images for translation, decided on names alone, in a directory and inside a zip alike.

pairs      ROOT/train/0001.jpg   ROOT/train/pair/0001.jpg                one folder (no split folder: all of it is 'train')
domains    ROOT/train/cat/1.jpg  ROOT/train/dog/1.jpg                    two class folders
           ROOT/trainA/1.jpg     ROOT/trainB/1.jpg                       split and side in one name, as CycleGAN's sets have it
           ROOT/cat/1.jpg        ROOT/dog/1.jpg                          no splits: all of it is 'train'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from ganzoo.data.class_folders import SPLIT_NAMES, ClassFolders, check_is_image, is_litter
from ganzoo.errors import DataError, nearest

PAIRS_LAYOUT = "Expected SPLIT/image or SPLIT/FOLDER/image"
SPLIT_SIDES = {f"{split}{side}": side for split in SPLIT_NAMES for side in "AB"}  # 'trainA' → 'A'


def arrange_pairs(names: Iterable[str], split: str, where: str) -> ClassFolders:
    """The files of one split, in the order of their names, as one class. They lie in one folder: of two, each may be a side."""
    kept = [name for name in names if not is_litter(name)]
    start = f"{split}/"
    if not any(name.startswith(start) for name in kept):
        tops = _folders(kept, "")
        if tops & SPLIT_SIDES.keys():
            _refuse_sides(tops, "", where)
        if split != "train" or tops & SPLIT_NAMES:
            raise DataError(f"{where}: no split '{split}'. It holds: {', '.join(sorted(tops)) or 'no folders'}. {PAIRS_LAYOUT}.")
        start = ""
    holding = {name[len(start) :].rpartition("/")[0] for name in kept if name.startswith(start) and not name.endswith("/")}
    folders = {folder.split("/")[0] for folder in holding} - {""}
    if len(folders) > 1:
        _refuse_sides(folders, start, where)
    files = _images(kept, start, 1, where)
    if len(holding) > 1:
        (folder,) = folders
        raise DataError(f"{where}: pairs lie in {start or '.'!r} and in {start + folder!r}, expected one folder. Move them into one.")
    if not files:
        raise DataError(f"{where}: no pairs for split '{split}'. {PAIRS_LAYOUT}.")
    return ClassFolders(where, tuple(files), (0,) * len(files), ("pairs",))


def arrange_domains(names: Iterable[str], split: str, where: str, domains: Sequence[str]) -> ClassFolders:
    """The files of both sides, those of the first side first; the sides are the classes, in the order of `domains`."""
    kept = [name for name in names if not is_litter(name)]
    starts = [f"{split}/", split, *([""] if split == "train" else [])]
    held = {start: _folders(kept, start) for start in starts}
    start = next((start for start in starts if held[start] & set(domains)), None)
    if start is None:
        a, b = domains
        there = ", ".join(sorted(_folders(kept, f"{split}/") or _folders(kept, ""))) or "no folders"
        raise DataError(
            f"{where}: no side '{a}' or '{b}' of split '{split}'. It holds: {there}. "
            f"Expected {split}/{a}/* and {split}/{b}/*, or {split}{a}/* and {split}{b}/*; set data.domains to the names of both sides."
        )
    files: list[str] = []
    labels: list[int] = []
    for label, side in enumerate(domains):
        if side not in held[start]:
            raise DataError(f"{where}: no side '{side}' of data.domains: expected images in {start + side!r}." + nearest(side, held[start]))
        own = _images(kept, f"{start}{side}/", 0, where)
        if not own:
            raise DataError(f"{where}: side '{side}' is empty: {start + side!r} holds no image. Fill it, or name another in data.domains.")
        files += own
        labels += [label] * len(own)
    return ClassFolders(where, tuple(files), tuple(labels), tuple(domains))


def _refuse_sides(folders: set[str], start: str, where: str) -> NoReturn:
    """For images in folders that are sides by their names, or may be, whatever the images look like."""
    sides = sorted({SPLIT_SIDES.get(folder, folder) for folder in folders})
    remedy = f"data.domains: [{', '.join(sides)}]" if len(sides) == 2 else "data.domains: [..], the names of both"
    raise DataError(
        f"{where}: images for pairs lie in {', '.join(repr(start + folder) for folder in sorted(folders))}, expected one folder, "
        f"with both halves in every file. For two sides use data set 'domains' with {remedy}; pairs move into one folder."
    )


def _folders(names: list[str], start: str) -> set[str]:
    """What follows `start` in the names of folders: 'train' finds the sides A and B of trainA/ and trainB/."""
    rest = (name[len(start) :] for name in names if name.startswith(start))
    return {name.split("/")[0] for name in rest if "/" in name} - {""}


def _images(names: list[str], start: str, depth: int, where: str) -> list[str]:
    """The image files below `start`, at most `depth` folders further down, in the order of their names."""
    files = []
    for name in sorted(names):
        if not name.startswith(start) or name == start:
            continue
        if name[len(start) :].count("/") > depth:
            raise DataError(
                f"{where}: {name!r} lies deeper than images may below {start or '.'!r}. Move the files up, or point data.path there."
            )
        if not name.endswith("/"):
            check_is_image(name, where)
            files.append(name)
    return files
