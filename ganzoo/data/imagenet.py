"""ImageNet (ILSVRC 2012) from its class folders, named by WordNet ids; all thousand classes, or those that are there.

    <data folder>/imagenet/train/n02085620/*.JPEG
    <data folder>/ILSVRC/Data/CLS-LOC/train/n02085620/*.JPEG       as in the archive of the localisation task

'val' is the folder beside 'train', sorted into class folders likewise. Images have many sizes: set data.resize.
No single digest is published for the files, and a subset is a usual thing to have: what identifies a set is the digest of its pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ganzoo.data.class_folders import ClassFolders, Source, arrange
from ganzoo.data.folder import open_folder
from ganzoo.data.roots import check_stays_below
from ganzoo.errors import DataError

PLACES = ("imagenet/train", "ILSVRC/Data/CLS-LOC/train")
SPLITS = ("train", "val")
WNID = re.compile(r"n\d{8}")
DEPTH = 2  # CLASS/image


@contextmanager
def open_imagenet(train: Path, split: str, classes: Sequence[str] | None = None) -> Iterator[Source]:
    """The images of one split, of these classes (None: all). `train`: the folder of the training images."""
    root = train.parent / split
    if not root.is_dir():
        raise DataError(f"data set 'imagenet' has no split '{split}' here: {root} is no folder. Expected class folders in it.")
    if split != "train":  # where `train` itself lies has been checked
        check_stays_below(train.parent.resolve(), root)
    with open_folder(root, "train", classes, arranged=_arrange, depth=DEPTH) as source:  # the class folders lie at its top
        yield source


def how_to_get() -> str:
    return (
        "Get ILSVRC2012_img_train.tar from https://image-net.org/challenges/LSVRC/2012 (after registration), unpack it and the tar of "
        f"each class into a folder of its name, and put them into GANZOO_DATA/{PLACES[0]}/ (or GANZOO_DATA/{PLACES[1]}/). Only the "
        "classes of data.classes are needed."
    )


def _arrange(names: Iterable[str], split: str, where: str) -> ClassFolders:
    found = arrange(names, split, where)
    if strange := next((name for name in found.classes if not WNID.fullmatch(name)), None):
        raise DataError(
            f"{where}: the folder {strange!r} is no class of ImageNet. Expected WordNet ids such as n02085620; else use 'folder'."
        )
    return found
