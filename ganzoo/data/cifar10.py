"""CIFAR-10 from its binary version, unpacked or inside its archive, each file checked against its published MD5.

    <data folder>/cifar-10-batches-bin/data_batch_1.bin … data_batch_5.bin, test_batch.bin
    <data folder>/cifar-10-binary.tar.gz         (the same files; read in place)

A row is one byte of label and 3,072 of pixels, the red, green and blue plane of 32x32. The python version is a set of pickles,
which can run code when they are read: it is never opened. Nothing is written into the data folder; a download happens only
where GANZOO_DOWNLOAD=1 allows it, and goes into the cache.

MD5: of the archive, https://www.cs.toronto.edu/~kriz/cifar.html; of its files, as several independent projects that use them agree.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganzoo.data.raw_set import RawSet, raw_set
from ganzoo.data.roots import download_root, looked_in, places
from ganzoo.errors import DataError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER, ARCHIVE = "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
PICKLES = ("cifar-10-batches-py", "cifar-10-python.tar.gz")
FILES = {"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test": ("test_batch.bin",)}
MD5 = {
    ARCHIVE: "c32a1d4ab5d03f1284b67883e8d87530",
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
ROWS = 10_000  # images of one file
IMAGE = (3, 32, 32)
ROW = 1 + 3 * 32 * 32  # bytes
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
DOWNLOAD = "GANZOO_DOWNLOAD"
REPLACE = "Replace it with the original file."


def load_cifar10(split: str) -> RawSet:
    """One split, uint8 (N, 3, 32, 32): 50,000 train or 10,000 test images, in the published order."""
    place = _place()
    if place is None and os.environ.get(DOWNLOAD) == "1":
        place = _download()
    if place is None:
        raise DataError(f"data set 'cifar10' not found. Looked in: {looked_in(looked_at())}. {_what_is_there()}{how_to_get()}")
    names = FILES[split]
    pixels = np.empty((len(names) * ROWS, *IMAGE), dtype=np.uint8)
    labels = np.empty(len(pixels), dtype=np.int64)
    for name, content in (_in_archive if place.suffix == ".gz" else _in_folder)(place, names):
        start = names.index(name) * ROWS
        rows = _rows(content, name, place)
        labels[start : start + ROWS] = rows[:, 0]
        pixels[start : start + ROWS] = rows[:, 1:].reshape(-1, *IMAGE)
    return raw_set(pixels, labels, CLASSES)


def looked_at() -> list[Path]:
    return places((FOLDER, ARCHIVE))


def is_available() -> bool:
    return _place() is not None


def how_to_get() -> str:
    return (
        f"Ways to get it: put the binary version, {URL} (MD5 {MD5[ARCHIVE]}), into GANZOO_DATA, as {ARCHIVE} or unpacked as {FOLDER}/; "
        f"or set {DOWNLOAD}=1 to let torchvision download it into {download_root()}."
    )


def _place() -> Path | None:
    """The first folder that holds all files, or archive. One place for both splits, so that they never come from different copies."""
    return next((place for place in looked_at() if os.access(place, os.R_OK) and (place.is_file() or not _missing(place))), None)


def _missing(folder: Path) -> list[str]:
    return [name for names in FILES.values() for name in names if not os.access(folder / name, os.R_OK)]


def _what_is_there() -> str:
    """What to say of an unpacked folder that lacks files, and of the python version."""
    said = [f"{place} lacks {', '.join(_missing(place))}. " for place in places([FOLDER]) if os.access(place, os.R_OK)]
    if found := next((place for place in places(PICKLES) if os.access(place, os.F_OK)), None):
        said.append(f"{found} is the python version: its files are pickles, which can run code when read, so they are not opened. ")
    return "".join(said)


def _rows(content: bytes, name: str, place: Path) -> np.ndarray:
    """The bytes of one file, checked, as uint8 (ROWS, ROW)."""
    if len(content) != ROWS * ROW:
        size = f"it holds {len(content):,} bytes, expected {ROWS * ROW:,}: {ROWS:,} rows of {ROW:,}"
        raise DataError(f"{name} in {place} is truncated or padded: {size}. {REPLACE}")
    rows = np.frombuffer(content, dtype=np.uint8).reshape(ROWS, ROW)
    wrong = np.flatnonzero(rows[:, 0] >= len(CLASSES))
    if len(wrong):
        raise DataError(f"{name} in {place}: row {wrong[0]:,} has label {rows[wrong[0], 0]}, expected 0 to {len(CLASSES) - 1}. {REPLACE}")
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != MD5[name]:
        raise DataError(f"{name} in {place} is not the published file: MD5 {found}, expected {MD5[name]}. {REPLACE}")
    return rows


def _in_folder(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        with _opened(folder / name) as file:
            yield name, file.read(ROWS * ROW + 1)


def _in_archive(path: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """The files inside the archive. Its own digest comes first, so that nothing but the published one is unpacked."""
    with _opened(path) as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if found != MD5[ARCHIVE]:
            size = f"{os.fstat(file.fileno()).st_size:,} bytes, MD5 {found}"
            raise DataError(f"{path} is not the published archive: {size}, expected MD5 {MD5[ARCHIVE]}. {REPLACE}")
        file.seek(0)
        seen: set[str] = set()
        try:
            with tarfile.open(fileobj=file, mode="r|gz") as archive:  # a stream: one pass, nothing is extracted
                for member in archive:
                    name = member.name.removeprefix(f"{FOLDER}/")
                    if name == member.name or name not in names:
                        continue
                    _check(member, name, seen, path)
                    yield name, archive.extractfile(member).read(ROWS * ROW + 1)
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is not a readable archive: {error}. {REPLACE}") from None
    if missing := [name for name in names if name not in seen]:
        raise DataError(f"{path} has no {FOLDER}/{missing[0]}. {REPLACE}")


def _check(member: tarfile.TarInfo, name: str, seen: set[str], path: Path) -> None:
    if not member.isfile():
        raise DataError(f"{path}: {member.name!r} is no plain file. {REPLACE}")
    if name in seen:
        raise DataError(f"{path}: {member.name!r} occurs twice. {REPLACE}")
    if member.size != ROWS * ROW:
        raise DataError(f"{path}: {member.name!r} unpacks to {member.size:,} bytes, expected {ROWS * ROW:,}. {REPLACE}")
    seen.add(name)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a named pipe would wait for ever
            raise DataError(f"{path} is not a regular file. {REPLACE}")
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}. {REPLACE}") from None
    with file:
        yield file


def _download() -> Path:
    """The archive through torchvision, into a scratch folder first, so that an interrupted download leaves nothing behind."""
    from torchvision.datasets.utils import download_url

    root = download_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".cifar10-", dir=root) as scratch:
            download_url(URL, scratch, ARCHIVE, MD5[ARCHIVE])
            (Path(scratch) / ARCHIVE).replace(root / ARCHIVE)
    except (OSError, RuntimeError) as error:  # torchvision: URLError is an OSError, a wrong checksum a RuntimeError
        raise DataError(f"data set 'cifar10' could not be downloaded into {root}: {error}. {how_to_get()}") from None
    return root / ARCHIVE
