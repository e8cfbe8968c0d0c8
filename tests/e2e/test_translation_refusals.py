"""`ganzoo run` on images that are no pairs or no two sides, and on models for other data: told at once, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

LATENT = {"dim": 1, "dist": "normal"}
PIX2PIX, CYCLEGAN = {"name": "pix2pix", "width": 1, "latent": LATENT}, {"name": "cyclegan", "width": 1, "blocks": 0, "latent": LATENT}
MLP = {"name": "mlp-gan", "latent": LATENT, "hidden_g": [8], "hidden_d": [8]}
SCALED = {"resize": 64, "holdout": 14}
PAIRS = {"name": "pairs", "path": "set", **SCALED}
DOMAINS = {"name": "domains", "path": "set", "domains": ["A", "B"], **SCALED}
UNSCALED = {"resize": None, "holdout": 14}
SQUARE, PAIR = (64, 64), (128, 64)  # width, height

# what is wrong: (model, data, folder → sizes of its last images after 24 good ones, or None for an empty folder, what is said)
REFUSED = {
    "odd width": (PIX2PIX, PAIRS, {"train": [(127, 64)]}, "'train/24.png' is 127x64: a width of 127 pixels cannot be halved"),
    "halves that are not squares": (
        PIX2PIX,
        PAIRS,
        {"train": [(96, 64)]},
        "'train/24.png' is 96x64: its halves would be 48x64, not square",
    ),
    "pairs of mixed sizes": (PIX2PIX, PAIRS | UNSCALED, {"train": [(64, 32)]}, "'train/24.png' is 64x32"),
    "sides of mixed sizes": (CYCLEGAN, DOMAINS | UNSCALED, {"trainA": [], "trainB": [(32, 32)]}, "'trainB/24.png' is 32x32"),
    "empty side": (CYCLEGAN, DOMAINS, {"trainA": [], "trainB": None}, "side 'B' is empty: 'trainB' holds no image"),
    "missing domain": (CYCLEGAN, DOMAINS, {"trainA": []}, "no side 'B' of data.domains: expected images in 'trainB'"),
    "two sides given as pairs": (PIX2PIX, PAIRS, {"trainA": [], "trainB": []}, "use data set 'domains' with data.domains: [A, B]"),
    "classes given as pairs": (PIX2PIX, PAIRS, {"train/cat": [], "train/dog": []}, "data.domains: [cat, dog]"),
    "generation on pairs": (MLP, PAIRS, {"train": []}, "model 'mlp-gan' is for a data set of one side, not for 'pairs'"),
    "translation on digits": (PIX2PIX, {"name": "digits"}, {}, "model 'pix2pix' is for data set 'pairs', not for 'digits'"),
    "unpaired on pairs": (CYCLEGAN, PAIRS, {"train": []}, "model 'cyclegan' is for data set 'domains', not for 'pairs'"),
}


def write_images(folder: Path, sizes: Iterable[tuple[int, int]]) -> None:
    folder.mkdir(parents=True)
    for i, (width, height) in enumerate(sizes):
        Image.fromarray(np.full((height, width, 3), i, np.uint8)).save(folder / f"{i:02d}.png")


def everything_in(folder: Path) -> dict[Path, bytes | None]:
    """Folders and files with their bytes. Of the cache only its entries: the empty lock of one that was not made may stay."""
    found = {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
    cache = folder / "cache"
    locks = {path for path, content in found.items() if path.is_relative_to(cache) and (path.suffix, content) == (".lock", b"")}
    return {path: content for path, content in found.items() if path not in {cache, cache / "images"} | locks}


@pytest.fixture
def prepare(edit, tmp_path, monkeypatch):
    """prepare(model, data, folders): the project's spec translates these images with one case and one seed."""
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "data"))

    def write(model: dict, data: dict, folders: dict) -> None:
        good = PAIR if data["name"] == "pairs" else SQUARE
        for folder, last in folders.items():
            write_images(tmp_path / "data" / "set" / folder, [] if last is None else [*[good] * 24, *last])
        changes = {
            "model": model, "data": data, "recipe": {"order": "g-first"}, "train": {"batch_size": 2, "epochs": 1, "max_steps": 1},
            "eval": {"protocol": "images64-cnn", "num_select": 3},
        }  # fmt: skip

        def translating(spec: dict) -> None:
            spec["base"].update(changes)
            spec["sources"]["recipe"] = {"assumed": "a test"}
            spec.update(cases={"base": {}}, claims=[], seeds=[0])

        edit(translating)

    return write


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_cannot_be_translated_is_told_before_anything_is_written(ganzoo, prepare, tmp_path, wrong):
    model, data, folders, says = REFUSED[wrong]
    prepare(model, data, folders)
    before = everything_in(tmp_path)
    said = ganzoo("run", "tiny", "--threads", "1", "--results", tmp_path / "results", "--out", tmp_path / "pages")
    assert (said.code, said.out) == (2, "") and says in said.err, said
    assert said.err.startswith("ganzoo: ") and len(said.err.splitlines()) == 1
    assert everything_in(tmp_path) == before, "neither records nor pages nor decoded images"
