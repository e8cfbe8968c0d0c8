"""`ganzoo evaluate` from outside: every kind of input, what it prints, how it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo import data

METRICS = ["frechet", "kid", "is", "is_split_std", "precision", "recall", "density", "coverage", "modes", "entropy"]
COUNT = 90  # images in the files


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a run of the quickstart at its smallest scale, and the same 90 digits as files of every kind."""
    root = tmp_path_factory.mktemp("place")
    command = [sys.executable, "-m", "ganzoo.cli", "run", "quickstart/narrow", "--tier", "smoke", "--seeds", "1", "--threads", "1"]
    env = {**os.environ, "GANZOO_CACHE": str(root / "cache")}
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240, env=env)
    assert done.returncode == 0, done.stderr
    digits = data.load("digits", "test").images[:COUNT, 0].numpy()
    (root / "png").mkdir()
    with zipfile.ZipFile(root / "pack.zip", "w") as archive:
        for i, pixels in enumerate(digits):
            path = root / "png" / f"{i:02}.png"
            Image.fromarray(pixels).save(path)
            archive.write(path, f"some/{path.name}")
    np.savez(root / "images.npz", images=digits[:, None], labels=np.zeros(COUNT, int))
    np.save(root / "images.npy", digits[..., None])
    np.savez(root / "floats.npz", digits[:, None] / 255)
    np.save(root / "nine.npy", digits[:9, None])
    np.save(root / "large.npy", digits.repeat(2, 1).repeat(2, 2)[:, None])
    np.save(root / "colour.npy", np.random.RandomState(0).randint(0, 256, (70, 32, 32, 3), dtype=np.uint8))
    (root / "notes.txt").write_text("no images")
    return root


@pytest.fixture
def here(place, monkeypatch) -> Path:
    monkeypatch.chdir(place)
    for variable in ("GANZOO_DATA", "GANZOO_DOWNLOAD", "GANZOO_WEIGHTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GANZOO_CACHE", str(place / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(place / "cache"))
    return place


@pytest.fixture
def run(here) -> Path:
    """The folder of the one run."""
    (record,) = here.glob("results/quickstart/narrow/*/record.json")
    return record.parent.relative_to(here)


@pytest.fixture
def measured(ganzoo, here):
    """measured("--fake", ...) → what --json prints, nothing beside it."""

    def call(*arguments: object) -> dict:
        said = ganzoo("evaluate", *arguments, "--json")
        assert (said.code, said.err) == (0, "")
        return json.loads(said.out)

    return call


def files_of(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file() and "cache" not in path.parts}


# what is measured


def test_json_has_the_documented_keys(measured):
    told = measured("--fake", "digits:test", "--protocol", "digits-cnn")
    assert {"protocol", "real", "fake", "metrics", "warnings"} <= told.keys() and "steps" not in told
    assert list(told["protocol"]) == ["name", "hash", "fields", "labels"] and told["protocol"]["fields"]["num_fake"] == 360
    assert (told["real"]["name"], told["real"]["split"], told["real"]["count"]) == ("digits", "train", 1437)
    assert {"path", "digest", "count", "samples_seed"} <= told["fake"].keys() and told["fake"]["count"] == 360
    assert list(told["metrics"]) == METRICS and told["metrics"]["modes"] == 10
    assert {"code", "message"} == told["warnings"][0].keys() and told["warnings"][0]["code"] == "fewer-fakes"


def test_the_same_images_give_the_same_numbers_however_they_are_kept(measured):
    found = [measured("--fake", path, "--protocol", "digits-cnn") for path in ("png", "pack.zip", "images.npz", "images.npy")]
    assert all(one["metrics"] == found[0]["metrics"] and one["fake"]["digest"] == found[0]["fake"]["digest"] for one in found)
    assert len({one["protocol"]["hash"] for one in found}) == 1


def test_twice_the_same(measured, run):
    for fake in ("png", run):
        once, again = (measured("--fake", fake, "--protocol", "digits-cnn", "--num-fake", 50) for _ in range(2))
        assert once["made"].pop("when") <= again["made"].pop("when")
        assert once == again
        other = measured("--fake", fake, "--protocol", "digits-cnn", "--num-fake", 50, "--seed", 7)
        assert other["metrics"] != once["metrics"] and other["protocol"] == once["protocol"]


def test_in_a_process_of_its_own(here, measured):
    command = [sys.executable, "-m", "ganzoo.cli", "evaluate", "--fake", "png", "--protocol", "digits-cnn", "--json"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["metrics"] == pytest.approx(measured("--fake", "png", "--protocol", "digits-cnn")["metrics"], rel=1e-6)


def test_a_run_gives_the_numbers_of_its_record_again(measured, run):
    record = json.loads((run / "record.json").read_text())
    last, count = record["evaluations"][-1], record["protocol"]["fields"]["num_fake"]
    told = measured("--fake", run, "--protocol", "digits-cnn", "--num-fake", count)
    assert told["protocol"]["hash"] == record["protocol"]["hash"]
    assert told["metrics"] == pytest.approx(last["metrics"], rel=1e-6)
    expected = {"run": "quickstart/narrow", "seed": 0, "step": last["step"], "tier": "smoke", "count": count, "samples_seed": 0}
    assert told["fake"] | expected == told["fake"]


def test_reals_of_ones_own(measured):
    against_files = measured("--fake", "digits:test", "--real", "png", "--protocol", "digits-cnn")
    built_in = measured("--fake", "digits:test", "--protocol", "digits-cnn")
    assert against_files["protocol"]["hash"] != built_in["protocol"]["hash"]
    assert against_files["real"]["digest"] == against_files["protocol"]["fields"]["real_digest"]
    assert (against_files["real"]["name"], against_files["real"]["count"]) == ("png", COUNT)


def test_fewer_reals(measured):
    told = measured("--fake", "png", "--protocol", "digits-cnn", "--num-real", 100)
    assert told["real"]["count"] == told["protocol"]["fields"]["real_count"] == 100


def test_files_resized(measured):
    told = measured("--fake", "png", "--real", "digits:test", "--resize", 28, "--protocol", "mnist-cnn")
    assert told["metrics"]["frechet"] > 0 and told["real"]["name"] == "digits"


def test_the_steps_of_the_authors_evaluator(measured, run):
    told = measured("--fake", run, "--protocol", "iyengar-2018@digits-cnn", "--num-fake", 80, "--steps")
    assert list(told["steps"]) == [
        "negative half not clipped", "no JPEG", "reals and fakes in one range", "score in the network's own range",
        "running statistics", "all reals", "none of them",
    ]  # fmt: skip
    distances = [told["metrics"]["frechet"], *(metrics["frechet"] for metrics in told["steps"].values())]
    # the score's range is not the distance's, and this G has no batch norm; every other step moves it
    assert len({round(distance, 6) for distance in distances}) == 6 and told["real"]["count"] == 1408  # whole batches of 64
    assert all(list(metrics) == METRICS for metrics in told["steps"].values())


def test_for_readers(ganzoo, here, run):
    said = ganzoo("evaluate", "--fake", "png", "--protocol", "digits-cnn")
    assert (said.code, said.err) == (0, "")
    assert "classifier Fréchet distance" in said.out and "FID" not in said.out
    assert "reals digits (train, 1,437), fakes png (90)" in said.out and "not its number" in said.out
    said = ganzoo("evaluate", "--fake", run, "--protocol", "iyengar-2018@digits-cnn", "--num-fake", 80, "--steps")
    assert said.code == 0 and "as it is" in said.out and "none of them" in said.out


def test_stored_images_are_not_clipped_and_compressed_once_more(measured):
    told = measured("--fake", "png", "--real", "digits", "--protocol", "iyengar-2018@digits-cnn")
    assert [warning["code"] for warning in told["warnings"]][:2] == ["fewer-fakes", "taken-as-stored"]


def test_sides_of_different_shapes_are_told(measured, monkeypatch, tmp_path):
    (tmp_path / "any_size.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    dim, channels, size = 3, 3, None\n    def forward(self, x):\n"
        "        return x.mean((2, 3)) * x.amax((2, 3))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    told = measured("--fake", "colour.npy", "--real", "png", "--protocol", "own@any_size:Net")
    assert "shapes-differ" in [warning["code"] for warning in told["warnings"]]
    assert list(told["metrics"]) == ["frechet", "kid", "precision", "recall", "density", "coverage"]


def test_nothing_is_written_but_caches(measured, here, run):
    before = files_of(here)
    measured("--fake", "png", "--protocol", "digits-cnn")
    measured("--fake", run, "--protocol", "digits-cnn", "--num-fake", 50)
    assert files_of(here) == before


# refusals


DIGITS = ["--protocol", "digits-cnn"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fake", "png", "--protocol", "digits-cn"], "unknown protocol 'digits-cn'. Did you mean 'digits-cnn'?"),
        (["--fake", "png", "--protocol", "iyengar-2018@no-cnn"], "unknown extractor 'no-cnn'"),
        (["--fake", "png", "--protocol", "own@nowhere:Net"], "extractor 'nowhere:Net' cannot be imported"),
        (["--fake", "png", "--real", "digits", "--protocol", "tf-inception"], "not found. Looked in"),
        (["--fake", "far/away", *DIGITS], "far/away not found. Expected a folder of images, a .zip, .npz or .npy."),
        (["--fake", "digit", *DIGITS], "--fake digit: no such path, and no data set. Did you mean 'digits'?"),
        (["--fake", "digits:tst", *DIGITS], "no split 'tst'. Did you mean 'test'?"),
        (["--fake", "", *DIGITS], "--fake is empty"),
        (["--fake", "floats.npz", *DIGITS], "arr_0 is float64, expected uint8, 0..255"),
        (["--fake", "notes.txt", *DIGITS], "neither a zip nor an array file"),
        (["--fake", "nine.npy", *DIGITS], "too few fakes for protocol digits-cnn: 9, expected at least 10"),
        (["--fake", "png", "--num-real", "9", *DIGITS], "too few reals for protocol digits-cnn: 9, expected at least 10"),
        (["--fake", "png", "--num-real", "1438", *DIGITS], "digits holds 1437 images, --num-real asks for 1438"),
        (["--fake", "png", "--num-fake", "91", *DIGITS], "png holds 90 images, --num-fake asks for 91"),
        (["--fake", "large.npy", *DIGITS], "of shape (1, 16, 16), but digits-cnn reads 1 channel, 8×8"),
        (["--fake", "colour.npy", *DIGITS], "of shape (3, 32, 32), but digits-cnn reads 1 channel, 8×8"),
        (["--fake", "png", "--real", "colour.npy", *DIGITS], "the reals are images of shape (3, 32, 32)"),
        (["--fake", "images.npz", "--resize", "8", *DIGITS], "arrays are taken as they are"),
        (["--fake", "png", "--resize", "99999", *DIGITS], "resize is 99999, expected a side of 1 to 2,048 pixels"),
        (["--fake", "png", "--steps", *DIGITS], "has no steps to switch off"),
        (["--fake", "png", "--real", "digits", "--steps", "--protocol", "iyengar-2018@digits-cnn"], "--steps needs a run's folder"),
        (["--fake", "colour.npy", "--protocol", "cifar10-cnn"], "Name it: --real PATH or a data set"),
        (["--fake", "colour.npy", "--real", "png", "--num-real", "20", "--protocol", "iyengar-2018@cifar10-cnn"], "(whole batches of 64)"),
        (["--fake", "png", "--device", "cuda:77", *DIGITS], "device 'cuda:77' is not here"),
        (["--fake", "results/quickstart/narrow", *DIGITS], "holds several runs, expected one of them: results/quickstart/narrow/"),
        (["--fake", "png", "--real", "RUN", *DIGITS], "is a run's folder, expected images"),
        (["--fake", "RUN", "--protocol", "mnist-cnn", "--real", "digits", "--num-fake", "20"], "(1, 8, 8), but mnist-cnn reads"),
        (["--fake", "RUN", "--resize", "16", *DIGITS], "--resize is for image files"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_in_one_line(ganzoo, here, run, arguments, says):
    before = files_of(here)
    said = ganzoo("evaluate", *(str(run) if argument == "RUN" else argument for argument in arguments))
    assert (said.code, said.out) == (2, "")
    assert says in said.err and said.err.startswith("ganzoo: ") and said.err.count("\n") == 1
    assert files_of(here) == before


def test_options_out_of_range(ganzoo, here):
    for option in ("--num-fake", "--num-real"):
        assert ganzoo("evaluate", "--fake", "png", *DIGITS, option, 1).code == 2
    assert ganzoo("evaluate", "--fake", "png").code == 2  # no protocol
    assert ganzoo("evaluate", *DIGITS).code == 2


def test_a_spoilt_checkpoint(ganzoo, here, run, tmp_path):
    spoilt = tmp_path / "run"
    spoilt.mkdir()
    (spoilt / "record.json").write_bytes((run / "record.json").read_bytes())
    (spoilt / "checkpoint.safetensors").write_bytes((run / "checkpoint.safetensors").read_bytes()[:-9])
    said = ganzoo("evaluate", "--fake", spoilt, *DIGITS)
    assert said.code == 2 and said.err.count("\n") == 1 and "cannot be read" in said.err
