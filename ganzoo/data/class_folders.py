"""The layout of image collections: one folder per class, below a folder per split where there are several.

    ROOT/train/frog/0001.jpg        ROOT/frog/0001.jpg
    ROOT/test/frog/0002.jpg         (no splits: all of it is 'train')

The same layout holds in a directory and inside a zip, so it is decided here once, on names alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ganzoo.data.classes import positions
from ganzoo.errors import DataError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".webp", ".tif", ".tiff"})
LITTER = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})  # what desktops leave behind; names with a leading dot too
LARGEST_FILE = 256 * 2**20  # bytes of one image file, unpacked
LAYOUT = "Expected SPLIT/CLASS/image or CLASS/image"
SPLIT_NAMES = frozenset({"train", "test", "val", "valid", "validation"})  # what folders of splits are usually called


@dataclass(frozen=True)
class ClassFolders:
    """The image files of one split, ordered by class and then by name."""

    where: str  # the folder or zip, for messages
    files: tuple[str, ...]  # names relative to `where`, with '/' between parts
    labels: tuple[int, ...]  # index into `classes`, per file
    classes: tuple[str, ...]  # the class folders of this split, sorted


Arrange = Callable[[Iterable[str], str, str], ClassFolders]  # (names, split, where)


@dataclass(frozen=True)
class Source:
    """Image files that can be read: the layout, a key that changes whenever the content may have, and the way to a file's bytes."""

    folders: ClassFolders
    key: str
    read: Callable[[str], bytes]
    size: tuple[int, int] | None = None  # (width, height) that every image must have, where the set says so
    halves: bool = False  # every file is two images of one size, side by side


def arrange(names: Iterable[str], split: str, where: str) -> ClassFolders:
    """Finds the split and its classes among `names`: files relative to the root, folders likewise with a '/' at the end."""
    parts = sorted(_parts(name) for name in names if not is_litter(name))
    start = _split_folder(parts, split, where)
    inside = [name[len(start) :] for name in parts if name[: len(start)] == start and len(name) > len(start)]
    classes = tuple(sorted({name[0] for name in inside if len(name) > 1}))
    label_of = {name: label for label, name in enumerate(classes)}
    files, labels = [], []
    for name in inside:
        if len(name) == 1 or name[1] == "":  # a file beside the class folders, such as a README; or a class folder itself
            continue
        full = "/".join(start + name)
        if len(name) > 2:
            raise DataError(f"{where}: {full!r} lies deeper than a class folder. {LAYOUT}, without further folders.")
        check_is_image(full, where)
        files.append(full)
        labels.append(label_of[name[0]])
    if not files:
        raise DataError(f"{where}: no images for split '{split}'. {LAYOUT}.")
    for label in sorted(set(range(len(classes))) - set(labels)):
        raise DataError(f"{where}: class folder {'/'.join((*start, classes[label]))!r} holds no image. Fill or remove it.")
    return ClassFolders(where, tuple(files), tuple(labels), classes)


def restricted(folders: ClassFolders, classes: Sequence[str] | None) -> ClassFolders:
    """Only the files of these classes, labelled anew in the set's own order; None: all. The other files are not looked at again."""
    if classes is None:
        return folders
    kept = positions(classes, folders.classes, folders.where)
    label_of = {old: new for new, old in enumerate(kept)}
    rows = [(file, label_of[label]) for file, label in zip(folders.files, folders.labels, strict=True) if label in label_of]
    files, labels = zip(*rows, strict=True)
    return ClassFolders(folders.where, files, labels, tuple(folders.classes[i] for i in kept))


def arrange_loose(names: Iterable[str], split: str, where: str) -> ClassFolders:
    """Every image file among `names` below the folder `split` ('': all), at whatever depth, in the order of their names; one class."""
    start = f"{split}/" if split else ""
    files = sorted(name for name in names if name.startswith(start) and not name.endswith("/") and not is_litter(name))
    for name in files:
        check_is_image(name, where)
    if not files:
        raise DataError(f"{where}: no images{f' below {split!r}' if split else ''}. Expected files of {' '.join(sorted(EXTENSIONS))}.")
    splits = sorted({name.split("/", 1)[0] for name in files} & SPLIT_NAMES)
    if not split and len(splits) > 1:
        raise DataError(f"{where}: it holds the splits {', '.join(splits)}. Name one of them: {where}/{splits[0]}.")
    return ClassFolders(where, tuple(files), (0,) * len(files), ("images",))


def _parts(name: str) -> tuple[str, ...]:
    """'train/frog/1.jpg' → ('train', 'frog', '1.jpg'); a folder ends in an empty part: 'frog/' → ('frog', '')."""
    return tuple(name.split("/"))


def check_is_image(name: str, where: str) -> None:
    """By its name alone; what is in it, decoding finds out."""
    if PurePosixPath(name).suffix.lower() not in EXTENSIONS:
        raise DataError(f"{where}: {name!r} is not an image file. Remove it, or expected one of {' '.join(sorted(EXTENSIONS))}.")


def is_litter(name: str) -> bool:
    return any(part in LITTER or part.startswith(".") for part in name.split("/"))


def _split_folder(parts: list[tuple[str, ...]], split: str, where: str) -> tuple[str, ...]:
    """The folder that holds the classes of `split`: ('train',), or () where there are no split folders.

    A folder that holds folders is a split; a folder that holds files is a class, even if it is called 'train'.
    """
    splits = sorted({name[0] for name in parts if len(name) > 2})
    if split in splits:
        return (split,)
    if splits:
        raise DataError(f"{where}: no split '{split}'. It holds: {', '.join(splits)}. {LAYOUT}.")
    if split != "train":  # handing out the training images under another name would be worse than stopping
        raise DataError(f"{where}: no split '{split}'. It has no split folders, so all of it counts as 'train'. {LAYOUT}.")
    return ()
