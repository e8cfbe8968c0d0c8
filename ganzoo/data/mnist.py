"""MNIST from the four IDX files in torchvision's layout, `<data folder>/MNIST/raw/`, each checked against its published MD5.

Nothing is written into the data folder. A download happens only where GANZOO_DOWNLOAD=1 allows it, and goes into the cache.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from ganzoo.data.idx import read_idx
from ganzoo.data.raw_set import RawSet, raw_set
from ganzoo.data.roots import download_root, looked_in, search_roots
from ganzoo.errors import DataError

CLASSES = tuple("0123456789")
FOLDER = Path("MNIST") / "raw"
PREFIX = {"train": "train", "test": "t10k"}
MD5 = {  # of the unpacked files, as published with the data set
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
DOWNLOAD = "GANZOO_DOWNLOAD"
REPLACE = "Replace it with the original file."


def load_mnist(split: str) -> RawSet:
    """One split, uint8 (N, 1, 28, 28): 60,000 train or 10,000 test images, in the published order."""
    folder = _folder(split)
    if folder is None and os.environ.get(DOWNLOAD) == "1":
        folder = _download()
    if folder is None:
        raise DataError(f"data set 'mnist' ({split}) not found. Looked in: {looked_in(places())}. {how_to_get()}")
    images_name, labels_name = _names(split)
    images = read_idx(_file(folder, images_name), 3, MD5[images_name], REPLACE)
    labels = read_idx(_file(folder, labels_name), 1, MD5[labels_name], REPLACE)
    if len(images) != len(labels):
        raise DataError(f"{folder}: {len(images):,} images but {len(labels):,} labels for split '{split}'. {REPLACE}")
    return raw_set(images[:, None], labels.astype(np.int64), CLASSES)


def places() -> list[Path]:
    return [root / FOLDER for root in search_roots()]


def is_available() -> bool:
    return all(_folder(split) is not None for split in PREFIX)


def how_to_get() -> str:
    files = ", ".join(MD5)
    return (
        f"Ways to get it: set GANZOO_DATA to a folder that holds {FOLDER}/ with {files} (plain or .gz, as torchvision stores them); "
        f"or set {DOWNLOAD}=1 to let torchvision download it into {download_root()}."
    )


def _names(split: str) -> tuple[str, str]:
    return f"{PREFIX[split]}-images-idx3-ubyte", f"{PREFIX[split]}-labels-idx1-ubyte"


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if os.access(path, os.R_OK)), None)


def _folder(split: str) -> Path | None:
    """The first place that holds both files of the split."""
    return next((place for place in places() if all(_file(place, name) for name in _names(split))), None)


def _download() -> Path:
    """Both splits through torchvision, into a scratch folder first, so that an interrupted download leaves nothing behind."""
    from torchvision.datasets import MNIST

    root = download_root()
    target = root / FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".mnist-", dir=root) as scratch:
            MNIST(scratch, download=True)
            for name in MD5:
                (Path(scratch) / FOLDER / name).replace(target / name)
    except (OSError, RuntimeError) as error:  # torchvision: URLError is an OSError, a wrong checksum a RuntimeError
        raise DataError(f"data set 'mnist' could not be downloaded into {root}: {error}. {how_to_get()}") from None
    return target
