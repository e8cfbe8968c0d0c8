"""Class folders inside a zip, read in place without unpacking."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ganzoo.data.class_folders import LARGEST_FILE, Arrange, Source, arrange, restricted
from ganzoo.data.roots import check_stays_below
from ganzoo.errors import DataError

LARGEST_RATIO = 200  # unpacked to packed size; images hardly compress further, a bomb does
RATIO_FROM = 2**20  # bytes unpacked from which the ratio is looked at: a small flat bitmap is no bomb
ENCRYPTED = 0x1  # general purpose bit 0


@contextmanager
def open_zip(path: Path, split: str, classes: Sequence[str] | None = None, *, arranged: Arrange = arrange) -> Iterator[Source]:
    """The images of one split, of these classes (None: all), in the zip `path`, or in `path`/SPLIT.zip where `path` is a folder."""
    if path.is_dir():
        path = _zip_of_split(path, split)
    try:
        with path.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()
            with zipfile.ZipFile(file) as archive:
                for entry in archive.infolist():
                    _check(entry, path)
                names = archive.namelist()
                if len(set(names)) < len(names):
                    twice = next(name for name in names if names.count(name) > 1)
                    raise DataError(f"{path}: the entry {twice!r} occurs twice. Expected every name once.")
                yield Source(restricted(arranged(names, split, str(path)), classes), f"zip:{key}", archive.read)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"{path} is not a readable zip file: {error}") from None


def _zip_of_split(folder: Path, split: str) -> Path:
    path = folder / f"{split}.zip"
    if not path.is_file():
        others = ", ".join(sorted(entry.name for entry in folder.glob("*.zip"))) or "no zip file"
        raise DataError(f"{path} not found for split '{split}'. The folder holds: {others}. For images in a folder, use data set 'folder'.")
    check_stays_below(folder, path)
    return path


def _check(entry: zipfile.ZipInfo, path: Path) -> None:
    """Refuses entries that no honest pack of images has; nothing is unpacked to disk, but a name may end up in a path elsewhere."""
    name = entry.filename
    if name.startswith("/") or "\\" in name or ":" in name.split("/")[0] or ".." in name.split("/"):
        raise DataError(f"{path}: the entry {name!r} leaves the folder. Expected relative names without '..'.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DataError(f"{path}: the entry {name!r} is a link. Expected plain files.")
    if entry.flag_bits & ENCRYPTED:
        raise DataError(f"{path}: the entry {name!r} is encrypted. Expected a zip without a password.")
    if entry.file_size > LARGEST_FILE:
        raise DataError(f"{path}: the entry {name!r} unpacks to {entry.file_size:,} bytes, an image at most {LARGEST_FILE:,}.")
    if entry.file_size > RATIO_FROM and entry.file_size > LARGEST_RATIO * entry.compress_size:
        raise DataError(f"{path}: the entry {name!r} unpacks to more than {LARGEST_RATIO} times its packed size, as no image does.")
